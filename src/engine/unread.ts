import { BoundedText, wholeEnd } from "../base/index.js";
import type { OutputStream } from "../process/index.js";

/**
 * Output of a terminal that the model has not read: as much of its beginning and its end as one answer may hold, and how
 * much fell between. A character that has come only in part waits for the rest of it.
 */
export class Unread {
  readonly #limits: { readonly head: number; readonly tail: number };
  readonly #parts: Record<OutputStream, Uint8Array> = { stdout: new Uint8Array(), stderr: new Uint8Array() };
  #text: BoundedText;

  constructor(limits: { readonly head: number; readonly tail: number }) {
    this.#limits = limits;
    this.#text = new BoundedText(limits);
  }

  /** The chunk is copied. */
  push(stream: OutputStream, chunk: Uint8Array): void {
    const part = this.#parts[stream];
    const bytes = part.length === 0 ? chunk : Buffer.concat([part, chunk]);
    const end = wholeEnd(bytes);
    this.#text.push(bytes.subarray(0, end));
    this.#parts[stream] = Uint8Array.from(bytes.subarray(end));
  }

  /** Nothing more comes: what is left in part is all there will be. */
  finish(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      this.#text.push(this.#parts[stream]);
      this.#parts[stream] = new Uint8Array();
    }
  }

  /** What came since the last time. */
  take(): BoundedText {
    const taken = this.#text;
    this.#text = new BoundedText(this.#limits);
    return taken;
  }
}
