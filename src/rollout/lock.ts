import { closeSync, openSync, readdirSync, statSync, unlinkSync, utimesSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { type Clock, lifeOf, makeFolder, type Owner, ownProcess, type Random, sleep } from "../base/index.js";
import { codexWriter } from "./codex-lock.js";

/**
 * One writer for a session. A lock is an empty file whose name holds the session's id and its owner: who wants the session
 * makes his own file, then looks whether anyone else's is there, and withdraws if so. No step of it needs links, renames or
 * exclusive creation of a file system, and removing the file of a dead owner can't hit a living one, since no other process
 * will ever have that name.
 */

/** A process on another machine or in another container counts as gone after this silence, ms. */
const FOREIGN = 10 * 60 * 1000;
/** Where a platform can't tell whether a process is the one that had its number, ms. */
const REUSED = 60 * 60 * 1000;
/** Two who come at the same moment both withdraw, and try again after up to so many ms. */
const TRIES = 4;
const BACK_OFF = 30;

/** Who has a session. */
export interface Holder {
  readonly pid: number;
  /** It runs on another machine, or in another container. */
  readonly elsewhere: boolean;
  /** Unix ms of its last sign of life; of the start of its lock for one on this machine. */
  readonly seenAt: number;
  /** The lock's file; "" for Codex, which locks otherwise. */
  readonly path: string;
}

export interface Lock {
  /** A sign of life, for those who can't see this process. */
  touch(now: number): void;
  release(): void;
}

export type Locked = { readonly ok: true; readonly lock: Lock } | { readonly ok: false; readonly holder: Holder };

interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Takes the lock of a session, or says who has it. Throws system errors, and the signal's reason. */
export async function lockSession(home: string, id: string, { clock, random, signal }: Deps): Promise<Locked> {
  for (let tried = 1; ; tried += 1) {
    const taken = tryLock(home, id, clock.now());
    if (taken.ok || tried === TRIES) return taken;
    await sleep(1 + (random(1)[0]! / 255) * BACK_OFF, signal);
  }
}

/** One try, without waiting: for a session that nobody else can know of yet, and for looks. */
export function tryLock(home: string, id: string, now: number): Locked {
  const folder = locksOf(home);
  makeFolder(folder);
  const own = ownProcess();
  const path = join(folder, lockName(id, own));
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // This very process has it open.
    return { ok: false, holder: { pid: own.pid, elsewhere: false, seenAt: now, path } };
  }
  const holder = othersOf(home, id, { now, own: path });
  if (holder === undefined) return { ok: true, lock: heldLock(path, now) };
  removeIfThere(path);
  return { ok: false, holder };
}

/** Who has a session at this moment; undefined when nobody has. */
export function holderOf(home: string, id: string, now: number): Holder | undefined {
  return othersOf(home, id, { now, own: undefined });
}

/** The ids of all sessions that somebody has. */
export function lockedIds(home: string, now: number): Set<string> {
  const ids = new Set(readLocks(home).map((name) => parseLockName(name)?.id));
  return new Set([...ids].filter((id) => id !== undefined && holderOf(home, id, now) !== undefined) as string[]);
}

/** Another's lock, if he lives, of this program or of Codex; those of the dead are removed. */
function othersOf(
  home: string,
  id: string,
  at: { readonly now: number; readonly own: string | undefined },
): Holder | undefined {
  for (const name of readLocks(home)) {
    const parsed = parseLockName(name);
    const path = join(locksOf(home), name);
    if (parsed?.id !== id || path === at.own) continue;
    const seenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (seenAt === undefined) continue;
    const life = lifeOf(parsed.owner);
    const silence = Math.abs(at.now - seenAt);
    // A lock from before this machine started is most likely what a power cut left of this machine itself.
    const sinceStart = seenAt > at.now - uptime() * 1000;
    const lives =
      life === "alive" ||
      (life === "maybe" && silence < REUSED) ||
      (life === "unknown" && silence < FOREIGN && sinceStart);
    if (lives) return { pid: parsed.owner.pid, elsewhere: life === "unknown", seenAt, path };
    removeIfThere(path);
  }
  const codex = codexWriter(home, id);
  return codex === undefined ? undefined : { pid: codex, elsewhere: codex === 0, seenAt: at.now, path: "" };
}

/** How often a lock shows a sign of life at most, ms. */
const TOUCH_EVERY = 30_000;

function heldLock(path: string, since: number): Lock {
  let touchedAt = since;
  return {
    touch(now) {
      if (Math.abs(now - touchedAt) < TOUCH_EVERY) return;
      touchedAt = now;
      try {
        utimesSync(path, now / 1000, now / 1000);
      } catch {
        // The home is gone, or can't be written: whoever comes next can't write either.
      }
    },
    release: () => removeIfThere(path),
  };
}

function locksOf(home: string): string {
  return join(home, "session_locks");
}

function readLocks(home: string): string[] {
  try {
    return readdirSync(locksOf(home));
  } catch {
    // No such folder: nobody has anything.
    return [];
  }
}

function lockName(id: string, { pid, start, boot, space }: Owner): string {
  return `${id}.${pid}-${start}-${boot}-${space}.lock`;
}

function parseLockName(name: string): { readonly id: string; readonly owner: Owner } | undefined {
  const match = /^([0-9a-f-]{36})\.(\d+)-(\d+)-([0-9a-f]+)-(\d+)\.lock$/.exec(name);
  if (match === null) return undefined;
  const [, id = "", pid, start = "", boot = "", space = ""] = match;
  return { id, owner: { pid: Number(pid), start, boot, space } };
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Removed by another, or with the whole home.
  }
}
