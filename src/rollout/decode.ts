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
  /** Its first and last characters: enough to tell it from another line of the same length and millisecond. */
  readonly mark: string;
}

/** What became of one line of a file; both are missing for whole lines that say nothing we know of. */
export interface LineResult {
  readonly read?: ReadLine;
  readonly skipped?: Skipped;
}

type Fill = Parameters<typeof decodeRolloutLine>[1];

const ZEROS = /^\0+/;
/** How every line of Codex and of ours begins; where a torn one has no end, the next may stand behind it. */
const LINE_START = '{"timestamp":"';
/** Places in one torn line where another may begin that are tried. */
const TRIES = 16;

/** Takes a line apart. Zeros before a line, or a torn one before it on the same line, do not take it along. */
export function decodeLine({ start, end, text }: FileLine, fill?: Fill): LineResult {
  const bytes = end - start;
  if (text === undefined) return { skipped: { at: start, bytes, why: "not text" } };
  const zeros = ZEROS.exec(text)?.[0].length ?? 0;
  const rest = text.slice(zeros);
  if (rest === "") return { skipped: { at: start, bytes, why: "zero-filled" } };
  const decoded = decodeText(rest, fill);
  if (decoded !== undefined && decoded !== "foreign") {
    const skipped: Skipped | undefined = zeros > 0 ? { at: start, bytes: zeros, why: "zero-filled" } : undefined;
    return { read: { line: decoded, start, end, mark: markOf(rest) }, ...(skipped === undefined ? {} : { skipped }) };
  }
  if (decoded === "foreign") return {};
  return salvage({ start, end, text }, fill);
}

/** A whole line at the end of one that is not. */
function salvage(
  { start, end, text }: { readonly start: number; readonly end: number; readonly text: string },
  fill: Fill,
): LineResult {
  const bytes = end - start;
  let at = text.length;
  for (let tried = 0; tried < TRIES; tried += 1) {
    at = at === 0 ? -1 : text.lastIndexOf(LINE_START, at - 1);
    if (at <= 0) break;
    const decoded = decodeText(text.slice(at), fill);
    if (decoded === undefined) continue;
    const torn: Skipped = { at: start, bytes: Buffer.byteLength(text.slice(0, at)), why: "torn" };
    return decoded === "foreign"
      ? { skipped: torn }
      : { read: { line: decoded, start: start + torn.bytes, end, mark: markOf(text.slice(at)) }, skipped: torn };
  }
  return { skipped: { at: start, bytes, why: text.startsWith("{") ? "torn" : "no session line" } };
}

function markOf(text: string): string {
  return text.length <= 320 ? text : `${text.slice(0, 256)}${text.slice(-64)}`;
}

function decodeText(text: string, fill: Fill): RolloutLine | "foreign" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Torn, or never JSON.
    return undefined;
  }
  const decoded = decodeRolloutLine(value, fill);
  if (decoded === undefined) return undefined;
  return decoded.kind === "line" ? decoded.line : "foreign";
}
