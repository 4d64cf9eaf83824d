import { closeSync, fstatSync, openSync } from "node:fs";
import { endsWhole } from "../base/index.js";
import {
  type BlobRef,
  blobRefsOf,
  type HistoryBase,
  isRecord,
  type RolloutItem,
  type SessionMeta,
} from "../protocol/index.js";
import { BlobStore } from "./blobs.js";
import { decodeLine, type ReadLine, type Skipped, type Wanted } from "./decode.js";
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
    for (const { line: found } of decodeLine(line).read) {
      const item: RolloutItem = found.item;
      if (item.type === "session_meta") return item.payload;
    }
  }
  return undefined;
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
    /** Default `telling`. */
    readonly wanted?: Wanted;
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
        const lines = within(file, { base, damage: read.damage, fill, wanted: read.wanted });
        for (const line of lines.toReversed()) if (!read.take(line, open)) return;
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

/** A line as its JSON has it, with the texts of its blobs in their places. */
export interface RawLine {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Of the session that has the line: another one for what a fork took over. */
  readonly sessionId: string;
}

/**
 * All whole lines of a session, from its beginning, those of the sessions it was forked from first; what can't be read is
 * left out. Opens and closes the files it reads. Throws system errors.
 */
export function* readAll(path: string, { home }: { readonly home: string }): Generator<RawLine> {
  const segments: { readonly path: string; readonly base: HistoryBase | undefined }[] = [];
  for (
    let next: { path: string; base: HistoryBase | undefined } | undefined = { path, base: undefined };
    next !== undefined;
  ) {
    segments.unshift(next);
    const open = openSession(next.path);
    closeSync(open.fd);
    const base: HistoryBase | undefined = open.meta?.history_base ?? undefined;
    const found = base === undefined ? undefined : locateSession(home, base.thread_id);
    const known = segments.length === MAX_FORKS || segments.some((segment) => segment.path === found);
    next = found === undefined || known ? undefined : { path: found, base };
  }
  const blobs = new BlobStore(home);
  for (const segment of segments) yield* readSegment(segment, blobs);
}

function* readSegment(
  { path, base }: { readonly path: string; readonly base: HistoryBase | undefined },
  blobs: BlobStore,
): Generator<RawLine> {
  const open = openSession(path);
  const sessionId = open.meta?.id ?? "";
  try {
    for (const file of linesForward({ fd: open.fd, from: 0, to: endOf(open, base) })) {
      const value = parseObject(file.text);
      if (value === undefined) continue;
      if (base !== undefined && Number(value.ordinal ?? -1) >= base.end_ordinal_exclusive) continue;
      yield { text: file.text ?? "", value: inlined(value, blobs), sessionId };
    }
  } finally {
    closeSync(open.fd);
  }
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return isRecord(value) ? value : undefined;
  } catch {
    // Torn, or never JSON.
    return undefined;
  }
}

function inlined(value: Readonly<Record<string, unknown>>, blobs: BlobStore): Readonly<Record<string, unknown>> {
  const refs = blobRefsOf(value);
  if (refs.length === 0) return value;
  const { blobs: _, payload, ...rest } = value;
  return { ...rest, payload: fillBlobs(payload, refs, { load: (ref) => blobs.get(ref), missing: () => {} }) };
}

type Fill = Parameters<typeof decodeLine>[1];

interface Within {
  readonly base: HistoryBase | undefined;
  readonly damage: Damage;
  readonly fill: Fill;
  readonly wanted: Wanted | undefined;
}

function within(file: FileLine, { base, damage, fill, wanted }: Within): readonly ReadLine[] {
  const { read, skipped } = decodeLine(file, fill, wanted);
  // Only of the session itself: the damage of its ancestors is theirs.
  if (base === undefined) {
    damage.skipped.push(...skipped.toReversed());
    return read;
  }
  return read.filter(({ line: { ordinal } }) => ordinal === undefined || ordinal < base.end_ordinal_exclusive);
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
