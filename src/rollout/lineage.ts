import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { BlobRef, HistoryBase, RolloutItem, SessionMeta } from "../protocol/index.js";
import { BlobStore } from "./blobs.js";
import { decodeLine, type ReadLine, type Skipped } from "./decode.js";
import { fillBlobs } from "./encode.js";
import { type FileLine, linesBackward, linesForward } from "./lines.js";
import { locateSession } from "./locate.js";

/** Forks of forks that are followed. */
const MAX_FORKS = 1000;
/** The head of a session is among these first bytes, or it is lost. */
const HEAD_BYTES = 1024 * 1024;
/** Lines read before others of this process get their turn. */
const LINES_AT_ONCE = 2000;

/** What is wrong with a record, as far as it was read. */
export interface Damage {
  readonly skipped: Skipped[];
  /** Texts that their blobs do not have any more. */
  missingBlobs: number;
  /** A session that this one was forked from and that is not there any more, or forks without an end. */
  missingBase: string | undefined;
}

/** A session file opened for reading; close it. */
export interface OpenSession {
  readonly path: string;
  readonly fd: number;
  readonly size: number;
  /** Undefined when the first line is damaged. */
  readonly meta: SessionMeta | undefined;
}

/** Throws system errors. */
export function openSession(path: string): OpenSession {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    return { path, fd, size, meta: readMeta(fd, size) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function readMeta(fd: number, size: number): SessionMeta | undefined {
  for (const line of linesForward({ fd, from: 0, to: Math.min(size, HEAD_BYTES) })) {
    const item: RolloutItem | undefined = decodeLine(line).read?.line.item;
    if (item?.type === "session_meta") return item.payload;
  }
  return undefined;
}

/** Whether a file ends with a line feed; true for an empty one. */
export function endsWhole({ fd, size }: Pick<OpenSession, "fd" | "size">): boolean {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}

/**
 * The lines of a session from its last one backwards, and on into the sessions it was forked from. Ends when `take` says
 * so, or at the beginning. Reads no more than it has to. Throws the signal's reason, and system errors of the file itself.
 */
export async function readBackward(
  session: OpenSession,
  read: {
    readonly home: string;
    readonly signal: AbortSignal;
    readonly damage: Damage;
    /** False: enough. `of`: the file the line is from. */
    readonly take: (line: ReadLine, of: OpenSession) => boolean;
  },
): Promise<void> {
  const fill = fillerOf(read.home, read.damage);
  const seen = new Set<string>();
  let segment: { readonly open: OpenSession; readonly base: HistoryBase | undefined } = {
    open: session,
    base: undefined,
  };
  let count = 0;
  for (;;) {
    const { open, base } = segment;
    try {
      for (const file of linesBackward({ fd: open.fd, from: 0, to: endOf(open, base) })) {
        if (++count % LINES_AT_ONCE === 0) await nextRound(read.signal);
        const line = within(file, { base, damage: read.damage, fill });
        if (line !== undefined && !read.take(line, open)) return;
      }
    } finally {
      if (open !== session) closeSync(open.fd);
    }
    const next = open.meta?.history_base ?? undefined;
    if (next === undefined) return;
    const path = locateSession(read.home, next.thread_id);
    if (path === undefined || seen.has(path) || seen.size === MAX_FORKS) {
      read.damage.missingBase = next.thread_id;
      return;
    }
    seen.add(path);
    segment = { open: openSession(path), base: next };
  }
}

/** All lines of one file, in order, without those of the sessions it was forked from. */
export function* readForward(
  session: OpenSession,
  read: { readonly home: string; readonly damage: Damage },
): Generator<ReadLine> {
  const fill = fillerOf(read.home, read.damage);
  for (const file of linesForward({ fd: session.fd, from: 0, to: session.size })) {
    const line = within(file, { base: undefined, damage: read.damage, fill });
    if (line !== undefined) yield line;
  }
}

type Fill = Parameters<typeof decodeLine>[1];

function within(
  file: FileLine,
  { base, damage, fill }: { readonly base: HistoryBase | undefined; readonly damage: Damage; readonly fill: Fill },
): ReadLine | undefined {
  const { read, skipped } = decodeLine(file, fill);
  // Only of the session itself: the damage of its ancestors is theirs.
  if (skipped !== undefined && base === undefined) damage.skipped.push(skipped);
  if (read === undefined) return undefined;
  const { ordinal } = read.line;
  return base !== undefined && ordinal !== undefined && ordinal >= base.end_ordinal_exclusive ? undefined : read;
}

/** The byte that a base names, where a line ends there; else the whole file, of which ordinals tell what belongs to it. */
function endOf(open: OpenSession, base: HistoryBase | undefined): number {
  const at = base?.end_byte_offset;
  if (at === undefined || at <= 0 || at > open.size) return open.size;
  return endsWhole({ fd: open.fd, size: at }) ? at : open.size;
}

function fillerOf(home: string, damage: Damage): NonNullable<Fill> {
  const blobs = new BlobStore(home);
  const from = {
    load: (ref: BlobRef) => blobs.get(ref),
    missing: () => {
      damage.missingBlobs += 1;
    },
  };
  return (payload, refs) => fillBlobs(payload, refs, from);
}

function nextRound(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    setImmediate(() => (signal.aborted ? reject(signal.reason) : resolve()));
  });
}
