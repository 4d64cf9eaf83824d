import { lstatSync } from "node:fs";
import { keepFromGit, type Room } from "./keep.js";
import { sameState } from "./records.js";
import { TICK_MS } from "./sighting.js";
import type { Surroundings } from "./territory.js";
import { type Difference, stateOf } from "./tree.js";
import type { Change, State } from "./types.js";

/** What scans found as changes on record. `endedAt`: what changed later is not the call's. Throws system errors of the store. */
export async function changesFrom(
  differences: readonly Difference[],
  options: {
    readonly around: Surroundings;
    readonly room: Room;
    readonly endedAt: number | undefined;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Change[]> {
  const { around, room, endedAt = Number.POSITIVE_INFINITY, signal } = options;
  await keepFromGit(differences, { store: around.store, room, signal });
  return differences.flatMap(({ path, before, after }): Change[] => {
    const change = { path, before: stateOf(before), after: withSameBytes(stateOf(after), stateOf(before)) };
    // Written anew with what it had: nothing that anybody could want back.
    if (sameState(change.before, change.after)) return [];
    if (after === undefined || after.ctime <= endedAt + TICK_MS) return [change];
    if (before === undefined && isBornAfter(path, endedAt + TICK_MS)) return [];
    if (change.after?.kind !== "file") return [change];
    const { mode, size } = change.after;
    return [{ ...change, after: { kind: "file", mode, size, why: "someone else changed it right after the call" } }];
  });
}

/** A file that was not written to has the bytes it had, also when it can't be read any more. */
function withSameBytes(after: State | null, before: State | null): State | null {
  if (after?.kind !== "file" || before?.kind !== "file" || after.sha !== undefined) return after;
  const same = after.ino === before.ino && after.mtime === before.mtime && after.size === before.size;
  return same && before.sha !== undefined ? { ...after, sha: before.sha } : after;
}

function isBornAfter(path: string, time: number): boolean {
  const birth = lstatSync(path, { throwIfNoEntry: false })?.birthtimeMs ?? 0;
  return birth > time;
}
