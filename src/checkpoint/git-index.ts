import { closeSync, openSync, readSync } from "node:fs";

/** A file of a git index: what git saw of it when its content was added, and that content's id. */
export interface IndexEntry {
  readonly oid: string;
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  /** The lower 32 bits. */
  readonly ino: number;
  /** Git looks at the file when it is asked what has changed. */
  readonly isWatched: boolean;
}

const SIGNATURE = 0x44495243;
const HEADER = 12;
/** Bytes of the times and numbers before the id of an entry. */
const FIXED = 40;
const EXTENDED = 0x4000;
const STAGE = 0x3000;
const NAME_LENGTH = 0x0fff;
const REGULAR = 0o100000;
const TYPE = 0o170000;
const INTENT_TO_ADD = 0x2000;
const ASSUME_VALID = 0x8000;
const SKIP_WORKTREE = 0x4000;

/**
 * Reads git's index (versions 2 to 4, gitformat-index(5)): plain files that are merged and added, by path. Undefined when
 * it is none that is understood; a split index gives the entries of its own part. No git is run.
 */
export function parseIndex(bytes: Buffer, hashBytes: 20 | 32): Map<string, IndexEntry> | undefined {
  if (bytes.length < HEADER || bytes.readUInt32BE(0) !== SIGNATURE) return undefined;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  try {
    return readEntries(bytes, { version, hashBytes });
  } catch (error) {
    // Shorter than it says, or malformed: git would refuse it too.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** How many entries an index has, by its head alone; 0 when it can't be read or is none. */
export function countIn(path: string): number {
  try {
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(HEADER);
      return readSync(fd, head) === HEADER && head.readUInt32BE(0) === SIGNATURE ? head.readUInt32BE(8) : 0;
    } finally {
      closeSync(fd);
    }
  } catch {
    // Gone, or not ours to read: git is not asked then.
    return 0;
  }
}

function readEntries(
  bytes: Buffer,
  { version, hashBytes }: { readonly version: number; readonly hashBytes: number },
): Map<string, IndexEntry> {
  const entries = new Map<string, IndexEntry>();
  let at = HEADER;
  let previous = "";
  for (let left = bytes.readUInt32BE(8); left > 0; left -= 1) {
    const flagsAt = at + FIXED + hashBytes;
    const flags = bytes.readUInt16BE(flagsAt);
    const extended = (flags & EXTENDED) !== 0 ? bytes.readUInt16BE(flagsAt + 2) : 0;
    let nameAt = flagsAt + ((flags & EXTENDED) !== 0 ? 4 : 2);
    let prefix = "";
    if (version === 4) {
      const strip = readVarint(bytes, nameAt);
      nameAt = strip.next;
      prefix = previous.slice(0, Math.max(0, previous.length - strip.value));
    }
    const length = version < 4 && (flags & NAME_LENGTH) < NAME_LENGTH ? flags & NAME_LENGTH : undefined;
    const end = length === undefined ? bytes.indexOf(0, nameAt) : nameAt + length;
    if (end < 0 || end > bytes.length) throw new RangeError("the index ends in the middle of a name");
    // Byte by byte, since version 4 counts bytes; made text at the end.
    const name = prefix + bytes.toString("latin1", nameAt, end);
    previous = name;
    const isFile = (bytes.readUInt32BE(at + 24) & TYPE) === REGULAR;
    if (isFile && (flags & STAGE) === 0 && (extended & INTENT_TO_ADD) === 0) {
      const isWatched = (flags & ASSUME_VALID) === 0 && (extended & SKIP_WORKTREE) === 0;
      entries.set(asText(name), { ...readEntry(bytes, at, hashBytes), isWatched });
    }
    at = version === 4 ? end + 1 : at + ((end - at + 8) & ~7);
  }
  return entries;
}

function readEntry(bytes: Buffer, at: number, hashBytes: number): Omit<IndexEntry, "isWatched"> {
  return {
    ctime: time(bytes, at),
    mtime: time(bytes, at + 8),
    ino: bytes.readUInt32BE(at + 20),
    size: bytes.readUInt32BE(at + 36),
    oid: bytes.toString("hex", at + FIXED, at + FIXED + hashBytes),
  };
}

/** Seconds and nanoseconds as ms, worked out as Node does for `mtimeMs`. */
function time(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 1000 + bytes.readUInt32BE(at + 4) / 1_000_000;
}

/** Git's offset encoding: each further byte adds one to what came before it. */
function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly next: number } {
  let next = start;
  let byte = bytes.readUInt8(next);
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    next += 1;
    byte = bytes.readUInt8(next);
    value = ((value + 1) << 7) | (byte & 0x7f);
  }
  return { value, next: next + 1 };
}

const NOT_ASCII = /[\x80-\xff]/;

function asText(latin1: string): string {
  return NOT_ASCII.test(latin1) ? Buffer.from(latin1, "latin1").toString("utf8") : latin1;
}
