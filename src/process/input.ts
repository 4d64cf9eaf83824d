import type { Writable } from "node:stream";

/** What the system is handed at a time: a pipe takes so much as one. No more is ever under way that could come late. */
const PIECE_BYTES = 4096;

/** The way into a command that runs now. */
export interface Inlet {
  readonly pipe: Writable;
  /** See `ProcessTree.interrupt`; false when there is nothing to be told yet. */
  readonly interrupt: () => boolean;
}

/**
 * What a command reads as its standard input, written while it runs: made by the caller, handed to `run`. Before the
 * command starts, writers wait; once it has ended, nothing is taken.
 */
export class CommandInput {
  #inlet: Inlet | undefined;
  #open: () => void = () => undefined;
  readonly #ready = new Promise<void>((resolve) => (this.#open = resolve));
  /** Settles when the piece under way has gone. */
  #gone: Promise<void> = Promise.resolve();
  #ended = false;

  /**
   * Writes piece by piece, as fast as the command reads, until the signal is aborted. Resolves with how many bytes were
   * handed over; the rest was not sent and never will be. For one caller at a time.
   */
  async write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    await unless(this.#ready, signal);
    let at = 0;
    while (at < bytes.length && !signal.aborted) {
      await unless(this.#gone, signal);
      const inlet = this.#inlet;
      if (signal.aborted || inlet === undefined || this.#ended || inlet.pipe.destroyed) break;
      const piece = bytes.slice(at, at + PIECE_BYTES);
      at += piece.length;
      // An error is the end of the pipe, which the next look finds.
      this.#gone = new Promise((resolve) => inlet.pipe.write(piece, () => resolve()));
    }
    await unless(this.#gone, signal);
    return at;
  }

  /** No more input: the command reads to the end of what it was given. */
  end(): void {
    this.#ended = true;
    this.#inlet?.pipe.end();
  }

  /** SIGINT to all that came from the command, as Ctrl-C has it in a terminal. False when there is nothing to be told. */
  interrupt(): boolean {
    return this.#inlet?.interrupt() ?? false;
  }

  /** For `run`: the command has started. */
  attach(inlet: Inlet): void {
    // A pipe that nobody reads any more tells by an error; whoever writes finds it closed.
    inlet.pipe.on("error", () => undefined);
    this.#inlet = inlet;
    if (this.#ended) inlet.pipe.end();
    this.#open();
  }

  /** For `run`: the command has ended. */
  detach(): void {
    this.#inlet?.pipe.destroy();
    this.#inlet = undefined;
  }
}

/** Waits for the promise, but not past the signal. */
function unless(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => {
      signal.removeEventListener("abort", settle);
      resolve();
    };
    signal.addEventListener("abort", settle, { once: true });
    promise.then(settle, settle);
  });
}
