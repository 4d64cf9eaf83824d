import type { AttachedExit, AttachedOptions } from "./attached.js";
import type { Command, Exit, RunOptions } from "./types.js";

/**
 * Runs one command to its end, and to the end of what it started: group and, on Linux, session; in a namespace of its
 * own, everything that came from it. Everything expected is a value of `Exit`; throws only what `onOutput` or `onStart`
 * threw, after the command was stopped. When it resolves, nothing more is delivered, and its processes are dead or
 * `error` says that they are not.
 * Bounded: after cancellation or the time limit it takes at most graceMs + drainMs, and 4 s more where the
 * system does not carry out a SIGKILL.
 */
export async function run(command: Command, options: RunOptions): Promise<Exit> {
  // Loaded by the first command: node:child_process and node:net stay off the start path.
  const { execute } = await import("./execution.js");
  return execute(command, options);
}

/** `run` with our own standard streams and terminal; see there, and `AttachedExit`. */
export async function runAttached(command: Command, options: AttachedOptions): Promise<AttachedExit> {
  const { attach } = await import("./attached.js");
  return attach(command, options);
}
