import { encode } from "./encoding.js";
import { fold, type Level, LineIndex } from "./line-index.js";
import { quote } from "./patch.js";
import { type Ending, eolOf, isWide, lineEnd, type Span, type Text } from "./text.js";

/** Lines to be found together. */
export type Block = readonly string[];

interface Found {
  /** Line numbers from 0, ascending, and the level at which the block stands there. */
  readonly lines: readonly number[];
  readonly levels: readonly Level[];
}

interface Needle {
  /** The lines with the ending before them, and without. */
  readonly whole: Buffer;
  readonly line: Buffer;
}

/**
 * Lines compared in one file before its patch is given up, and what a place costs beside its lines. Only where a block may
 * stand in very many places does it come to that; it would be seconds in which nothing else happens.
 */
const MOST_COMPARED = 50_000_000;
const PLACE_COST = 20;

/** Lines looked at when the block's rarest line is chosen. */
const PROBED = 64;

/**
 * Finds runs of whole lines in one file. Exact finds in a file with one kind of ending are byte searches; all others go
 * over an index of the lines that is made at the first of them. Offsets given and returned are bytes at line starts.
 * Throws when that would take too long.
 */
export class Finder {
  readonly text: Text;
  readonly #ending: Ending | undefined;
  readonly #needles = new Map<Block, Needle | undefined>();
  readonly #found = new Map<string, Found>();
  #compared = 0;
  readonly #prefixed = new Map<string, Found>();
  #index: LineIndex | undefined;

  constructor(text: Text) {
    this.text = text;
    this.#ending = isWide(text.encoding) ? undefined : singleEnding(text);
  }

  get index(): LineIndex {
    this.#index ??= new LineIndex(this.text);
    return this.#index;
  }

  /** The first place at or after `from`, at `level` or stricter. An empty block stands right at `from`. */
  next(block: Block, level: Level, from: number): Span | undefined {
    if (block.length === 0) return { start: from, end: from };
    if (level === 0 && this.#ending !== undefined) return this.#nextBytes(block, from);
    const { lines, levels } = this.#places(block, level);
    const line = this.index.lineAt(from);
    for (let at = lowerBound(lines, line); at < lines.length; at += 1) {
      if (levels[at]! <= level) return this.#span(block, lines[at]!);
    }
    return undefined;
  }

  /** The last place that ends at or before `to`, at `level` or stricter. */
  last(block: Block, level: Level, to: number): Span | undefined {
    if (block.length === 0) return { start: to, end: to };
    if (level === 0 && this.#ending !== undefined) return this.#lastBytes(block, to);
    const { lines, levels } = this.#places(block, level);
    for (let at = lines.length - 1; at >= 0; at -= 1) {
      const span = this.#span(block, lines[at]!);
      if (levels[at]! <= level && span.end <= to) return span;
    }
    return undefined;
  }

  /**
   * False when the block surely stands nowhere else that starts after `from` and ends by `to`, at `level` or stricter. Cheaper
   * than `last`: bytes are searched many times faster downwards than upwards.
   */
  mayStandAfter(block: Block, level: Level, { start: from, end: to }: Span): boolean {
    if (block.length === 0 || level !== 0 || this.#ending === undefined) return true;
    const needle = this.#needle(block);
    if (needle === undefined) return false;
    const { bytes, start, end } = this.text;
    if (to >= end && this.#tail(needle.line, start) !== undefined) return true;
    // What starts after `from` has the ending of the line above it at `from` or later.
    return bytes.subarray(0, to).indexOf(needle.whole, from) !== -1;
  }

  /** The block as the last lines of the file; blank lines may follow. */
  atEnd(block: Block, level: Level): Span | undefined {
    const span = this.last(block, level, this.text.end);
    if (span === undefined) return undefined;
    for (let at = span.end; at < this.text.end; at = lineEnd(this.text, at)) {
      const rest = this.text.bytes.subarray(at, lineEnd(this.text, at));
      if (rest.some((byte) => byte !== 0 && byte !== 0x20 && (byte < 0x09 || byte > 0x0d))) return undefined;
    }
    return span;
  }

  #places(block: Block, level: Level): Found {
    if (level === 4) return this.#startingWith(block[0]!);
    const key = block.join("\n");
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    let rarest: number[] = this.index.linesLike(block[0]!, Number.POSITIVE_INFINITY);
    let back = 0;
    for (let at = 1; at < Math.min(block.length, PROBED) && rarest.length > 1; at += 1) {
      const lines = this.index.linesLike(block[at]!, rarest.length);
      if (lines.length < rarest.length) [rarest, back] = [lines, at];
    }
    const lines: number[] = [];
    const levels: Level[] = [];
    this.#compared += rarest.length * (block.length + PLACE_COST);
    if (this.#compared > MOST_COMPARED)
      throw new Error(
        `lines like ${quote(block[0]!)} stand in too many places to look at all; add lines that are rarer`,
      );
    const levelAt = this.index.matcher(block, rarest.length);
    for (const line of rarest) {
      const found = levelAt(line - back);
      if (found === undefined) continue;
      lines.push(line - back);
      levels.push(found);
    }
    const places = { lines, levels };
    this.#found.set(key, places);
    return places;
  }

  #startingWith(anchor: string): Found {
    const known = this.#prefixed.get(anchor);
    if (known !== undefined) return known;
    const { encoding } = this.text;
    const start = fold(anchor, encoding);
    const lines: number[] = [];
    for (let line = 0; line < this.index.count; line += 1) {
      const text = fold(this.index.line(line), encoding);
      if (text.startsWith(start) && !/^[\p{L}\p{N}_]/u.test(text.slice(start.length))) lines.push(line);
    }
    const places = { lines, levels: lines.map((): Level => 4) };
    this.#prefixed.set(anchor, places);
    return places;
  }

  #span(block: Block, line: number): Span {
    return { start: this.index.offset(line), end: this.index.offset(line + block.length) };
  }

  /** The block's bytes; undefined where the encoding lacks a character. */
  #needle(block: Block): Needle | undefined {
    if (this.#needles.has(block)) return this.#needles.get(block);
    const { encoding, eol } = this.text;
    const between = this.#ending!;
    const whole = encode(eolOf(this.text) + block.join(between) + between, encoding);
    const needle = whole === undefined ? undefined : { whole, line: whole.subarray(eol.length) };
    this.#needles.set(block, needle);
    return needle;
  }

  #nextBytes(block: Block, from: number): Span | undefined {
    const needle = this.#needle(block);
    if (needle === undefined) return undefined;
    const { whole, line } = needle;
    const { bytes, start, eol } = this.text;
    // The first line of the file has no ending before it.
    if (from === start && starts(bytes, line, from)) return { start: from, end: from + line.length };
    const at = bytes.indexOf(whole, Math.max(start, from - eol.length));
    if (at !== -1) return { start: at + eol.length, end: at + whole.length };
    return this.#tail(line, from);
  }

  #lastBytes(block: Block, to: number): Span | undefined {
    const needle = this.#needle(block);
    if (needle === undefined) return undefined;
    const { whole, line } = needle;
    const { bytes, start, end, eol } = this.text;
    const tail = to >= end ? this.#tail(line, start) : undefined;
    if (tail !== undefined) return tail;
    const at = to - whole.length < start ? -1 : bytes.lastIndexOf(whole, to - whole.length);
    if (at >= start) return { start: at + eol.length, end: at + whole.length };
    return start + line.length <= to && starts(bytes, line, start) ? { start, end: start + line.length } : undefined;
  }

  /** The block at the very end of a file whose last line has no ending. */
  #tail(line: Buffer, from: number): Span | undefined {
    const { bytes, start, end, eol } = this.text;
    const body = line.subarray(0, line.length - this.#ending!.length);
    const at = end - body.length;
    if (at < from || body.length === 0 || starts(bytes, eol, end - eol.length)) return undefined;
    if (!starts(bytes, body, at) || (at > start && !starts(bytes, eol, at - eol.length))) return undefined;
    return { start: at, end };
  }
}

const CRLF = Buffer.from("\r\n");

/** The one kind of ending that all lines of the file have, or undefined when they are mixed. */
function singleEnding(text: Text): Ending | undefined {
  const { bytes, start } = text;
  const eol = eolOf(text);
  if (eol === "\r" || bytes.indexOf(CRLF, start) === -1) return eol;
  for (let at = bytes.indexOf(0x0a, start); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at - 1] !== 0x0d) return undefined;
  }
  return "\r\n";
}

function starts(bytes: Buffer, part: Buffer, at: number): boolean {
  if (at < 0 || at + part.length > bytes.length || bytes[at] !== part[0]) return false;
  return bytes.compare(part, 0, part.length, at, at + part.length) === 0;
}

/** The first place in a sorted list whose value is at least `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
