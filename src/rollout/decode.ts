import { decodeRolloutLine, type RolloutLine } from "../protocol/index.js";
import type { FileLine } from "./lines.js";

/** A part of a file that says nothing, and why. */
export interface Skipped {
  /** Byte of the file. */
  readonly at: number;
  readonly bytes: number;
  readonly why: "torn" | "zero-filled" | "not text" | "no session line" | "duplicated";
}

/** A line that says something, and where it stands. */
export interface ReadLine {
  readonly line: RolloutLine;
  readonly start: number;
  readonly end: number;
}

/** What one line of a file holds; nothing at all where it is whole and says nothing we know of. */
export interface LineContent {
  /** More than one where a power cut or another program has lost the line feed between them. */
  readonly read: readonly ReadLine[];
  readonly skipped: readonly Skipped[];
}

type Fill = Parameters<typeof decodeRolloutLine>[1];

/** How every line of Codex and of ours begins. */
const LINE_START = '{"timestamp":"';
/** Zeros, and how every line of Codex and of ours begins: where a damaged one may come apart. */
const SEAMS = /(\0+)|(?=\{"timestamp":")/;
/** Pieces of one damaged line that are looked at. */
const MOST_PIECES = 64;

/** `telling`: of lines that are there for other readers only the type is taken. */
export type Wanted = "telling" | "all";

/** Takes a line apart. Where it is damaged, what is whole before and behind the damage is kept. */
export function decodeLine({ start, end, text }: FileLine, fill?: Fill, wanted: Wanted = "telling"): LineContent {
  if (text === undefined) return { read: [], skipped: [{ at: start, bytes: end - start, why: "not text" }] };
  const idle = wanted === "all" ? undefined : idleLine(text);
  if (idle !== undefined) return { read: [{ line: idle, start, end }], skipped: [] };
  const whole = decodePiece({ text, start }, fill);
  if (whole.skipped.length === 0) return whole;
  const read: ReadLine[] = [];
  const skipped: Skipped[] = [];
  let at = start;
  const parts = text.split(SEAMS, MOST_PIECES).filter((part) => part !== undefined && part !== "");
  for (const part of parts) {
    const content = decodePiece({ text: part, start: at }, fill);
    read.push(...content.read);
    skipped.push(...content.skipped);
    at += Buffer.byteLength(part);
  }
  return { read, skipped };
}

function decodePiece({ text, start }: { readonly text: string; readonly start: number }, fill: Fill): LineContent {
  const skip = (why: Skipped["why"]) => ({ read: [], skipped: [{ at: start, bytes: Buffer.byteLength(text), why }] });
  if (text.startsWith("\0")) return skip("zero-filled");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Half a line, or never one.
    return skip(text.startsWith("{") ? "torn" : "no session line");
  }
  const decoded = decodeRolloutLine(value, fill);
  if (decoded === undefined) return skip("no session line");
  if (decoded.kind === "foreign") return { read: [], skipped: [] };
  return {
    read: [{ line: decoded.line, start, end: start + Buffer.byteLength(text) }],
    skipped: [],
  };
}

/**
 * Lines that are there for other readers and are a good part of most files: the type of one is all that is taken of it, when
 * it is whole; of token counts, of which only the last one tells something, the whole line as it is.
 */
const IDLE =
  /^\{"timestamp":"([^"]*)",(?:"ordinal":(\d+),)?"type":"(?:world_state|token_usage_record)?(?:event_msg","payload":\{"type":"(item_completed|token_count|thread_settings_applied))?"/;

function idleLine(text: string): RolloutLine | undefined {
  const match = IDLE.exec(text);
  if (match === null || !text.endsWith("}}") || text.includes(LINE_START, 1)) return undefined;
  const [, timestamp = "", ordinal, type = "other"] = match;
  return {
    timestamp,
    ordinal: ordinal === undefined ? undefined : Number(ordinal),
    item: { type: "event_msg", payload: type === "token_count" ? { type, line: text } : { type } },
    blobs: [],
    submission: undefined,
  };
}
