import type { BoundedText } from "../base/index.js";
import type { CommandInput } from "./input.js";

/** A program to run, as it is given to the system: no shell in between. `env` is the whole environment. */
export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /**
   * `argv` makes a PID namespace and starts `namespaceProgram(...)` in it, and ends with it, and it with this process
   * (`bwrap --die-with-parent`, `unshare --kill-child`): once its first process is dead, so is all that is in it.
   */
  readonly namespace?: boolean | undefined;
  /**
   * Where there is no namespace: `argv` is started by a leader of ours that adopts all its orphans (`findReaper`), in a
   * session of its own.
   */
  readonly reaper?: boolean | undefined;
  /** The namespace's program has its standard error at the descriptor after what is passed: 2 is its maker's. */
  readonly errorsApart?: boolean | undefined;
  /** What the program left running is left alone when it ended by itself; without a namespace alone, whose end is theirs. */
  readonly keepsChildren?: boolean | undefined;
  /** Contents that the program can read from descriptors 4, 5, ... (Linux only). */
  readonly passed?: readonly Uint8Array[] | undefined;
}

export type OutputStream = "stdout" | "stderr";

export interface RunOptions {
  readonly signal: AbortSignal;
  /** The longest run, ms; none when undefined. */
  readonly timeoutMs?: number | undefined;
  /** From SIGTERM to SIGKILL, ms (default 300). */
  readonly graceMs?: number;
  /**
   * How long what a program leaves behind may take to end by itself once the program has ended by itself, and then how
   * long to read on from pipes that others hold open, ms (default 200 each).
   */
  readonly drainMs?: number;
  /** Bytes of output kept, per stream and for both together. */
  readonly keep: { readonly head: number; readonly tail: number };
  /**
   * Every byte, in order. The chunk is lent: it stays as it is during the call, and, when a promise is returned, until
   * that settles; who keeps it longer copies it. A promise returned pauses both pipes until it settles, but not past
   * cancellation, or the time limit while the program runs (from then on calls may overlap). If it throws or rejects,
   * the command is stopped, and `run` throws the same error.
   */
  readonly onOutput?: (stream: OutputStream, chunk: Uint8Array) => void | Promise<void>;
  /** What the program reads as its input; without one it finds that empty. */
  readonly input?: CommandInput | undefined;
  /** Called once, right after the start, before any output; not called when nothing was started. */
  readonly onStart?: (pid: number) => void;
  /** In a namespace or under a reaper: called once that is made, when the program starts. */
  readonly onReady?: () => void;
}

/** How a command ended: always a value. */
export interface Exit {
  /** `cancelled` with `pid` undefined: cancelled before the start, so nothing ran. */
  readonly end: "exited" | "signalled" | "timed_out" | "cancelled" | "not_started";
  /**
   * Only when `exited`, or when a stopped program chose to exit by itself. In a namespace or under a reaper a death by signal n is the code
   * 128 + n, as shells have it.
   */
  readonly code: number | undefined;
  /** The name of the signal the program died of, like `SIGKILL`. */
  readonly signal: string | undefined;
  /** Why it did not start, or what would not die, for people. */
  readonly error: string | undefined;
  readonly pid: number | undefined;
  /** From the start to the program's own end, without the stopping of leftovers and the drain. 0 when nothing ran. */
  readonly durationMs: number;
  readonly stdout: BoundedText;
  readonly stderr: BoundedText;
  /** Both streams in the order they came. */
  readonly output: BoundedText;
  /**
   * It ended by itself, but processes it had started went on (`server &`); they were stopped, after drainMs. Without
   * namespace and reaper those that left its session are not seen.
   */
  readonly leftovers: boolean;
  /** With `keepsChildren`: what the program left running, as far as it can be found. */
  readonly kept: readonly Kept[];
  /**
   * Everything that came from the command is proven dead. False: what left its session (`setsid`) may live on; in a
   * namespace, or under a reaper, only when `error` says why.
   */
  readonly contained: boolean;
}

/** A process that a command left running. */
export interface Kept {
  readonly pid: number;
  readonly argv: readonly string[];
}
