import type { BoundedText } from "../base/index.js";

/** A program to run, as it is given to the system: no shell in between. `env` is the whole environment. */
export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export type OutputStream = "stdout" | "stderr";

export interface RunOptions {
  readonly signal: AbortSignal;
  /** The longest run, ms; none when undefined. */
  readonly timeoutMs?: number | undefined;
  /** From SIGTERM to SIGKILL, ms (default 300). */
  readonly graceMs?: number;
  /** How long to read on from pipes that others hold open after the program is dead, ms (default 200). */
  readonly drainMs?: number;
  /** Bytes of output kept, per stream and for both together. */
  readonly keep: { readonly head: number; readonly tail: number };
  /** Every byte, in order. A promise returned pauses the pipes until it settles; never past cancellation. */
  readonly onOutput?: (stream: OutputStream, chunk: Uint8Array) => void | Promise<void>;
  readonly onStart?: (pid: number) => void;
}

/** How a command ended: always a value. */
export interface Exit {
  readonly end: "exited" | "signalled" | "timed_out" | "cancelled" | "not_started";
  /** Only when `exited`, or when a stopped program chose to exit by itself. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Why it did not start, for people. */
  readonly error: string | undefined;
  readonly pid: number | undefined;
  readonly durationMs: number;
  readonly stdout: BoundedText;
  readonly stderr: BoundedText;
  /** Both streams in the order they came. */
  readonly output: BoundedText;
  /** Everything that came from the command is proven dead. False: what left its process group may live on. */
  readonly contained: boolean;
}
