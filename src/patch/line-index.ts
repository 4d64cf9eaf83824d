import type { Encoding } from "./encoding.js";
import { lineEnd, lineText, type Span, type Text } from "./text.js";

/**
 * How alike a line of a file and a line of a patch are: 0 the same, 1 but for blanks at the end, 2 but for blanks
 * around, 3 but for look-alike characters too. Each includes those before. Level 4 is for anchors: the file's line
 * starts with the anchor and a word ends there.
 */
export type Level = 0 | 1 | 2 | 3 | 4;

/** Places from which on levels are kept, different lines for which they are, and the mark of a line that is not alike. */
const MANY = 500;
const KEPT = 16;
const NONE = 127;

const PLAIN = /^[\x20-\x7e\t]*$/;

/** A line as level 3 compares it: dashes, quotes, blanks and dots that look alike become ASCII ones; invisible ones go. */
export function fold(line: string, encoding: Encoding): string {
  const text = line.trim();
  if (PLAIN.test(text)) return text;
  const folded = text
    .normalize("NFC")
    .replace(/[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g, "-")
    .replace(/[\u2018-\u201b\u2032\u00b4]/g, "'")
    .replace(/[\u201c-\u201f\u2033\u00ab\u00bb]/g, '"')
    .replace(/[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g, " ")
    .replace(/[\u200b-\u200d\u2060\ufeff\u00ad]/g, "")
    .replace(/\u2026/g, "...")
    .trim();
  // Who read a Latin-1 file as UTF-8 saw U+FFFD in the place of each such character, and writes it in the context.
  return encoding === "latin1" ? folded.replace(/[^\x00-\x7f]/g, "\ufffd") : folded;
}

/** The strictest level at which the two lines are alike, if any up to 3. */
export function likeness(file: string, patch: string, encoding: Encoding): Level | undefined {
  if (file === patch) return 0;
  if (file.trimEnd() === patch.trimEnd()) return 1;
  if (file.trim() === patch.trim()) return 2;
  return fold(file, encoding) === fold(patch, encoding) ? 3 : undefined;
}

/** Every line of a file, found by what it says: hash chains over the folded lines, in file order. */
export class LineIndex {
  readonly text: Text;
  readonly count: number;
  readonly #starts: Uint32Array;
  readonly #hashes: Int32Array;
  readonly #heads: Int32Array;
  readonly #next: Int32Array;

  constructor(text: Text) {
    this.text = text;
    const starts = lineStarts(text);
    this.#starts = starts;
    this.count = starts.length - 1;
    this.#hashes = new Int32Array(this.count);
    for (let line = 0; line < this.count; line += 1) this.#hashes[line] = hash(fold(this.line(line), text.encoding));
    let size = 16;
    while (size < this.count) size *= 2;
    this.#heads = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(this.count);
    for (let line = this.count - 1; line >= 0; line -= 1) {
      const slot = this.#hashes[line]! & (size - 1);
      this.#next[line] = this.#heads[slot]!;
      this.#heads[slot] = line;
    }
  }

  span(line: number): Span {
    return { start: this.#starts[line]!, end: this.#starts[line + 1]! };
  }

  /** Offset at which the line starts; for `count`, the end. */
  offset(line: number): number {
    return this.#starts[line]!;
  }

  line(line: number): string {
    return lineText(this.text, this.span(line));
  }

  /** The first line that starts at or after the offset. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Lines (from 0, ascending, at most `limit`) that are probably like this one at level 3. */
  linesLike(patchLine: string, limit: number): number[] {
    const wanted = hash(fold(patchLine, this.text.encoding));
    const found: number[] = [];
    let line = this.#heads[wanted & (this.#heads.length - 1)]!;
    for (; line !== -1 && found.length < limit; line = this.#next[line]!) {
      if (this.#hashes[line] === wanted) found.push(line);
    }
    return found;
  }

  /**
   * Tells the level at which `lines` stand from a line on, if any up to 3. `places` is about how many lines it will be
   * asked for: where they are many, as in a file of equal lines, what is known of each line is kept.
   */
  matcher(lines: readonly string[], places: number): (at: number) => Level | undefined {
    const { encoding } = this.text;
    const hashes = lines.map((line) => hash(fold(line, encoding)));
    const kept = places < MANY ? [] : this.#levelTables(lines);
    const levelOf = (at: number, offset: number): Level | undefined => {
      const table = kept[offset];
      const known = table?.[at] ?? 0;
      if (known !== 0) return known === NONE ? undefined : ((known - 1) as Level);
      const level = likeness(this.line(at), lines[offset]!, encoding);
      if (table !== undefined) table[at] = level === undefined ? NONE : level + 1;
      return level;
    };
    return (at) => {
      if (at < 0 || at + lines.length > this.count) return undefined;
      for (let offset = 0; offset < lines.length; offset += 1) {
        if (this.#hashes[at + offset] !== hashes[offset]) return undefined;
      }
      let worst: Level = 0;
      for (let offset = 0; offset < lines.length; offset += 1) {
        const level = levelOf(at + offset, offset);
        if (level === undefined) return undefined;
        if (level > worst) worst = level;
      }
      return worst;
    };
  }

  /** For each of the lines a table of levels by line of the file, 0 for not known yet; equal lines share theirs. */
  #levelTables(lines: readonly string[]): readonly (Int8Array | undefined)[] {
    const tables = new Map<string, Int8Array>();
    for (const line of lines) {
      if (tables.size < KEPT && !tables.has(line)) tables.set(line, new Int8Array(this.count));
    }
    return lines.map((line) => tables.get(line));
  }
}

function lineStarts(text: Text): Uint32Array {
  let starts = new Uint32Array(1024);
  let count = 0;
  for (let at = text.start; at < text.end; at = lineEnd(text, at)) {
    if (count + 1 >= starts.length) {
      const grown = new Uint32Array(starts.length * 2);
      grown.set(starts);
      starts = grown;
    }
    starts[count] = at;
    count += 1;
  }
  starts[count] = text.end;
  return starts.subarray(0, count + 1);
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value ^ (value >>> 15);
}
