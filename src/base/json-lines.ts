import { isUtf8 } from "node:buffer";

/**
 * One line of a JSON-lines stream, without its end.
 * `too_long`: the line passed the limit and was dropped (`bytes` is its whole length); `not_utf8`: its bytes are no text.
 */
export type Line =
  | { readonly type: "line"; readonly text: string }
  | { readonly type: "too_long"; readonly bytes: number }
  | { readonly type: "not_utf8"; readonly bytes: number };

const LF = 0x0a;
const CR = 0x0d;

/**
 * Splits bytes into lines on LF alone (U+2028 and a lone CR belong to the text; a CR before the LF is dropped).
 * Characters may be cut anywhere between chunks. Holds at most `limit` bytes. Empty lines are skipped, and so is a byte order
 * mark before the first line, which some clients begin with.
 */
export class LineSplitter {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #held = 0;
  #dropped = 0;
  #isFirst = true;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, start)) {
      this.#hold(chunk.subarray(start, at));
      this.#take(lines);
      start = at + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
    return lines;
  }

  /** What stood after the last LF: a last line without its end, or nothing. */
  end(): Line[] {
    const lines: Line[] = [];
    this.#take(lines);
    return lines;
  }

  #hold(part: Uint8Array): void {
    if (this.#dropped > 0 || this.#held + part.length > this.#limit) {
      this.#dropped += this.#held + part.length;
      this.#parts = [];
      this.#held = 0;
      return;
    }
    this.#parts.push(part);
    this.#held += part.length;
  }

  #take(lines: Line[]): void {
    if (this.#dropped > 0) {
      this.#isFirst = false;
      lines.push({ type: "too_long", bytes: this.#dropped });
      this.#dropped = 0;
      return;
    }
    let bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    if (this.#isFirst && startsMarked(bytes)) bytes = bytes.subarray(3);
    this.#isFirst = false;
    if (bytes.at(-1) === CR) bytes = bytes.subarray(0, -1);
    if (bytes.length === 0) return;
    if (!isUtf8(bytes)) lines.push({ type: "not_utf8", bytes: bytes.length });
    else lines.push({ type: "line", text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8") });
  }
}

function startsMarked([first, second, third]: Uint8Array): boolean {
  return first === 0xef && second === 0xbb && third === 0xbf;
}
