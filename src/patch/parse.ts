import { type Cursor, isMarker, parseHunks } from "./hunks.js";
import { type Patch, quote, type Refusal, refuse, type Section } from "./patch.js";
import { unwrap } from "./wrapping.js";

/** Characters of patch text taken; a longer one is refused. */
const MAX_TEXT = 64 * 1024 * 1024;

const BEGIN = /^\*\*\*\s*Begin Patch$/;
const END = /^\*\*\*\s*End Patch$/;
const END_OF_FILE = /^\*\*\*\s*End of File$/;
const FILE = /^\*\*\*\s*(Add|Delete|Update) File:(.*)$/;
const MOVE = /^\*\*\*\s*Move to:(.*)$/;
const NO_NEWLINE = /^\\ No newline/;

type Parsed<T> = { readonly ok: true; readonly value: T } | Refusal;

/**
 * Reads a patch. Besides the plain grammar it takes what models really write: blanks around markers, a heredoc or a
 * code fence around the whole, a doubled Begin, several patches one after the other (they become one), a missing End,
 * `@@` lines stacked, unified headers (`@@ -1,2 +1,3 @@`), added files whose blank lines lack the `+`.
 */
export function parsePatch(text: string): { readonly ok: true; readonly patch: Patch } | Refusal {
  if (text.length > MAX_TEXT) return refuse(`the patch is longer than ${MAX_TEXT} characters`);
  if (!text.isWellFormed()) return refuse("the patch holds half of a surrogate pair, which is no text");
  const { lines, first } = unwrap(text);
  if (!BEGIN.test(lines[0]?.trim() ?? "")) {
    return refuse("the first line has to be '*** Begin Patch'");
  }
  // The last line is the end even with blanks before it, where a hunk would take it for a context line.
  const closed = END.test(lines.at(-1)!.trim());
  const cursor: Cursor = { lines: closed ? lines.slice(0, -1) : lines, first, at: 1 };
  const sections: Section[] = [];
  while (cursor.at < cursor.lines.length) {
    const line = cursor.lines[cursor.at]!.trim();
    if (line === "" || BEGIN.test(line)) {
      cursor.at += 1;
    } else if (END.test(line)) {
      cursor.at += 1;
      const next = cursor.lines.slice(cursor.at).find((other) => other.trim() !== "");
      if (next !== undefined && !BEGIN.test(next.trim())) return invalid(cursor, "text after '*** End Patch'");
    } else {
      const section = parseSection(cursor);
      if (!section.ok) return section;
      sections.push(section.value);
    }
  }
  return sections.length === 0 ? refuse("the patch names no file") : { ok: true, patch: { sections } };
}

function parseSection(cursor: Cursor): Parsed<Section> {
  const raw = cursor.lines[cursor.at]!.trim();
  const header = FILE.exec(raw);
  if (header === null) {
    const forms = "'*** Add File: PATH', '*** Delete File: PATH' or '*** Update File: PATH'";
    return invalid(cursor, `${quote(raw)} is no file header; expected ${forms}`);
  }
  const line = cursor.first + cursor.at;
  const path = parsePath(cursor, header[2]!);
  if (!path.ok) return path;
  cursor.at += 1;
  if (header[1] === "Delete") return { ok: true, value: { type: "delete", path: path.value, line } };
  if (header[1] === "Update") return parseUpdate(cursor, path.value, line);
  const content = parseContent(cursor);
  return content.ok ? { ok: true, value: { type: "add", path: path.value, line, content: content.value } } : content;
}

function parsePath(cursor: Cursor, text: string): Parsed<string> {
  const path = text.trim();
  if (path === "") return invalid(cursor, "the path is missing");
  // Control characters in a path could draw another path on a screen where someone approves it.
  if (/[\u0000-\u001f\u007f]/.test(path)) return invalid(cursor, `the path ${quote(path)} holds a control character`);
  return { ok: true, value: path };
}

/** The `+` lines of an added file, each with its newline. A CR that only some lines of the patch carry is kept. */
function parseContent(cursor: Cursor): Parsed<string> {
  const content: string[] = [];
  let blanks = 0;
  let open = false;
  if (/^@@(\s|$)/.test(cursor.lines[cursor.at] ?? "")) cursor.at += 1;
  for (; cursor.at < cursor.lines.length; cursor.at += 1) {
    const line = cursor.lines[cursor.at]!;
    if (line.startsWith("+")) {
      for (; blanks > 0; blanks -= 1) content.push("\n");
      content.push(`${line.slice(1)}\n`);
      open = false;
    } else if (line.trim() === "") blanks += 1;
    else if (NO_NEWLINE.test(line) && content.length > 0) open = true;
    else if (isMarker(line)) {
      if (!END_OF_FILE.test(line.trim())) break;
    } else return invalid(cursor, `${quote(line)}: every line of an added file starts with '+'`);
  }
  const text = content.join("");
  return { ok: true, value: open ? text.replace(/\r?\n$/, "") : text };
}

function parseUpdate(cursor: Cursor, path: string, line: number): Parsed<Section> {
  let moveTo: string | undefined;
  let next = cursor.at;
  while (cursor.lines[next]?.trim() === "") next += 1;
  const move = MOVE.exec(cursor.lines[next]?.trim() ?? "");
  if (move !== null) {
    cursor.at = next;
    const target = parsePath(cursor, move[1]!);
    if (!target.ok) return target;
    moveTo = target.value;
    cursor.at += 1;
  }
  const parsed = parseHunks(cursor);
  if (!parsed.ok) return parsed;
  const { hunks } = parsed;
  if (moveTo === undefined) {
    if (hunks.length === 0) return refuse(`line ${line}: the update of ${path} has no hunk`);
    if (hunks.every((hunk) => hunk.lines.every((other) => other.kind === "keep"))) {
      return refuse(`line ${line}: the update of ${path} adds and removes no line`);
    }
  }
  return { ok: true, value: { type: "update", path, line, hunks, ...(moveTo === undefined ? {} : { moveTo }) } };
}

function invalid(cursor: Cursor, what: string): Refusal {
  return refuse(`line ${cursor.first + cursor.at}: ${what}`);
}
