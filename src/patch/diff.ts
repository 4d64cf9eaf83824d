import type { FileChange } from "../protocol/index.js";
import { joined, type Piece } from "./edit.js";
import { decode } from "./encoding.js";
import { regionsOf, trimmed } from "./regions.js";
import { countLines, endingOf, lineEnd, lineStart, linesIn, lineText, openText, type Span, type Text } from "./text.js";

/** One file of a plan: where it stands, what it held, what it will hold. */
export interface PlannedFile {
  /** Absolute, as named by the patch. */
  readonly path: string;
  readonly real: string;
  readonly existed: boolean;
  /** Undefined for a new file, a symbolic link, or a file too large to hold. */
  readonly before?: Buffer;
  /** Undefined for a deleted file; `joined(pieces)` is the content. */
  readonly pieces?: readonly Piece[];
  /** Absolute; where the content goes. */
  readonly moveTo?: string;
}

/** Edit steps the line diff may take before a region is shown as wholly replaced. */
const MAX_EDITS = 1000;

/**
 * The changes as clients are asked to approve them, keyed by absolute path. A file that is overwritten shows as an update,
 * so that what is lost shows. Diffs start at their first `@@` line and have one line of context.
 */
export async function describeChanges(files: readonly PlannedFile[]): Promise<Record<string, FileChange>> {
  const changes: Record<string, FileChange> = {};
  for (const { path, existed, before, pieces, moveTo } of files) {
    if (pieces === undefined) changes[path] = "delete";
    else if (!existed) changes[path] = { add: { content: asText(joined(pieces)) } };
    else {
      const unified_diff = await unifiedDiff(before ?? Buffer.alloc(0), pieces);
      changes[path] = { update: { unified_diff, move_path: moveTo ?? null } };
    }
  }
  return changes;
}

/**
 * The unified diff from `before` to `after` (pieces with `from` are slices of `before`), without file header, with one
 * line of context; "" when nothing differs. Bytes that are no text in the old file's encoding show as U+FFFD.
 */
export async function unifiedDiff(before: Buffer, after: readonly Piece[] | Buffer): Promise<string> {
  const pieces = Buffer.isBuffer(after) ? trimmed(before, after) : after;
  const opened = openText(before);
  const text = opened.ok ? opened.text : latin1(before);
  const { diffArrays } = await import("diff");
  const chunks: Chunk[] = [];
  for (const region of regionsOf(text, pieces)) {
    const old = linesOf(text, region);
    const now = linesOf(region.now, region.now);
    const parts = diffArrays(old, now, { maxEditLength: MAX_EDITS });
    if (parts === undefined) chunks.push({ start: region.start, old, now });
    else chunks.push(...chunksOf(text, region.start, parts));
  }
  return render(text, chunks);
}

/** Whole lines of the old text (from the byte `start`) that give way to others. */
interface Chunk {
  readonly start: number;
  readonly old: readonly string[];
  readonly now: readonly string[];
}

function chunksOf(
  text: Text,
  start: number,
  parts: readonly { readonly added?: boolean; readonly removed?: boolean; readonly value: readonly string[] }[],
): Chunk[] {
  const chunks: Chunk[] = [];
  let at = start;
  let old: readonly string[] = [];
  let now: readonly string[] = [];
  const close = (): void => {
    if (old.length > 0 || now.length > 0) chunks.push({ start: at, old, now });
    at = skipLines(text, at, old.length);
    old = [];
    now = [];
  };
  for (const part of parts) {
    if (part.removed === true) old = [...old, ...part.value];
    else if (part.added === true) now = [...now, ...part.value];
    else {
      close();
      at = skipLines(text, at, part.value.length);
    }
  }
  close();
  return chunks;
}

function render(text: Text, chunks: readonly Chunk[]): string {
  const output: string[] = [];
  let counted = text.start;
  let line = 1;
  let shift = 0;
  for (let first = 0; first < chunks.length; ) {
    let last = first;
    while (last + 1 < chunks.length && near(text, chunks[last]!, chunks[last + 1]!)) last += 1;
    const group = chunks.slice(first, last + 1);
    const start = contextBefore(text, group[0]!.start);
    if (start > counted) {
      line += countLines(text, counted, start);
      counted = start;
    }
    const body = bodyOf(text, start, group);
    const oldCount = body.filter(([mark]) => mark !== "+").length;
    const newCount = body.filter(([mark]) => mark !== "-").length;
    output.push(`@@ -${range(line, oldCount)} +${range(line + shift, newCount)} @@\n`);
    for (const [mark, content] of body) output.push(mark, withNewline(content));
    shift += newCount - oldCount;
    first = last + 1;
  }
  return output.join("");
}

function bodyOf(text: Text, start: number, group: readonly Chunk[]): (readonly [string, string])[] {
  const body: (readonly [string, string])[] = [];
  let at = start;
  for (const chunk of group) {
    if (chunk.start > at) for (const kept of linesOf(text, { start: at, end: chunk.start })) body.push([" ", kept]);
    for (const old of chunk.old) body.push(["-", old]);
    for (const now of chunk.now) body.push(["+", now]);
    at = skipLines(text, chunk.start, chunk.old.length);
  }
  if (at < text.end) body.push([" ", linesOf(text, { start: at, end: lineEnd(text, at) })[0]!]);
  return body;
}

/** One context line each side: chunks with at most two lines between them share a hunk. */
function near(text: Text, a: Chunk, b: Chunk): boolean {
  return skipLines(text, a.start, a.old.length + 2) >= b.start;
}

function contextBefore(text: Text, start: number): number {
  return start <= text.start ? start : lineStart(text, start);
}

function skipLines(text: Text, start: number, count: number): number {
  let at = start;
  for (let skipped = 0; skipped < count && at < text.end; skipped += 1) at = lineEnd(text, at);
  return at;
}

function range(line: number, count: number): string {
  return count === 1 ? `${line}` : `${count === 0 ? line - 1 : line},${count}`;
}

function withNewline(content: string): string {
  return content.endsWith("\n") ? content : `${content}\n\\ No newline at end of file\n`;
}

/** Lines with their endings, CR included; a lone CR that ends lines in this file shows as LF. */
function linesOf(text: Text, span: Span): string[] {
  return linesIn(text, span).map((line) => {
    const ending = endingOf(text, line);
    return lineText(text, line) + (ending === "\r" ? "\n" : ending);
  });
}

function asText(bytes: Buffer): string {
  const opened = openText(bytes);
  return opened.ok ? decode(bytes.subarray(opened.text.start), opened.text.encoding) : bytes.toString("latin1");
}

function latin1(bytes: Buffer): Text {
  return { bytes, start: 0, end: bytes.length, encoding: "latin1", eol: Buffer.from("\n") };
}
