import type { FrontDeps } from "../host/index.js";
import type { DemoArgs } from "./demo.js";
import type { ExecArgs } from "./run-flags.js";

export { colorOption, execCommand, forkCommand, overrideOption, resumeCommand } from "./args.js";
export type { ExecArgs } from "./run-flags.js";

/** Runs one prompt to its end; resolves with the exit code. */
export async function runExec(args: ExecArgs, deps: FrontDeps): Promise<number> {
  return (await import("./exec.js")).runExec(args, deps);
}

/** Shows the program at work on a throw-away project, with a script for a model; resolves with the exit code. */
export async function runDemo(args: DemoArgs, deps: FrontDeps): Promise<number> {
  return (await import("./demo.js")).runDemo(args, deps);
}
