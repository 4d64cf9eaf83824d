import { type ChildProcess, type IOType, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";
import type { Source } from "./capture.js";
import { REPORT_FD } from "./namespace.js";
import { closePassed, openPassed } from "./passed.js";
import { closePipes, type Pipe, type Pipes } from "./pipes.js";
import { explainFailure } from "./refusal.js";
import type { Command } from "./types.js";

export interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  /** To be read from before anything else is waited for. */
  readonly stdout: Source;
  readonly stderr: Source;
  /** Its input, when it has one. */
  readonly stdin: Writable | undefined;
  /** To be listened to, when the command makes a namespace or has a reaper. */
  readonly report: Duplex | undefined;
}

/** `error`: why it did not start, for people. */
export type Launch = Launched | { readonly error: string };

/**
 * Starts a command as the leader of its own session and group, with /dev/null as its input, unless it is wanted. The program is looked up
 * by the command's own PATH and relative to its folder. Takes the pipes over, whatever happens; without pipes, output
 * comes over Node's socket pairs. The system is called before the first wait.
 */
export async function launch(
  command: Command,
  { pipes, input }: { readonly pipes: Pipes | undefined; readonly input: boolean },
): Promise<Launch> {
  let child: ChildProcess;
  let passed: number[] = [];
  try {
    passed = openPassed(command.passed ?? []);
    child = start(command, { pipes, input, passed });
  } catch (error) {
    // Some of the system's refusals are thrown (E2BIG), the others come as an event, below.
    if (pipes !== undefined) closePipes(pipes);
    return { error: explainFailure(command, (error as NodeJS.ErrnoException).code ?? "unknown error") };
  } finally {
    closePassed(passed);
  }
  const { pid } = child;
  if (pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
    if (pipes !== undefined) closePipes(pipes);
    return { error: explainFailure(command, error.code ?? "unknown error") };
  }
  // `error` comes later only for child.kill and child.send, which are not used.
  child.on("error", () => undefined);
  const report = isLed(command) ? (child.stdio[REPORT_FD] as Duplex) : undefined;
  if (pipes === undefined) {
    const stdin = child.stdin ?? undefined;
    return { child, pid, stdin, stdout: takeHandle(child.stdout), stderr: takeHandle(child.stderr), report };
  }
  closeSync(pipes.stdout.write);
  closeSync(pipes.stderr.write);
  const stdin = pipes.stdin && takeInput(pipes.stdin);
  return { child, pid, stdin, stdout: { fd: pipes.stdout.read }, stderr: { fd: pipes.stderr.read }, report };
}

/** Whether what is started first is something of ours that tells how the program fares. */
function isLed({ namespace, reaper }: Command): boolean {
  return namespace === true || reaper === true;
}

/** Our end of a pipe whose other end a child has by now. */
function takeInput({ read, write }: Pipe): Writable {
  closeSync(read);
  return new Socket({ fd: write, readable: false, writable: true });
}

interface Descriptors {
  readonly pipes: Pipes | undefined;
  readonly input: boolean;
  readonly passed: readonly number[];
}

function start(command: Command, { pipes, input, passed }: Descriptors): ChildProcess {
  const channel: IOType = isLed(command) ? "pipe" : "ignore";
  // A program that needs none of it has descriptor 3 closed, as ever.
  const more = isLed(command) || passed.length > 0 ? [channel, ...passed] : [];
  const stdin: IOType | number = input ? (pipes?.stdin?.read ?? "pipe") : "ignore";
  return spawn(command.argv[0]!, command.argv.slice(1), {
    cwd: command.cwd,
    env: { ...command.env },
    detached: true,
    stdio: [stdin, pipes?.stdout.write ?? "pipe", pipes?.stderr.write ?? "pipe", ...more],
  });
}

/** The handle under a child's stream, taken from it: Node has no public way to read it into a buffer of one's own. */
function takeHandle(stream: unknown): Source {
  const owner = stream as { _handle: unknown };
  const handle = owner._handle;
  owner._handle = null;
  return { handle };
}
