import type { ClientRequest, IncomingMessage } from "node:http";

/** What a read of a response's body comes to. `lost`: the connection broke before the end. */
export type Read =
  | { readonly type: "bytes"; readonly bytes: Buffer }
  | { readonly type: "end" }
  | { readonly type: "lost" }
  | { readonly type: "idle" };

/** How long a body whose meaning is complete may take to end, so that its connection can be kept, ms. */
const DRAIN_LIMIT_MS = 50;
/** What `setTimeout` can hold. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The body of a response, read when asked: unread bytes stay in the socket (beside some 64 KiB here), so a slow reader
 * slows the server. A read gives all that has arrived.
 */
export class ResponseBytes {
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;
  #ended = false;
  #lost = false;
  #draining = false;
  #wake: (() => void) | undefined;

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.#response = response;
    response.on("readable", () => this.#changed());
    response.on("end", () => {
      this.#ended = true;
      this.#changed();
    });
    response.on("error", () => this.#lose());
    response.on("close", () => this.#lose());
  }

  /** The next bytes; waits for them at most `limitMs`. Throws the signal's reason, at once, when it is cancelled. */
  async next(limitMs: number, signal: AbortSignal): Promise<Read> {
    for (;;) {
      signal.throwIfAborted();
      const bytes = this.#response.read() as Buffer | null;
      if (bytes !== null) return { type: "bytes", bytes };
      if (this.#ended) return { type: "end" };
      if (this.#lost) return { type: "lost" };
      if ((await this.#change(limitMs, signal)) === "idle") return { type: "idle" };
    }
  }

  /** Closes the connection. */
  destroy(): void {
    this.#request.destroy();
  }

  /**
   * Nothing more is wanted: the connection is kept when the body ends within a moment, else closed. Resolves when that is
   * decided; never rejects.
   */
  finish(): Promise<void> {
    if (this.#request.closed) return Promise.resolve();
    this.#draining = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#request.destroy();
        resolve();
      }, DRAIN_LIMIT_MS);
      this.#request.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#changed();
    });
  }

  #lose(): void {
    this.#lost = true;
    this.#changed();
  }

  #changed(): void {
    if (this.#draining) while (this.#response.read() !== null);
    this.#wake?.();
  }

  #change(limitMs: number, signal: AbortSignal): Promise<"changed" | "idle"> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", cancel);
        this.#wake = undefined;
      };
      const cancel = () => {
        settle();
        reject(signal.reason);
      };
      const timer = setTimeout(
        () => {
          settle();
          resolve("idle");
        },
        Math.min(limitMs, LONGEST_TIMER_MS),
      );
      signal.addEventListener("abort", cancel, { once: true });
      this.#wake = () => {
        settle();
        resolve("changed");
      };
    });
  }
}
