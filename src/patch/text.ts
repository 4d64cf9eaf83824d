import { decode, detectEncoding, type Encoding, encode } from "./encoding.js";
import { type Refusal, refuse } from "./patch.js";

/**
 * A file's bytes seen as lines. Offsets are bytes. Lines end with `eol` (LF; CR in a file that has no LF), a CR before
 * an LF belonging to the ending.
 */
export interface Text {
  readonly bytes: Buffer;
  readonly encoding: Encoding;
  /** Behind the byte order mark. */
  readonly start: number;
  /** The end, without an odd last byte of UTF-16. */
  readonly end: number;
  readonly eol: Buffer;
}

/** A run of whole lines, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** How a line ends; with "\r" in a file that has no LF. */
export type Ending = "" | "\n" | "\r" | "\r\n";

export function openText(bytes: Buffer): { readonly ok: true; readonly text: Text } | Refusal {
  const found = detectEncoding(bytes);
  if (found === undefined) return refuse("is UTF-32 text, which can't be edited by a patch");
  const { encoding, mark } = found;
  const end = isWide(encoding) ? mark + ((bytes.length - mark) & ~1) : bytes.length;
  const text: Text = { bytes, encoding, start: mark, end, eol: encode("\n", encoding)! };
  if (findUnit(text, mark, text.eol) !== -1) return { ok: true, text };
  const cr = encode("\r", encoding)!;
  return { ok: true, text: findUnit(text, mark, cr) === -1 ? text : { ...text, eol: cr } };
}

export function isWide(encoding: Encoding): boolean {
  return encoding === "utf16le" || encoding === "utf16be";
}

/** Where the line that holds `offset` ends, its ending included. */
export function lineEnd(text: Text, offset: number): number {
  const at = findUnit(text, offset, text.eol);
  return at === -1 ? text.end : at + text.eol.length;
}

/** Where the line that holds the byte before `offset` starts. */
export function lineStart(text: Text, offset: number): number {
  const unit = text.eol.length;
  let from = offset - 2 * unit;
  while (from >= text.start) {
    const at = text.bytes.lastIndexOf(text.eol, from);
    if (at < text.start) break;
    if (unit === 1 || (at - text.start) % 2 === 0) return at + unit;
    from = at - 1;
  }
  return text.start;
}

/** The line's ending: empty for a last line without one. `span` is one whole line. */
export function endingOf(text: Text, span: Span): Ending {
  const unit = text.eol.length;
  const last = span.end - unit;
  const own = eolOf(text);
  if (last < span.start || !isUnit(text, last, own.charCodeAt(0))) return "";
  return own === "\n" && last - unit >= span.start && isUnit(text, last - unit, 0x0d) ? "\r\n" : own;
}

/** What ends the lines of the text. */
export function eolOf({ eol }: Text): "\n" | "\r" {
  return eol[0] === 0x0d || eol[1] === 0x0d ? "\r" : "\n";
}

/** The line without its ending, as bytes. */
export function contentOf(text: Text, span: Span): Buffer {
  return text.bytes.subarray(span.start, span.end - endingOf(text, span).length * text.eol.length);
}

/** The line without its ending, as characters. */
export function lineText(text: Text, span: Span): string {
  return decode(contentOf(text, span), text.encoding);
}

/** The lines within a span of whole lines. */
export function linesIn(text: Text, span: Span): Span[] {
  const lines: Span[] = [];
  for (let at = span.start; at < span.end; ) {
    const end = lineEnd(text, at);
    lines.push({ start: at, end });
    at = end;
  }
  return lines;
}

/** How many line endings stand between two offsets. */
export function countLines(text: Text, from: number, to: number): number {
  let count = 0;
  for (let at = lineEndBefore(text, from, to); at !== -1; at = lineEndBefore(text, at, to)) count += 1;
  return count;
}

/** The number of the line starting at `offset`, from 1. */
export function lineNumber(text: Text, offset: number): number {
  return countLines(text, text.start, offset) + 1;
}

/** The offset of the next `unit` at or after `from` that is a character of its own, or -1. */
function findUnit(text: Text, from: number, unit: Buffer): number {
  const { bytes } = text;
  if (unit.length === 1) return bytes.indexOf(unit[0]!, from);
  for (let at = bytes.indexOf(unit, from); at !== -1; at = bytes.indexOf(unit, at + 1)) {
    if (at + 1 >= text.end) return -1;
    if ((at - text.start) % 2 === 0) return at;
  }
  return -1;
}

function lineEndBefore(text: Text, from: number, to: number): number {
  const at = findUnit(text, from, text.eol);
  return at === -1 || at + text.eol.length > to ? -1 : at + text.eol.length;
}

function isUnit(text: Text, at: number, code: number): boolean {
  if (at < text.start) return false;
  if (text.eol.length === 1) return text.bytes[at] === code;
  const [low, high] = text.encoding === "utf16le" ? [0, 1] : [1, 0];
  return text.bytes[at + low] === code && text.bytes[at + high] === 0;
}

/** How deep the line at `offset` is indented (a tab counts 8), or undefined for a blank line. */
export function textIndent(text: Text, offset: number): number | undefined {
  const line = lineText(text, { start: offset, end: lineEnd(text, offset) });
  const body = line.trimStart();
  if (body === "") return undefined;
  return line.slice(0, line.length - body.length).replaceAll("\t", " ".repeat(8)).length;
}
