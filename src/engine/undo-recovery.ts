import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/index.js";
import type { EndedUndo } from "../checkpoint/index.js";
import type { Config } from "../config/index.js";

/** Carries on undos that killed processes left half done, in any conversation; a line for people on each. */
export async function endCutUndos(
  { home, commandEnv: env }: Config,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string[]> {
  if (!isAnyUnderWay(home)) return [];
  const { mayRun, thisProcess, Undoing } = await import("../checkpoint/index.js");
  const undoing = new Undoing({ home, clock, env, owner: thisProcess(), isAlive: mayRun, signal });
  let ended: readonly EndedUndo[];
  try {
    ended = await undoing.endCut();
  } catch {
    // Stopped meanwhile: the next start carries them on.
    return [];
  }
  return ended.map(({ conversation, left, stuck }) => {
    const what = `an undo that a crash had cut (conversation ${conversation})`;
    if (stuck !== undefined) return `${what} is half done: ${stuck}`;
    const kept = left.length === 0 ? "" : `; left as they are: ${left.map(({ path }) => path).join(", ")}`;
    return `${what} was finished${kept}`;
  });
}

/** Answered without loading the room that does it: hardly ever there is one. */
function isAnyUnderWay(home: string): boolean {
  try {
    return readdirSync(join(home, "checkpoints", "undoing")).length > 0;
  } catch {
    // No such folder: none is under way.
    return false;
  }
}
