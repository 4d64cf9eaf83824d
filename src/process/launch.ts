import { type ChildProcess, type IOType, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { Source } from "./capture.js";
import { REPORT_FD } from "./namespace.js";
import { closePassed, openPassed } from "./passed.js";
import { closePipe, type Pipes } from "./pipes.js";
import { explainFailure } from "./refusal.js";
import type { Command } from "./types.js";

export interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  /** To be read from before anything else is waited for. */
  readonly stdout: Source;
  readonly stderr: Source;
  /** To be listened to, when the command makes a namespace. */
  readonly report: Duplex | undefined;
}

/** `error`: why it did not start, for people. */
export type Launch = Launched | { readonly error: string };

/**
 * Starts a command as the leader of its own session and group, with /dev/null as its input. The program is looked up
 * by the command's own PATH and relative to its folder. Takes the pipes over, whatever happens; without pipes, output
 * comes over Node's socket pairs. The system is called before the first wait.
 */
export async function launch(command: Command, pipes: Pipes | undefined): Promise<Launch> {
  let child: ChildProcess;
  let passed: number[] = [];
  try {
    passed = openPassed(command.passed ?? []);
    child = start(command, pipes, passed);
  } catch (error) {
    // Some of the system's refusals are thrown (E2BIG), the others come as an event, below.
    closeAll(pipes);
    return { error: explainFailure(command, (error as NodeJS.ErrnoException).code ?? "unknown error") };
  } finally {
    closePassed(passed);
  }
  const { pid } = child;
  if (pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
    closeAll(pipes);
    return { error: explainFailure(command, error.code ?? "unknown error") };
  }
  // `error` comes later only for child.kill and child.send, which are not used.
  child.on("error", () => undefined);
  const report = command.namespace === true ? (child.stdio[REPORT_FD] as Duplex) : undefined;
  if (pipes === undefined) {
    return { child, pid, stdout: takeHandle(child.stdout), stderr: takeHandle(child.stderr), report };
  }
  closeSync(pipes.stdout.write);
  closeSync(pipes.stderr.write);
  return { child, pid, stdout: { fd: pipes.stdout.read }, stderr: { fd: pipes.stderr.read }, report };
}

function start(command: Command, pipes: Pipes | undefined, passed: readonly number[]): ChildProcess {
  const channel: IOType = command.namespace === true ? "pipe" : "ignore";
  // A program that needs none of it has descriptor 3 closed, as ever.
  const more = command.namespace === true || passed.length > 0 ? [channel, ...passed] : [];
  return spawn(command.argv[0]!, command.argv.slice(1), {
    cwd: command.cwd,
    env: { ...command.env },
    detached: true,
    stdio: ["ignore", pipes?.stdout.write ?? "pipe", pipes?.stderr.write ?? "pipe", ...more],
  });
}

/** The handle under a child's stream, taken from it: Node has no public way to read it into a buffer of one's own. */
function takeHandle(stream: unknown): Source {
  const owner = stream as { _handle: unknown };
  const handle = owner._handle;
  owner._handle = null;
  return { handle };
}

function closeAll(pipes: Pipes | undefined): void {
  if (pipes === undefined) return;
  closePipe(pipes.stdout);
  closePipe(pipes.stderr);
}
