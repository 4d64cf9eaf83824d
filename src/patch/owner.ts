import { lifeOf, type Owner } from "../base/index.js";

/**
 * Ages (ms) of a journal from which its process no longer counts as alive: one that can't be seen from here (another
 * machine or container that shares the home folder), and one whose number may have gone to another process.
 */
const FOREIGN = 60 * 1000;
const REUSED = 10 * 60 * 1000;

/** Whether the process may still run: false when it is gone, or can't be known to live and the journal is old. */
export function mayRun(owner: Owner, ageMs: number): boolean {
  const life = lifeOf(owner);
  if (life === "unknown") return ageMs < FOREIGN;
  return life === "alive" || (life === "maybe" && ageMs < REUSED);
}
