/**
 * Server-sent events from bytes: each event's data as text, in order.
 * Lines end with LF or CRLF (a lone CR is not a line end: no model server sends one). Chunks may be cut anywhere, also
 * inside a character: a line is decoded only when whole, and only if it is data. Comments and other fields are dropped.
 */
export class SseParser {
  readonly #limit: number;
  /** The line that is not over yet, as it came. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #data: string | undefined;
  #dataBytes = 0;
  #atStart = true;
  #overflowed = false;

  /** `limit`: the most bytes of one event; past it the stream is given up. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** An event passed the limit: what came before it was returned, what follows is not. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The data of each event that ends in this chunk. */
  push(chunk: Buffer): string[] {
    const events: string[] = [];
    let start = 0;
    for (let at = chunk.indexOf(LF); at !== -1 && !this.#overflowed; at = chunk.indexOf(LF, start)) {
      if (this.#held.length === 0) this.#line(chunk, start, at, events);
      else this.#heldLine(chunk.subarray(start, at), events);
      start = at + 1;
    }
    if (start < chunk.length && !this.#overflowed) this.#hold(chunk.subarray(start));
    return events;
  }

  /** The event whose lines are whole but whose empty line never came: servers leave it out at the very end. */
  end(): string[] {
    const events: string[] = [];
    this.#dispatch(events);
    this.#held = [];
    this.#heldBytes = 0;
    return events;
  }

  #hold(part: Buffer): void {
    this.#held.push(part);
    this.#heldBytes += part.length;
    if (this.#heldBytes + this.#dataBytes > this.#limit) this.#giveUp();
  }

  #heldLine(part: Buffer, events: string[]): void {
    this.#held.push(part);
    const line = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#line(line, 0, line.length, events);
  }

  #line(bytes: Buffer, from: number, to: number, events: string[]): void {
    const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
    const start = this.#atStart ? skipByteOrderMark(bytes, from, end) : from;
    this.#atStart = false;
    if (start === end) {
      this.#dispatch(events);
      return;
    }
    if (!isDataLine(bytes, start, end)) return;
    const valueAt = start + (bytes[start + 5] === SPACE ? 6 : 5);
    const value = valueAt < end ? bytes.toString("utf8", valueAt, end) : "";
    this.#dataBytes += end - start;
    if (this.#dataBytes > this.#limit) {
      this.#giveUp();
      return;
    }
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
  }

  #dispatch(events: string[]): void {
    if (this.#data !== undefined) events.push(this.#data);
    this.#data = undefined;
    this.#dataBytes = 0;
  }

  #giveUp(): void {
    this.#overflowed = true;
    this.#held = [];
    this.#data = undefined;
  }
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

function isDataLine(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start >= 5 &&
    bytes[start] === 0x64 &&
    bytes[start + 1] === 0x61 &&
    bytes[start + 2] === 0x74 &&
    bytes[start + 3] === 0x61 &&
    bytes[start + 4] === 0x3a
  );
}

function skipByteOrderMark(bytes: Buffer, start: number, end: number): number {
  const marked = end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return marked ? start + 3 : start;
}
