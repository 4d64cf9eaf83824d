import { GIT } from "./git.js";
import { PROGRAMS } from "./programs.js";
import { isHonest } from "./shell.js";

/**
 * `open`: runs nothing else and writes nothing, whatever the folder holds. `walled`: the same, but for what settings in the
 * folder may make it run: safe within walls alone. Undefined: not known to be safe.
 */
export type Safety = "open" | "walled" | undefined;

/** Whether a command is on the list of those that only read and print, with all its options. */
export function safetyOf([program = "", ...args]: readonly string[]): Safety {
  if (!args.every(isHonest)) return undefined;
  if (program === "git") return GIT(args) ? "walled" : undefined;
  return PROGRAMS.get(program)?.(args) === true ? "open" : undefined;
}
