import { dirname } from "node:path";
import { glance } from "./capture.js";
import type { ObjectStore } from "./objects.js";
import { type CallHistory, netChanges, sameState } from "./records.js";
import type { Change, State } from "./types.js";

/** A path and what is the matter with it, for people. */
export interface Trouble {
  readonly path: string;
  readonly why: string;
}

/** What an undo would do. */
export interface UndoPlan {
  /** From what is there now to what is to be there. */
  readonly changes: readonly Change[];
  /** Changed by someone since: undone only when that is asked for, with what is there now kept. */
  readonly conflicts: readonly Trouble[];
  /** Can't be brought back at all. */
  readonly lost: readonly Trouble[];
  /** What else people should know. */
  readonly notes: readonly string[];
}

/** `refuse`: nothing is done; `keep`: such files stay as they are; `overwrite`: they are undone, and kept for a redo. */
export type OnConflict = "refuse" | "keep" | "overwrite";

/** Works out what taking back `wanted` (each from `after` to `before`) means for the files as they are. No effect. */
export function planUndo(calls: readonly CallHistory[], store: ObjectStore, onConflict: OnConflict): UndoPlan {
  const changes: Change[] = [];
  const conflicts: Trouble[] = [];
  const lost: Trouble[] = [];
  for (const change of netChanges(calls)) {
    const { path, before, after, torn } = change;
    if (isIgnored(before) || isIgnored(after)) continue;
    const now = see(path, [after, before], store);
    if (sameState(now, before)) continue;
    const broken = whyLost(before, store);
    if (broken !== undefined) lost.push({ path, why: broken });
    else {
      const clash = torn ? "someone else changed it between two calls of the turn" : clashOf(now, after);
      if (clash !== undefined) conflicts.push({ path, why: clash });
      if (clash === undefined || onConflict === "overwrite") changes.push({ path, before: now, after: before });
    }
  }
  const notes = calls.flatMap(({ call, changes: known }) => {
    if (known === undefined) return [`call ${call.call} has not ended yet: what it changed is not known`];
    if (known.unknown !== undefined) return [`what call ${call.call} changed is not known: ${known.unknown}`];
    if (known.late === true) {
      return [`the program died during call ${call.call}: what others changed since then counts as changed by it`];
    }
    return [];
  });
  return { changes: withFolders(changes), conflicts, lost, notes };
}

/** What is at a path now, the content compared with that of the states it may be in. */
export function see(path: string, states: readonly (State | null)[], store: ObjectStore): State | null {
  const now = glance(path);
  if (now?.kind !== "file") return now;
  const files = states.filter((state) => state?.kind === "file").filter(({ size }) => size === now.size);
  for (const { ino, mtime, ctime, sha } of files) {
    if (sha !== undefined && ino === now.ino && mtime === now.mtime && ctime === now.ctime) return { ...now, sha };
  }
  if (!files.some(({ sha }) => sha !== undefined)) return now;
  const sha = store.nameOf(path);
  return sha === undefined ? now : { ...now, sha };
}

function clashOf(now: State | null, after: State | null): string | undefined {
  if (sameState(now, after)) return undefined;
  if (now === null) return "it was removed since";
  if (after === null) return "it was made anew since";
  if (now.kind === "file" && after.kind === "file" && after.sha === undefined) {
    return after.why ?? "it can't be told whether it was changed since";
  }
  return "it was changed since";
}

function whyLost(before: State | null, store: ObjectStore): string | undefined {
  if (before?.kind === "uncovered") return before.why;
  if (before?.kind !== "file") return undefined;
  if (before.sha === undefined) return before.why ?? "its content was not kept";
  return store.has(before.sha) ? undefined : "its content was kept, and has been cleaned up since";
}

function isIgnored(state: State | null): boolean {
  return state?.kind === "uncovered" && state.ignored === true;
}

/** Folders that are needed and that somebody has taken away, being empty. */
function withFolders(changes: readonly Change[]): Change[] {
  const made = new Map<string, Change>();
  const known = new Set(changes.filter(({ after }) => after?.kind === "folder").map(({ path }) => path));
  for (const { path, after } of changes) {
    if (after === null) continue;
    for (let folder = dirname(path); !known.has(folder) && glance(folder) === null; folder = dirname(folder)) {
      known.add(folder);
      made.set(folder, { path: folder, before: null, after: { kind: "folder", mode: 0o755 } });
    }
  }
  return [...made.values(), ...changes];
}
