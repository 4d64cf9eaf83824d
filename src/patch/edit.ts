import { encode, firstUnencodable } from "./encoding.js";
import type { Placement } from "./match.js";
import { type HunkLine, quote, type Refusal, refuse } from "./patch.js";
import { type Ending, endingOf, eolOf, lineEnd, lineStart, type Span, type Text } from "./text.js";

/** The bytes of `start` to `end` give way to `bytes`. */
export interface Edit extends Span {
  readonly bytes: Buffer;
}

/** A run of bytes of a new content: a slice of the old file (`from` is its offset there), or new. */
export interface Piece {
  readonly bytes: Buffer;
  readonly from?: number;
}

/**
 * The edits of all placed hunks, in file order. Kept lines are left alone, byte for byte; an added line takes the ending
 * of the line it stands in for, else of the line above, else below, else LF; it always has one, also as the last line.
 */
export function editsOf(
  text: Text,
  placements: readonly Placement[],
): { readonly ok: true; readonly edits: readonly Edit[] } | Refusal {
  const edits: Edit[] = [];
  const ordered = [...placements].sort((a, b) => a.span.start - b.span.start);
  for (const placement of ordered) {
    const wrong = addEdits(text, placement, edits);
    if (wrong !== undefined) return refuse(`the hunk at patch line ${placement.hunk.line} ${wrong}`);
  }
  return { ok: true, edits };
}

/** Lines of a hunk that go and come in one place: what is between `start` and `end` of the text, and what stands in for it. */
interface Run {
  readonly start: number;
  end: number;
  readonly dropped: Span[];
  readonly added: HunkLine[];
}

/** Pushes the placement's edits, or says what keeps it from being written. */
function addEdits(text: Text, { lines, span }: Placement, edits: Edit[]): string | undefined {
  let offset = span.start;
  for (let at = 0; at < lines.length; ) {
    if (lines[at]!.kind === "keep") {
      offset = lineEnd(text, offset);
      at += 1;
      continue;
    }
    const run: Run = { start: offset, end: offset, dropped: [], added: [] };
    for (; at < lines.length && lines[at]!.kind !== "keep"; at += 1) addLine(text, run, lines[at]!);
    const edit = runEdit(text, run, edits.at(-1)?.end === text.end ? "touched" : "untouched");
    if (typeof edit === "string") return edit;
    edits.push(edit);
    offset = run.end;
  }
  return undefined;
}

function addLine(text: Text, run: Run, line: HunkLine): void {
  if (line.kind === "add") {
    run.added.push(line);
    return;
  }
  const there = { start: run.end, end: lineEnd(text, run.end) };
  run.dropped.push(there);
  run.end = there.end;
}

/** `tail` tells whether an edit before this one has already dealt with the file's end. */
function runEdit(text: Text, run: Run, tail: "touched" | "untouched"): Edit | string {
  let known: Ending | undefined;
  const fallback = (): Ending => (known ??= neighbourEnding(text, run));
  const appends = run.added.length > 0 && run.start > text.start && run.start === text.end;
  // A last line without an ending gets one before anything can follow it.
  let content: string = appends && tail === "untouched" && !lastLineEnded(text) ? fallback() : "";
  for (let at = 0; at < run.added.length; at += 1) {
    const added = run.added[at]!;
    const dropped = run.dropped[Math.min(at, run.dropped.length - 1)];
    const ending = dropped === undefined ? fallback() : endingOf(text, dropped);
    const last = at === run.added.length - 1 && run.end === text.end;
    content += last && added.open === true ? added.text : added.text + (ending || fallback());
  }
  const bytes = encode(content, text.encoding);
  if (bytes !== undefined) return { start: run.start, end: run.end, bytes };
  return `adds ${quote(firstUnencodable(content) ?? "")}, which the file's one-byte encoding can't hold`;
}

function lastLineEnded(text: Text): boolean {
  return endingOf(text, { start: lineStart(text, text.end), end: text.end }) !== "";
}

/** The ending of the line above the run, else of the line below, else of the file's first line, else LF. */
function neighbourEnding(text: Text, run: Run): Ending {
  const spans: Span[] = [];
  if (run.start > text.start) spans.push({ start: lineStart(text, run.start), end: run.start });
  if (run.end < text.end) spans.push({ start: run.end, end: lineEnd(text, run.end) });
  spans.push({ start: text.start, end: lineEnd(text, text.start) });
  const endings = spans.map((span) => endingOf(text, span));
  return endings.find((ending) => ending !== "") ?? eolOf(text);
}

/** Those of the edits that leave the bytes other than they are. */
export function changing(bytes: Buffer, edits: readonly Edit[]): Edit[] {
  return edits.filter((edit) => !edit.bytes.equals(bytes.subarray(edit.start, edit.end)));
}

/** The bytes after the edits, which are in order and don't overlap; in `room`, where they fit in there. */
export function edited(bytes: Buffer, edits: readonly Edit[], room: Buffer): Buffer {
  const size = edits.reduce((sum, edit) => sum + edit.bytes.length - (edit.end - edit.start), bytes.length);
  const result = size <= room.length ? room : Buffer.allocUnsafe(size);
  let from = 0;
  let to = 0;
  for (const edit of edits) {
    to += bytes.copy(result, to, from, edit.start);
    to += edit.bytes.copy(result, to);
    from = edit.end;
  }
  bytes.copy(result, to, from);
  return result.subarray(0, size);
}

/** The pieces of a text after the edits, which are in order and don't overlap. */
export function spliced(pieces: readonly Piece[], edits: readonly Edit[]): Piece[] {
  const result: Piece[] = [];
  let at = 0;
  let piece = 0;
  let offset = 0;
  const copyTo = (end: number, keep: "keep" | "skip"): void => {
    while (at < end) {
      const current = pieces[piece]!;
      const length = Math.min(end - at, current.bytes.length - offset);
      if (keep === "keep" && length > 0) {
        const bytes = current.bytes.subarray(offset, offset + length);
        result.push(current.from === undefined ? { bytes } : { bytes, from: current.from + offset });
      }
      at += length;
      offset += length;
      if (offset === current.bytes.length) {
        piece += 1;
        offset = 0;
      }
    }
  };
  for (const edit of edits) {
    copyTo(edit.start, "keep");
    if (edit.bytes.length > 0) result.push({ bytes: edit.bytes });
    copyTo(edit.end, "skip");
  }
  copyTo(sizeOf(pieces), "keep");
  return result;
}

export function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
}

/** The pieces as one buffer; a single piece is not copied. */
export function joined(pieces: readonly Piece[]): Buffer {
  return pieces.length === 1 ? pieces[0]!.bytes : Buffer.concat(pieces.map((piece) => piece.bytes));
}
