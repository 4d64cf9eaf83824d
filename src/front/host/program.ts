import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { systemRandom } from "../../base/index.js";
import type { Conversations, EngineDeps } from "../../engine/index.js";
import { BROKEN_PIPE_EXIT_CODE, type FrontDeps, type Input, SIGNAL_EXIT_CODES } from "./deps.js";
import { StreamOutput } from "./output.js";
import { watchSignals } from "./signals.js";

/** The part of the engine that a process hosts. */
export interface Engine {
  createConversations(deps: EngineDeps): Conversations;
  /** Kills, synchronously, every process that any call has started. */
  killEverythingNow(): void;
}

export interface ProgramOptions {
  readonly process: NodeJS.Process;
  readonly version: string;
  readonly loadEngine: () => Promise<Engine>;
  /** Ends the process, at once. */
  readonly exit: (code: number) => void;
}

const USAGE_EXIT_CODE = 2;

// `performance` would be loaded for this alone.
const clock = { now: () => Date.now(), monotonic: () => Number(process.hrtime.bigint()) / 1e6 };

/**
 * Runs one front end in this process, then ends the process with the exit code it resolves with, once all output has
 * reached its reader. Whatever goes wrong, no child process is left.
 */
export async function runProgram(front: (deps: FrontDeps) => Promise<number>, options: ProgramOptions): Promise<void> {
  const { process } = options;
  const stdout = outputOf(process.stdout, 1);
  const stderr = outputOf(process.stderr, 2);
  let engine: Engine | undefined;

  const leave = (code: number): void => {
    engine?.killEverythingNow();
    stdout.hand();
    stderr.hand();
    options.exit(code);
  };
  const crash = (error: unknown): void => {
    void stderr.write(`belay: internal error: ${describe(error, process.env.BELAY_DEBUG !== undefined)}\n`);
    leave(1);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  // Nothing left to wait for, and no exit code yet: a promise was lost somewhere. Node would leave with 0.
  process.once("beforeExit", () => crash(new Error("the program ended before its work did")));
  const signals = watchSignals({
    process,
    monotonic: clock.monotonic,
    leave: (signal) => leave(SIGNAL_EXIT_CODES[signal]),
  });

  const loadConversations = async (): Promise<Conversations> => {
    engine = await options.loadEngine();
    return engine.createConversations({ clock, random: systemRandom, version: options.version });
  };
  let conversations: Promise<Conversations> | undefined;
  const cwd = currentFolder(process, stderr);
  if (cwd === undefined) return leave(USAGE_EXIT_CODE);
  try {
    const code = await front({
      env: process.env,
      cwd,
      stdin: inputOf(process),
      stdout,
      stderr,
      clock,
      random: systemRandom,
      version: options.version,
      signals,
      conversations() {
        conversations ??= loadConversations();
        return conversations;
      },
    });
    leave(await deliver(code, { stdout, stderr, signals }));
  } catch (error) {
    // The last of the places where an unknown error may arrive; it must not leave children behind.
    crash(error);
  }
}

/** Waits until all output has reached its reader, which a stop signal cuts short; resolves with the exit code. */
async function deliver(
  code: number,
  { stdout, stderr, signals }: Pick<FrontDeps, "signals"> & Record<"stdout" | "stderr", StreamOutput>,
): Promise<number> {
  const hurry = new AbortController();
  let signalCode = 0;
  signals.onStop((signal) => {
    signalCode = SIGNAL_EXIT_CODES[signal];
    hurry.abort();
  });
  const isRead = await stdout.flush(hurry.signal);
  if (!isRead) void stderr.write("belay: stopped before all of stdout was read\n");
  if (stdout.failure !== undefined) void stderr.write(`belay: cannot write to stdout: ${stdout.failure.message}\n`);
  await stderr.flush(hurry.signal);
  if (!isRead) return code === 0 ? signalCode : code;
  return exitCode(code, stdout);
}

/** A success that nobody could read is none; a disk that is full is no reader that has left. */
function exitCode(code: number, stdout: StreamOutput): number {
  if (!stdout.broken || (code !== 0 && code !== BROKEN_PIPE_EXIT_CODE)) return code;
  return stdout.failure === undefined ? BROKEN_PIPE_EXIT_CODE : 1;
}

function outputOf(stream: NodeJS.WriteStream, fd: number): StreamOutput {
  return new StreamOutput(stream, kindOf(fd) === "other" ? fd : undefined);
}

function inputOf(process: NodeJS.Process): Input {
  return {
    kind: kindOf(0),
    [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
  };
}

/** Undefined, and told, when it was removed while the user stood in it. */
function currentFolder(process: NodeJS.Process, stderr: StreamOutput): string | undefined {
  try {
    return process.cwd();
  } catch {
    // The system has no name for a folder that is gone.
    void stderr.write("belay: the current folder does not exist any more: change to one that does\n");
    return undefined;
  }
}

function kindOf(fd: number): Input["kind"] {
  if (isatty(fd)) return "terminal";
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket() ? "pipe" : "other";
}

function describe(error: unknown, full: boolean): string {
  if (!(error instanceof Error)) return String(error);
  return full ? (error.stack ?? error.message) : `${error.message} (BELAY_DEBUG=1 shows where)`;
}
