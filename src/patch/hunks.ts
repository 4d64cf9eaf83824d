import { type Hunk, type HunkLine, quote, type Refusal, refuse } from "./patch.js";

/** Where a parser stands: `at` counts in `lines`, whose first is line `first` of the text given. */
export interface Cursor {
  readonly lines: readonly string[];
  readonly first: number;
  at: number;
}

const END_OF_FILE = /^\*\*\*\s*End of File\s*$/;
const HEADING = /^@@(\s|$)/;
const RANGE = /^-(\d+)(?:,(\d+))?\s+\+\d+(?:,\d+)?\s*@@\s*(.*)$/;

interface Heading {
  readonly anchors: readonly string[];
  /** Old start and length of a unified header. */
  readonly range?: { readonly start: number; readonly length: number };
}

/** A line of the patch's own, at section level. Within a hunk a leading blank makes it a context line. */
export function isMarker(line: string): boolean {
  return line.trimStart().startsWith("***");
}

/** Reads hunks up to the next file header or the end. */
export function parseHunks(cursor: Cursor): { readonly ok: true; readonly hunks: readonly Hunk[] } | Refusal {
  const hunks: Hunk[] = [];
  skipUnifiedFileHeader(cursor);
  for (;;) {
    while (cursor.lines[cursor.at]?.trim() === "") cursor.at += 1;
    const line = cursor.lines[cursor.at];
    if (line === undefined || isMarker(line)) return { ok: true, hunks };
    const hunk = parseHunk(cursor);
    if (!hunk.ok) return hunk;
    hunks.push(hunk.hunk);
  }
}

function parseHunk(cursor: Cursor): { readonly ok: true; readonly hunk: Hunk } | Refusal {
  const line = cursor.first + cursor.at;
  const heading = parseHeading(cursor);
  const body = parseBody(cursor);
  if (!body.ok) return body;
  const { lines, endOfFile } = body;
  if (!lines.some((other) => other.bare === undefined)) {
    return refuse(`line ${line}: the hunk has no line of its own`);
  }
  const hunk: Hunk = { line, anchors: heading.anchors, lines, endOfFile };
  if (heading.range === undefined || heading.anchors.length > 0 || endOfFile) return { ok: true, hunk };
  if (!lines.every((other) => other.kind === "add" || other.bare === true)) return { ok: true, hunk };
  if (heading.range.length > 0) {
    return refuse(`line ${line}: the hunk's header counts old lines, but the hunk has none`);
  }
  return { ok: true, hunk: { ...hunk, insertAfter: heading.range.start } };
}

/** One or several `@@` lines, with blank lines between them. */
function parseHeading(cursor: Cursor): Heading {
  const anchors: string[] = [];
  let range: Heading["range"];
  for (let at = cursor.at; at < cursor.lines.length; at += 1) {
    const line = cursor.lines[at]!;
    if (line.trim() === "") continue;
    if (!HEADING.test(line)) break;
    cursor.at = at + 1;
    const text = line.slice(2).replace(/^\s/, "").trimEnd();
    const unified = RANGE.exec(text.trim());
    if (unified !== null) range = { start: Number(unified[1]), length: Number(unified[2] ?? "1") };
    const anchor = unified === null ? text : unified[3]!;
    if (!/^(\.\.\.|…)?\s*(@@)?$/.test(anchor.trim())) anchors.push(anchor);
  }
  return { anchors, ...(range === undefined ? {} : { range }) };
}

type Body = { readonly ok: true; readonly lines: readonly HunkLine[]; readonly endOfFile: boolean };

function parseBody(cursor: Cursor): Body | Refusal {
  const lines: HunkLine[] = [];
  for (; cursor.at < cursor.lines.length; cursor.at += 1) {
    const line = cursor.lines[cursor.at]!;
    const raw = line.endsWith("\r") ? line.slice(0, -1) : line;
    const mark = raw[0];
    if (mark === undefined) lines.push({ kind: "keep", text: "", bare: true });
    else if (mark === " ") lines.push({ kind: "keep", text: raw.slice(1) });
    else if (mark === "-") lines.push({ kind: "drop", text: raw.slice(1) });
    else if (mark === "+") lines.push({ kind: "add", text: raw.slice(1) });
    else if (raw.startsWith("\\ ") && lines.length > 0) lines.push({ ...lines.pop()!, open: true });
    else if (END_OF_FILE.test(raw)) {
      cursor.at += 1;
      return { ok: true, lines, endOfFile: true };
    } else if (raw.startsWith("***") || HEADING.test(raw)) break;
    else {
      const at = cursor.first + cursor.at;
      const rule = "a line of a hunk starts with ' ' (context), '+' (added) or '-' (removed)";
      return refuse(`line ${at}: unexpected ${quote(raw)}; ${rule}`);
    }
  }
  return { ok: true, lines, endOfFile: false };
}

/** `--- a/x` and `+++ b/x` right before an `@@` say nothing that the file header has not said. */
function skipUnifiedFileHeader(cursor: Cursor): void {
  const [from, to, next] = cursor.lines.slice(cursor.at, cursor.at + 3);
  if (from?.startsWith("--- ") && to?.startsWith("+++ ") && next !== undefined && HEADING.test(next)) cursor.at += 2;
}
