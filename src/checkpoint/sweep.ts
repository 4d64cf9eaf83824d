import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS, isDue } from "../base/index.js";
import { checkpointsFolder, conversationFolder, conversationsIn, Journal, TREES } from "./journal.js";
import { mayRun } from "./process.js";
import { historyOf } from "./records.js";

export interface SweepOptions {
  /** Unix ms. */
  readonly now: number;
  /** Whether the process that began a turn may still be at work on it; such conversations stay. */
  readonly isAlive: (owner: string) => boolean;
  /** Checkpoints whose last turn is older go, ms. Default: 30 days. */
  readonly olderThanMs?: number;
  /** Bytes of contents kept at most; the oldest conversations go first. Default: 2 GiB. */
  readonly maxBytes?: number;
}

export interface Swept {
  readonly conversations: number;
  readonly objects: number;
  readonly bytes: number;
}

const MAX_BYTES = 2 * 1024 * 1024 * 1024;
/** What was written or used in this time may be about to be put on record, ms. */
const YOUNG_MS = 3600 * 1000;
const OBJECT = /"sha(?:":"|:)([0-9a-f]{64})"/g;

/**
 * Removes checkpoints that are old or too many, and contents that none needs any more. What goes can't be undone any
 * longer; the files themselves are not touched. Throws system errors.
 */
export function sweepCheckpoints(home: string, options: SweepOptions): Swept {
  const { now, isAlive, olderThanMs = 30 * DAY_MS, maxBytes = MAX_BYTES } = options;
  const folder = checkpointsFolder(home);
  const objects = objectsIn(join(folder, "objects"));
  const kept = conversationsOf(home).sort((one, other) => other.at - one.at);
  const needed = new Set<string>();
  let [held, gone] = [0, 0];
  for (const { path, at, owner } of kept) {
    const shas = neededBy(path).filter((sha) => !needed.has(sha));
    const size = shas.reduce((sum, sha) => sum + (objects.get(sha)?.size ?? 0), 0);
    const alive = owner !== undefined && isAlive(owner);
    if (!alive && (now - at > olderThanMs || held + size > maxBytes)) {
      rmSync(path, { recursive: true, force: true });
      gone += 1;
      continue;
    }
    held += size;
    for (const sha of shas) needed.add(sha);
  }
  for (const name of namesIn(join(folder, TREES))) {
    const path = join(folder, TREES, name);
    if (now - statSync(path).mtimeMs > olderThanMs) rmSync(path, { force: true });
  }
  return { conversations: gone, ...removeUnneeded(objects, { needed, usedBefore: now - YOUNG_MS }) };
}

/**
 * Removes the checkpoints of conversations that are deleted, and the contents that only they needed. Without `atRest` some
 * process may be about to put contents on record: then the young ones are left to the next sweep. Throws system errors.
 */
export function removeCheckpoints(
  home: string,
  conversations: readonly string[],
  { now, atRest }: { readonly now: number; readonly atRest: boolean },
): void {
  const gone = new Set(conversations);
  const paths = conversationsIn(home).map((id) => ({ id, path: conversationFolder(home, id) }));
  const theirs = paths.filter(({ id }) => gone.has(id));
  if (theirs.length === 0) return;
  const suspects = new Set(theirs.flatMap(({ path }) => neededBy(path)));
  for (const { path } of theirs) rmSync(path, { recursive: true, force: true });
  if (suspects.size === 0) return;
  const needed = new Set(paths.filter(({ id }) => !gone.has(id)).flatMap(({ path }) => neededBy(path)));
  const objects = [...objectsIn(join(checkpointsFolder(home), "objects"))].filter(([sha]) => suspects.has(sha));
  removeUnneeded(new Map(objects), { needed, usedBefore: atRest ? Number.POSITIVE_INFINITY : now - YOUNG_MS });
}

function removeUnneeded(
  objects: ReadonlyMap<string, Stored>,
  { needed, usedBefore }: { readonly needed: ReadonlySet<string>; readonly usedBefore: number },
): Omit<Swept, "conversations"> {
  let [removed, bytes] = [0, 0];
  for (const [sha, { path, size, usedAt }] of objects) {
    if (needed.has(sha) || usedAt > usedBefore) continue;
    rmSync(path, { force: true });
    removed += 1;
    bytes += size;
  }
  return { objects: removed, bytes };
}

/** Sweeps once a day at most; a file in the folder has the time of the last one. Throws system errors. */
export function sweepIfDue(home: string, now: number): void {
  if (isDue(join(checkpointsFolder(home), "swept"), now)) sweepCheckpoints(home, { now, isAlive: mayRun });
}

interface Conversation {
  readonly path: string;
  /** Of its last turn, Unix ms. */
  readonly at: number;
  readonly owner: string | undefined;
}

function conversationsOf(home: string): Conversation[] {
  return conversationsIn(home).map((name) => {
    const path = conversationFolder(home, name);
    const last = historyOf(new Journal(path).read()).turns.at(-1);
    return { path, at: last?.at ?? statSync(path).mtimeMs, owner: last?.owner };
  });
}

/** Every content that the journal or a tree on disk speaks of. */
function neededBy(path: string): string[] {
  const shas = new Set<string>();
  for (const name of namesIn(path)) {
    for (const [, sha = ""] of readFileSync(join(path, name), "utf8").matchAll(OBJECT)) shas.add(sha);
  }
  return [...shas];
}

interface Stored {
  readonly path: string;
  readonly size: number;
  readonly usedAt: number;
}

/** Contents by name; what a kill left half written is there under its temporary name. */
function objectsIn(folder: string): Map<string, Stored> {
  const found = new Map<string, Stored>();
  for (const first of namesIn(folder)) {
    const path = join(folder, first);
    const stat = statSync(path);
    const names = stat.isDirectory() ? namesIn(path) : [""];
    for (const rest of names) {
      const at = rest === "" ? path : join(path, rest);
      const { size, mtimeMs } = rest === "" ? stat : statSync(at);
      found.set(first + rest, { path: at, size, usedAt: mtimeMs });
    }
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No such folder, or gone since: there is nothing in it.
    return [];
  }
}
