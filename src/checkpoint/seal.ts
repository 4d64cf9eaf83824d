import { rmSync } from "node:fs";
import { join } from "node:path";
import { capture } from "./capture.js";
import { changesFrom } from "./changes.js";
import type { Journal } from "./journal.js";
import { readLive } from "./live.js";
import { paced } from "./pace.js";
import { type CallRecord, historyOf, sameState } from "./records.js";
import { type Surroundings, Territory } from "./territory.js";
import type { Change } from "./types.js";

/**
 * Finds out what the calls changed that were running when their process died, and puts it on record as `late`: what others
 * changed since can't be told apart. `isAlive` says whether the process of a turn may still be at work; its calls are left.
 */
export async function sealCutCalls(
  journal: Journal,
  around: Surroundings,
  { isAlive, signal }: { readonly isAlive: (owner: string) => boolean; readonly signal: AbortSignal },
): Promise<void> {
  for (const turn of historyOf(journal.read()).turns) {
    if (turn.ended || isAlive(turn.owner)) continue;
    for (const { call, changes } of turn.calls) {
      if (changes !== undefined) continue;
      const found = await lateChanges(call, { journal, around, signal });
      const { turn: id, call: callId } = call;
      if (typeof found === "string") {
        journal.append({ type: "changes", turn: id, call: callId, changes: [], unknown: found });
      } else journal.append({ type: "changes", turn: id, call: callId, changes: found, late: true });
      if (call.live !== undefined) rmSync(join(journal.folder, call.live), { force: true });
    }
    journal.append({ type: "turn_end", turn: turn.turn });
  }
}

interface Sealing {
  readonly journal: Journal;
  readonly around: Surroundings;
  readonly signal: AbortSignal;
}

/** The changes, or why they can't be known. Throws system errors of the store, and the signal's reason. */
async function lateChanges(call: CallRecord, { journal, around, signal }: Sealing): Promise<Change[] | string> {
  const { callBytes, fileBytes, keptFiles } = around.budget;
  const room = { files: keptFiles, bytes: callBytes, fileBytes };
  if (call.files !== undefined) {
    const keeping = { store: around.store, room, pace: paced(around.clock, signal) };
    const changes: Change[] = [];
    for (const { path, state } of call.files) {
      const after = await capture(path, keeping);
      if (!sameState(state, after)) changes.push({ path, before: state, after });
    }
    return changes;
  }
  const { roots = [], live = "" } = call;
  const known = /^live-[\w.-]+$/.test(live) ? readLive(join(journal.folder, live), roots, around.env) : undefined;
  if (known === undefined) return "the program was killed while it ran, and what was noted before is gone";
  const differences = await Territory.from(known.trees, around).look({ signal, room });
  return changesFrom(differences, { around, room, endedAt: undefined, signal });
}
