import { lifeOf, type Owner, ownProcess } from "../base/index.js";

/** This process, as records name it. */
export function thisProcess(): string {
  return JSON.stringify(ownProcess());
}

/** Whether the process that a record names may still run. One of another machine or container does not count. */
export function mayRun(owner: string): boolean {
  try {
    const life = lifeOf(JSON.parse(owner) as Owner);
    return life === "alive" || life === "maybe";
  } catch {
    // Not written by this program: nobody is at work.
    return false;
  }
}
