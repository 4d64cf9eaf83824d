import type { Clock, Random } from "../../base/index.js";
import type { Conversations } from "../../engine/index.js";

/** The signals that ask a program to stop, by name. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The shell's convention: 128 and the number of the signal. */
export const SIGNAL_EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** The exit code of a program whose reader has gone: 128 + SIGPIPE. */
export const BROKEN_PIPE_EXIT_CODE = 141;

/** Where stop signals arrive. While nobody listens, the first one ends the program at once. */
export interface SignalSource {
  /**
   * Called once, for the first stop signal (at once when it has come already); the next signal ends the program without
   * asking. The function returned unsubscribes.
   */
  onStop(listener: (signal: StopSignal) => void): () => void;
}

/** One output stream of the program. */
export interface Output {
  readonly isTTY: boolean;
  /** The reader has gone, or the stream failed: what is written from then on is dropped. */
  readonly broken: boolean;
  /**
   * Queues text, in order; never throws. Returns a promise when more than the bound waits for a slow reader; it settles
   * once the reader has caught up or has gone.
   */
  write(text: string): void | Promise<void>;
  /** Called once, when the reader goes away or the stream fails; at once when that is already so. */
  onBroken(listener: () => void): () => void;
}

/** The stream a front end reads: bytes, once. It is opened at the first read. */
export interface Input extends AsyncIterable<Uint8Array> {
  /** A pipe (or socket) may stay open and silent for ever; `other` (a file, /dev/null) comes to its end by itself. */
  readonly kind: "terminal" | "pipe" | "other";
}

/** What a front end sees of the process it runs in; made once, by `runProgram`. */
export interface FrontDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly random: Random;
  /** Of this program. */
  readonly version: string;
  readonly signals: SignalSource;
  /** The engine, loaded at the first call. */
  conversations(): Promise<Conversations>;
}
