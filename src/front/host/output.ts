import type { Writable } from "node:stream";
import { writeWhole } from "../../base/index.js";
import type { Output } from "./deps.js";

/** Characters that may wait for the reader before writers are asked to wait too. */
const BOUND = 1024 * 1024;

/** How long a reader may take nothing before a flush in a hurry gives it up, ms. */
const STALL_MS = 3000;

type Stream = Writable & { readonly isTTY?: boolean };

/**
 * A standard stream as an Output. Pipes are asynchronous in Node on POSIX: what they don't take at once waits in memory,
 * and an early `process.exit` loses it, so whoever exits calls `flush` first. Texts of one round of the event loop go
 * out in one write.
 */
export class StreamOutput implements Output {
  readonly #stream: Stream;
  readonly #fd: number | undefined;
  readonly #listeners = new Set<() => void>();
  #pending: string[] = [];
  #pendingLength = 0;
  /** Texts handed to the stream of which it has not said yet what came of them. */
  #unsettled = 0;
  #scheduled = false;
  #drained: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #failure: NodeJS.ErrnoException | undefined;

  /** `fd` of a file or device, which is written to directly: Node's stream takes a part that a full disk took for the whole. */
  constructor(stream: Stream, fd: number | undefined) {
    this.#stream = stream;
    this.#fd = fd;
    stream.on("error", (error) => this.#fail(error));
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** Why the stream broke; undefined also for a reader that just left (EPIPE; EIO of a terminal that was closed). */
  get failure(): Error | undefined {
    return ["EPIPE", "EIO", "ECONNRESET"].includes(this.#failure?.code ?? "") ? undefined : this.#failure;
  }

  write(text: string): void | Promise<void> {
    if (this.broken || text === "") return undefined;
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#waiting > BOUND) return this.#caughtUp();
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.hand());
    }
    return undefined;
  }

  onBroken(listener: () => void): () => void {
    if (this.broken) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Gives the system what it takes at once, synchronously. */
  hand(): void {
    this.#scheduled = false;
    if (this.#pending.length === 0) return;
    const text = this.#pending.join("");
    this.#pending = [];
    this.#pendingLength = 0;
    if (this.broken) return;
    try {
      if (this.#fd === undefined) this.#handToStream(text);
      else writeWhole(this.#fd, Buffer.from(text));
    } catch (error) {
      // A full disk must not become a crash in mid-turn.
      this.#fail(error as NodeJS.ErrnoException);
    }
  }

  #handToStream(text: string): void {
    this.#unsettled += 1;
    this.#stream.write(text, (error) => {
      this.#unsettled -= 1;
      if (error != null) this.#fail(error);
      else if (!this.#isBusy) this.#settle();
    });
  }

  /**
   * Resolves when all has reached the reader, or can't. Once `hurry` is aborted, a reader that takes nothing for 3 s is given
   * up: false.
   */
  async flush(hurry: AbortSignal): Promise<boolean> {
    const wake = () => this.#settle();
    hurry.addEventListener("abort", wake, { once: true });
    this.hand();
    while (!this.broken && this.#isBusy) {
      const before = this.#waiting;
      const inHurry = hurry.aborted;
      const stall = inHurry ? setTimeout(wake, STALL_MS) : undefined;
      await this.#caughtUp();
      clearTimeout(stall);
      if (inHurry && this.#waiting >= before) break;
    }
    hurry.removeEventListener("abort", wake);
    return this.broken || !this.#isBusy;
  }

  get #waiting(): number {
    return this.#pendingLength + (this.#stream.writableLength ?? 0);
  }

  /** A pipe may take text at once, and tell a moment later that its reader had left. */
  get #isBusy(): boolean {
    return this.#waiting > 0 || this.#unsettled > 0;
  }

  #caughtUp(): Promise<void> {
    this.hand();
    if (this.broken || !this.#isBusy) return Promise.resolve();
    this.#drained ??= new Promise((resolve) => (this.#wake = resolve));
    return this.#drained;
  }

  #settle(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#drained = undefined;
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#settle();
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
