import { Socket, type SocketConstructorOpts } from "node:net";
import { BoundedText } from "../base/index.js";
import type { OutputStream, RunOptions } from "./types.js";
import { settlesWithin } from "./wait.js";

/** One read: a pipe's whole capacity on Linux. */
const READ_BYTES = 64 * 1024;
/** How often the drain looks whether it is paused, ms. */
const DRAIN_SLICE_MS = 20;

/** Read buffers not in use now: a new one for each command would be 128 KiB of garbage. */
const spares: Buffer[] = [];
const SPARES = 8;

function takeBuffer(): Buffer {
  return spares.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
}

function giveBack(buffer: Buffer): void {
  if (spares.length < SPARES) spares.push(buffer);
}

/** Where to read from: our end of a pipe, or an open handle of Node's. */
export type Source = { readonly fd: number } | { readonly handle: unknown };

interface CaptureOptions {
  readonly keep: RunOptions["keep"];
  readonly onOutput: RunOptions["onOutput"] | undefined;
  /** Called with what `onOutput` threw, or its promise; also late. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Reads both pipes of one command: keeps what `keep` allows and hands on every chunk. Each pipe is read into one buffer
 * that is used again and again (a flood through Node's own streams costs some 40 MB of garbage), which is why chunks
 * are lent. A chunk under a promise keeps its buffer, and the reader takes a new one.
 */
export class Capture {
  readonly stdout: BoundedText;
  readonly stderr: BoundedText;
  readonly output: BoundedText;
  readonly #options: CaptureOptions;
  readonly #sockets: Socket[] = [];
  readonly #closed: Promise<void>[] = [];
  #pause: Pause | undefined;
  #released = false;
  #finished = false;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.stdout = new BoundedText(options.keep);
    this.stderr = new BoundedText(options.keep);
    this.output = new BoundedText(options.keep);
  }

  read(stream: OutputStream, source: Source): void {
    let buffer = takeBuffer();
    const callback = (length: number, from: Uint8Array): boolean => {
      const use = this.#deliver(stream, from.subarray(0, length));
      if (use !== undefined) {
        const lent = buffer;
        buffer = takeBuffer();
        this.#pauseFor(use.then(undefined, this.#options.onFailure).finally(() => giveBack(lent)));
      }
      return this.#pause === undefined;
    };
    // `handle` is an option of net.Socket that its types leave out.
    const options = { ...source, readable: true, writable: false, onread: { buffer: () => buffer, callback } };
    const socket = new Socket(options as SocketConstructorOpts);
    // An error of a pipe is the end of its output; `close` follows.
    socket.on("error", () => undefined);
    this.#sockets.push(socket);
    this.#closed.push(
      new Promise((resolve) => {
        socket.once("close", () => {
          giveBack(buffer);
          resolve();
        });
      }),
    );
  }

  /** Whether a promise of the consumer's holds the pipes. */
  get paused(): boolean {
    return this.#pause !== undefined;
  }

  /** From now on no promise of the consumer's pauses the pipes. */
  release(): void {
    this.#released = true;
    this.#resume();
  }

  /**
   * Reads until both pipes are closed, but at most `drainMs` (pauses don't count): a process that nobody could find may
   * hold them open. Nothing is delivered afterwards.
   */
  async finish(drainMs: number): Promise<void> {
    const closed = Promise.all(this.#closed);
    let left = drainMs;
    for (let open = true; open && left > 0; ) {
      if (this.#pause !== undefined) {
        await this.#pause.ended;
        continue;
      }
      const start = performance.now();
      open = !(await settlesWithin(closed, Math.min(left, DRAIN_SLICE_MS)));
      left -= performance.now() - start;
    }
    this.#finished = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The promise under which the chunk stays in use after the call, when there is one. */
  #deliver(stream: OutputStream, chunk: Uint8Array): Promise<void> | undefined {
    if (this.#finished) return undefined;
    this[stream].push(chunk);
    this.output.push(chunk);
    try {
      return this.#options.onOutput?.(stream, chunk) ?? undefined;
    } catch (error) {
      // Thrown into a callback of Node's it would end the program; `run` throws it, once the command is dead.
      this.#options.onFailure(error);
      return undefined;
    }
  }

  #pauseFor(use: Promise<void>): void {
    if (!this.#released) {
      this.#pause ??= newPause();
      for (const socket of this.#sockets) socket.pause();
    }
    const pause = this.#pause;
    const settled = () => {
      if (pause !== undefined && this.#pause === pause) this.#resume();
    };
    use.then(settled, settled);
  }

  #resume(): void {
    const pause = this.#pause;
    if (pause === undefined) return;
    this.#pause = undefined;
    pause.end();
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resume();
  }
}

interface Pause {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

function newPause(): Pause {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}
