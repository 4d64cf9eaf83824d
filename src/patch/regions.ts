import { joined, type Piece } from "./edit.js";
import { endingOf, lineEnd, lineStart, openText, type Span, type Text } from "./text.js";

/** Whole lines of the old text, and the text they give way to. */
export interface Region extends Span {
  readonly now: Text;
}

interface Gap extends Span {
  readonly bytes: Buffer;
}

/** Below this many bytes, shared starts and ends are found by halving. */
const STRIDE = 64 * 1024;

/** The runs of lines that differ, in order, without overlap. Pieces with `from` are slices of the text's bytes. */
export function regionsOf(text: Text, pieces: readonly Piece[]): Region[] {
  if (pieces.every(({ from }) => from === undefined)) {
    const opened = openText(joined(pieces));
    const now = opened.ok ? opened.text : { ...text, bytes: joined(pieces), start: 0, end: joined(pieces).length };
    return [{ start: text.start, end: text.end, now }];
  }
  const regions: Region[] = [];
  let group: Gap[] = [];
  let widened: Span = { start: 0, end: 0 };
  const close = (): void => {
    if (group.length === 0) return;
    const bytes = between(text, widened, group);
    regions.push({ ...widened, now: { ...text, bytes, start: 0, end: bytes.length } });
  };
  for (const gap of gapsOf(text, pieces)) {
    const start = startOfLine(text, Math.max(gap.start, text.start));
    if (group.length > 0 && start < widened.end) group.push(gap);
    else {
      close();
      group = [gap];
      widened = { start, end: start };
    }
    widened = { start: widened.start, end: endOfLines(text, widened.start, group) };
  }
  close();
  return regions;
}

/** A new content as pieces that share the longest start and end with the old one. */
export function trimmed(before: Buffer, after: Buffer): Piece[] {
  const limit = Math.min(before.length, after.length);
  const head = sharedLength(limit, (from, to) => before.compare(after, from, to, from, to) === 0);
  const tail = sharedLength(limit - head, (from, to) => {
    return (
      before.compare(after, after.length - to, after.length - from, before.length - to, before.length - from) === 0
    );
  });
  const pieces: Piece[] = [
    { bytes: before.subarray(0, head), from: 0 },
    { bytes: after.subarray(head, after.length - tail) },
    { bytes: before.subarray(before.length - tail), from: before.length - tail },
  ];
  return pieces.filter(({ bytes, from }) => bytes.length > 0 || from === 0);
}

function gapsOf(text: Text, pieces: readonly Piece[]): Gap[] {
  const gaps: Gap[] = [];
  let at = 0;
  let fresh: Buffer[] = [];
  const close = (end: number): void => {
    if (end > at || fresh.length > 0) gaps.push({ start: at, end, bytes: Buffer.concat(fresh) });
    fresh = [];
  };
  for (const { bytes, from } of pieces) {
    if (from === undefined) {
      fresh.push(bytes);
      continue;
    }
    close(from);
    at = from + bytes.length;
  }
  close(text.bytes.length);
  return gaps;
}

/** The new bytes of a widened region: old ones around and between the gaps, new ones in them. */
function between(text: Text, { start, end }: Span, gaps: readonly Gap[]): Buffer {
  const parts: Buffer[] = [];
  let at = start;
  for (const gap of gaps) {
    parts.push(text.bytes.subarray(at, Math.max(at, gap.start)), gap.bytes);
    at = Math.max(at, gap.end);
  }
  parts.push(text.bytes.subarray(at, Math.max(at, end)));
  return Buffer.concat(parts);
}

/** Where the last gap ends, or the line it ends in when old and new share that line. */
function endOfLines(text: Text, start: number, gaps: readonly Gap[]): number {
  const end = Math.max(start, gaps.at(-1)!.end);
  if (end >= text.end) return text.end;
  const now = between(text, { start, end }, gaps);
  const whole =
    now.length === 0 ||
    endingOf({ ...text, bytes: now, start: 0, end: now.length }, { start: 0, end: now.length }) !== "";
  return whole && startOfLine(text, end) === end ? end : lineEnd(text, end);
}

function startOfLine(text: Text, offset: number): number {
  if (offset <= text.start) return text.start;
  const start = lineStart(text, offset);
  return endingOf(text, { start, end: offset }) === "" ? start : offset;
}

/** The largest n up to `limit` for which `same(0, n)` holds, asked in strides. */
function sharedLength(limit: number, same: (from: number, to: number) => boolean): number {
  let shared = 0;
  let stride = STRIDE;
  while (stride >= 1) {
    if (shared + stride <= limit && same(shared, shared + stride)) shared += stride;
    else stride = Math.floor(stride / 2);
  }
  return shared;
}
