import { closeSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS, isDue } from "../base/index.js";
import { BlobStore, type StoredBlob } from "./blobs.js";
import { openSession } from "./lineage.js";
import { linesForward } from "./lines.js";
import { allFiles, type SessionFile } from "./locate.js";
import { lockedIds } from "./lock.js";
import { baseOf, removeFiles } from "./session-moves.js";
import { readNames } from "./session-names.js";

/** What was used in this time stays, whatever the limits say. */
const RECENT_MS = 7 * DAY_MS;
/** A blob that is younger may belong to a line that is about to be written. */
const YOUNG_MS = DAY_MS;

/** How much of the past is kept. */
export interface KeepLimits {
  /** Of all sessions and their blobs together; undefined: no limit. */
  readonly maxBytes: number | undefined;
  /** Days since a session was used last; undefined: for ever. */
  readonly keepDays: number | undefined;
}

export interface GcReport {
  readonly deleted: readonly { readonly id: string; readonly bytes: number; readonly why: "old" | "quota" }[];
  readonly blobs: { readonly count: number; readonly bytes: number };
  /** Of all sessions and blobs, before and after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

interface Candidate extends SessionFile {
  readonly usedAt: number;
  readonly bytes: number;
}

interface GcOptions {
  readonly home: string;
  readonly limits: KeepLimits;
  /** Unix ms. */
  readonly now: number;
  /** Says what it would do, and does nothing. */
  readonly dryRun: boolean;
  /** When to look for texts that no session refers to any more, for which every file is read whole. */
  readonly unusedBlobs: "always" | "when sessions go";
}

/**
 * Deletes sessions past the limits, the longest unused first, then blobs that no line refers to. Never deletes what somebody
 * has open, what was used in the last seven days, what has a name, and what a session that stays was forked from.
 */
export function collectGarbage({ home, limits, now, dryRun, unusedBlobs: sweep }: GcOptions): GcReport {
  const files = candidates(home);
  const blobs = new BlobStore(home).all();
  const bytesBefore = sum(files) + sum(blobs);
  const deleted = choose(files, { home, limits, now, total: bytesBefore });
  if (!dryRun) for (const { id } of deleted) removeFiles(home, id);
  const gone = new Set(deleted.map(({ id }) => id));
  const left = sweep === "always" || deleted.length > 0 ? blobs : [];
  const unused = unusedBlobs(left, { files: files.filter(({ id }) => !gone.has(id)), now });
  if (!dryRun) for (const { path } of unused) unlinkSync(path);
  const freed = { count: unused.length, bytes: sum(unused) };
  return { deleted, blobs: freed, bytesBefore, bytesAfter: bytesBefore - sum(deleted) - freed.bytes };
}

/** Whether it is time again for a look of the program's own at the limits: once a day. Says yes once. */
export function isGcDue(home: string, now: number): boolean {
  try {
    return isDue(join(home, "session_locks", ".gc"), now);
  } catch {
    // A home that can't be read or written: nothing could be deleted either.
    return false;
  }
}

/** Oldest first. */
function choose(
  files: readonly Candidate[],
  at: { readonly home: string; readonly limits: KeepLimits; readonly now: number; readonly total: number },
) {
  const { home, limits, now } = at;
  const deleted: { id: string; bytes: number; why: "old" | "quota" }[] = [];
  const keptAnyhow = new Set([...lockedIds(home, now), ...readNames(home).keys()]);
  const bases = new Map(files.map((file) => [file.id, baseOf(file.path)]));
  let total = at.total;
  const byAge = files.toSorted((a, b) => a.usedAt - b.usedAt);
  // A session can go once all that was forked from it went: those are looked at again.
  for (let went = true; went; ) {
    went = false;
    for (const file of byAge) {
      if (!bases.has(file.id) || keptAnyhow.has(file.id) || now - file.usedAt < RECENT_MS) continue;
      if ([...bases.values()].includes(file.id)) continue;
      const old = limits.keepDays !== undefined && now - file.usedAt > limits.keepDays * DAY_MS;
      const over = limits.maxBytes !== undefined && total > limits.maxBytes;
      if (!old && !over) continue;
      bases.delete(file.id);
      total -= file.bytes;
      deleted.push({ id: file.id, bytes: file.bytes, why: old ? "old" : "quota" });
      went = true;
    }
  }
  return deleted;
}

function candidates(home: string): Candidate[] {
  return [false, true].flatMap((archived) =>
    [...allFiles(home, { archived })].flatMap((file) => {
      const stat = statSync(file.path, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ ...file, usedAt: stat.mtimeMs, bytes: stat.size }];
    }),
  );
}

/** Reads every file: a blob goes only when it is certain that nothing names it. */
function unusedBlobs(
  blobs: readonly StoredBlob[],
  { files, now }: { readonly files: readonly SessionFile[]; readonly now: number },
) {
  const unused = new Map(
    blobs.filter((blob) => Math.abs(now - blob.changedAt) > YOUNG_MS).map((blob) => [blob.sha256, blob]),
  );
  for (const file of files) {
    if (unused.size === 0) break;
    const session = openSession(file.path);
    try {
      for (const { text = "" } of linesForward({ fd: session.fd, from: 0, to: session.size })) {
        for (const [, sha256 = ""] of text.matchAll(/"sha256":"([0-9a-f]{64})"/g)) unused.delete(sha256);
      }
    } finally {
      closeSync(session.fd);
    }
  }
  return [...unused.values()];
}

function sum(parts: readonly { readonly bytes: number }[]): number {
  return parts.reduce((total, { bytes }) => total + bytes, 0);
}
