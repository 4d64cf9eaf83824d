/** One server-sent event. */
export interface SseEvent {
  /** The text of its data lines, joined by line feeds. */
  readonly data: string;
  /** Its name, where it has one. */
  readonly event: string | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EMPTY = Buffer.alloc(0);
const DATA = Buffer.from("data:");
const EVENT = Buffer.from("event:");
const DONE = Buffer.from("[DONE]");
/** A field that is passed over, or one that was cut. */
const OTHER_FIELD = /^(?:data|event|id|retry)?:|^(?:d|da|dat|data|e|ev|eve|even|event|i|id|r|re|ret|retr|retry)$/;
/** The most of other lines that is kept, characters. */
const WORDS_LIMIT = 4096;
/** No name of an event that matters is longer, bytes. */
const NAME_LIMIT = 100;

/**
 * Server-sent events from bytes: each event with data, in order.
 * Lines end with LF, CRLF or CR. Chunks may be cut anywhere, also inside a character or a CRLF: a line is decoded only when
 * whole, and only if it is data or a name. Comments and other fields are dropped. Lines of bare JSON, which some servers
 * write for an error in the midst of a stream, are data too: no field begins with a bracket.
 */
export class SseParser {
  readonly #limit: number;
  /** The line that is not over yet, as it came. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #data: string | undefined;
  #dataBytes = 0;
  #event: string | undefined;
  /** The last name, and its bytes: most names come again and again. */
  #name: string | undefined;
  #nameBytes = EMPTY;
  /** The lines at hand are bare JSON. */
  #bare = false;
  #atStart = true;
  /** The last byte was a CR: a LF that follows belongs to it. */
  #afterCr = false;
  #overflowed = false;
  #words = "";

  /** `limit`: the most bytes of one event; past it the stream is given up. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** An event passed the limit: what came before it was returned, what follows is not. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Lines that are no field of an event: what a proxy says in the midst of a stream, or the beginning of it. */
  get words(): string {
    return this.#words;
  }

  /** Each event that ends in this chunk. */
  push(chunk: Buffer): SseEvent[] {
    const events: SseEvent[] = [];
    let start = this.#afterCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#afterCr = false;
    let lf = chunk.indexOf(LF, start);
    let cr = chunk.indexOf(CR, start);
    while (!this.#overflowed) {
      const byCr = cr !== -1 && (lf === -1 || cr < lf);
      const at = byCr ? cr : lf;
      if (at === -1) break;
      if (this.#held.length === 0) this.#line(chunk, start, at, events);
      else this.#heldLine(chunk.subarray(start, at), events);
      start = at + 1;
      if (byCr) {
        if (start === chunk.length) this.#afterCr = true;
        else if (chunk[start] === LF) start += 1;
        cr = chunk.indexOf(CR, start);
      }
      if (lf !== -1 && lf < start) lf = chunk.indexOf(LF, start);
    }
    if (start < chunk.length && !this.#overflowed) this.#hold(chunk.subarray(start));
    return events;
  }

  /**
   * The event whose empty line never came: servers leave it out at the very end, some with the end of its last line. A
   * line without its end counts only where its text tells that it is whole.
   */
  end(): SseEvent[] {
    const events: SseEvent[] = [];
    if (this.#held.length > 0) {
      const line = Buffer.concat(this.#held);
      if (this.#bare || isBareJson(line, 0, line.length) || holdsWholeData(line)) this.#heldLine(EMPTY, events);
      else this.#keepWords(line, 0, line.length);
    }
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

  #heldLine(part: Buffer, events: SseEvent[]): void {
    this.#held.push(part);
    const line = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#line(line, 0, line.length, events);
  }

  #line(bytes: Buffer, from: number, end: number, events: SseEvent[]): void {
    const start = this.#atStart ? skipByteOrderMark(bytes, from, end) : from;
    this.#atStart = false;
    if (start === end) this.#dispatch(events);
    else if (this.#bare) this.#add(bytes, start, end, events);
    else if (isField(DATA, bytes, start, end)) this.#add(bytes, valueAt(DATA, bytes, start), end, events);
    else if (isField(EVENT, bytes, start, end)) {
      if (this.#holdsObject()) this.#dispatch(events);
      this.#named(bytes, valueAt(EVENT, bytes, start), end);
    } else if (this.#data === undefined && isBareJson(bytes, start, end)) {
      this.#bare = true;
      this.#add(bytes, start, end, events);
    } else this.#keepWords(bytes, start, end);
  }

  #named(bytes: Buffer, from: number, end: number): void {
    if (end - from !== this.#nameBytes.length || !isField(this.#nameBytes, bytes, from, end)) {
      this.#name = from < end && end - from <= NAME_LIMIT ? bytes.toString("latin1", from, end) : undefined;
      this.#nameBytes = Buffer.from(this.#name ?? "", "latin1");
    }
    this.#event = this.#name;
  }

  /** An object ended in the last line: what begins another, or tells a name, belongs to the next event. */
  #holdsObject(): boolean {
    return this.#data?.endsWith("}") === true;
  }

  #keepWords(bytes: Buffer, start: number, end: number): void {
    if (this.#words.length >= WORDS_LIMIT) return;
    const line = bytes.toString("utf8", start, Math.min(end, start + WORDS_LIMIT));
    if (!OTHER_FIELD.test(line)) this.#words = `${this.#words}\n${line}`.trim().slice(0, WORDS_LIMIT);
  }

  #add(bytes: Buffer, from: number, end: number, events: SseEvent[]): void {
    // Servers that leave out the empty line: no JSON has one object right behind another.
    if (this.#holdsObject() && (bytes[from] === 0x7b || isField(DONE, bytes, from, end))) {
      const isBare = this.#bare;
      this.#dispatch(events);
      this.#bare = isBare;
    }
    // What a line costs beside its text counts too, so that empty ones are bounded.
    this.#dataBytes += end - from + DATA.length;
    if (this.#dataBytes > this.#limit) {
      this.#giveUp();
      return;
    }
    const value = from < end ? bytes.toString("utf8", from, end) : "";
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
  }

  #dispatch(events: SseEvent[]): void {
    if (this.#data !== undefined) events.push({ data: this.#data, event: this.#event });
    this.#data = undefined;
    this.#dataBytes = 0;
    this.#event = undefined;
    this.#bare = false;
  }

  #giveUp(): void {
    this.#overflowed = true;
    this.#held = [];
    this.#data = undefined;
  }
}

function isField(name: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (end - start < name.length) return false;
  for (let n = 0; n < name.length; n += 1) if (bytes[start + n] !== name[n]) return false;
  return true;
}

/** One space after the colon is no part of the value. */
function valueAt(name: Buffer, bytes: Buffer, start: number): number {
  const at = start + name.length;
  return bytes[at] === SPACE ? at + 1 : at;
}

function isBareJson(bytes: Buffer, start: number, end: number): boolean {
  return start < end && (bytes[start] === 0x7b || bytes[start] === 0x5b);
}

/** A cut of a JSON object is never one itself. */
function holdsWholeData(line: Buffer): boolean {
  if (!isField(DATA, line, 0, line.length)) return false;
  const value = line.toString("utf8", DATA.length).trim();
  if (value === "[DONE]") return true;
  if (!value.startsWith("{")) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    // A line that was cut is an expected outcome.
    return false;
  }
}

function skipByteOrderMark(bytes: Buffer, start: number, end: number): number {
  const marked = end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return marked ? start + 3 : start;
}
