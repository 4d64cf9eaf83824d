import { isUtf8 } from "node:buffer";
import { readSync } from "node:fs";

/** The longest line that is read, bytes; of a longer one only its length is known. */
export const LINE_LIMIT = 64 * 1024 * 1024;

const CHUNK = 256 * 1024;
const LF = 0x0a;

/** One line of a file without its line feed: bytes from `start` up to `end`. Undefined text: too long, or no UTF-8. */
export interface FileLine {
  readonly start: number;
  readonly end: number;
  readonly text: string | undefined;
  /** Its line feed is there. */
  readonly whole: boolean;
}

/** What is read: `fd` from byte `from` up to byte `to`. */
interface Range {
  readonly fd: number;
  readonly from: number;
  readonly to: number;
}

/** The lines of a range, in order; empty ones are passed over. Holds one line and one chunk at most. */
export function* linesForward({ fd, from, to }: Range): Generator<FileLine> {
  let parts: Buffer[] = [];
  let start = from;
  for (let at = from; at < to; ) {
    const chunk = readInto(Buffer.allocUnsafe(Math.min(CHUNK, to - at)), fd, at);
    if (chunk.length === 0) break;
    let begin = 0;
    for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, begin)) {
      const end = at + lf;
      parts.push(chunk.subarray(begin, lf));
      if (end > start) yield toLine(parts, { start, end, whole: true });
      parts = [];
      begin = lf + 1;
      start = end + 1;
    }
    parts.push(chunk.subarray(begin));
    // Of a line that is too long only the length is kept.
    if (at + chunk.length - start > LINE_LIMIT) parts = [];
    at += chunk.length;
  }
  const end = Math.max(start, to);
  if (end > start) yield toLine(parts, { start, end, whole: false });
}

/** The lines of a range, last one first; empty ones are passed over. Holds one line and one chunk at most. */
export function* linesBackward({ fd, from, to }: Range): Generator<FileLine> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(0, to - from)));
  /** What has been read of the line that began before the last chunk. */
  let parts: Buffer[] = [];
  let end = to;
  let whole = false;
  for (let at = to; at > from; ) {
    const size = Math.min(CHUNK, at - from);
    const chunk = readInto(buffer.subarray(0, size), fd, at - size);
    at -= size;
    let stop = chunk.length;
    for (let lf = chunk.lastIndexOf(LF); lf !== -1; lf = stop === 0 ? -1 : chunk.lastIndexOf(LF, stop - 1)) {
      const start = at + lf + 1;
      const line = chunk.subarray(lf + 1, stop);
      if (end > start) yield toLine(parts.length === 0 ? [line] : [line, ...parts], { start, end, whole });
      parts = [];
      stop = lf;
      end = at + lf;
      whole = true;
    }
    // A copy: the next chunk is read into the same place. Of a line that is too long only the length is kept.
    if (end - at > LINE_LIMIT) parts = [];
    else if (stop > 0) parts.unshift(Buffer.from(chunk.subarray(0, stop)));
  }
  if (end > from) yield toLine(parts, { start: from, end, whole });
}

function toLine(parts: readonly Buffer[], place: Omit<FileLine, "text">): FileLine {
  const size = place.end - place.start;
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const readable = bytes.length === size && size <= LINE_LIMIT && isUtf8(bytes);
  return { ...place, text: readable ? bytes.toString("utf8") : undefined };
}

/** Fewer bytes than asked for where the file has become shorter. */
function readInto(buffer: Buffer, fd: number, position: number): Buffer {
  let got = 0;
  while (got < buffer.length) {
    const n = readSync(fd, buffer, got, buffer.length - got, position + got);
    if (n === 0) break;
    got += n;
  }
  return buffer.subarray(0, got);
}
