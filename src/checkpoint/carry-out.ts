import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { writeWhole } from "../base/index.js";
import { glance, lookAt } from "./capture.js";
import type { ObjectStore } from "./objects.js";
import { Places } from "./place.js";
import { sameState } from "./records.js";
import type { Change, FileState, State } from "./types.js";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
/** Linux's flag for a descriptor that only names a file; Node has no name for it. */
const O_PATH = 0o10000000;
const sync = promisify(fs.fsync);
const ALL_OF_OWNER = 0o700;

export interface CarryOutOptions {
  readonly store: ObjectStore;
  /** Names the temporary files: the same for the same undo, so that a later try finds what an earlier one left. */
  readonly id: string;
  /** What `lockedFolders` said before the first try. */
  readonly locked?: Locked | undefined;
}

/** Folders that have to be made writable for a while, and the modes they have. */
export type Locked = readonly { readonly path: string; readonly mode: number }[];

/** What was found at a path, when it was neither as before nor as after. */
export interface Left {
  readonly path: string;
  readonly why: string;
}

/**
 * Brings every path from its `before` to its `after`, each by one rename; a path that is at its `after` is done, one that is
 * at neither is left as it is and returned. Cut at any point it can be called again. Throws system errors.
 */
export async function carryOut(changes: readonly Change[], options: CarryOutOptions): Promise<Left[]> {
  const work = new Work(changes, options);
  try {
    return await work.run();
  } finally {
    work.close();
  }
}

/** The folders that `carryOut` would make writable: to be on record before it begins, since a kill leaves them so. */
export function lockedFolders(changes: readonly Change[]): Locked {
  return [...new Set(changes.map(({ path }) => dirname(path)))].flatMap((path) => {
    const mode = lockedMode(path);
    return mode === undefined ? [] : [{ path, mode }];
  });
}

class Work {
  readonly #store: ObjectStore;
  readonly #id: string;
  readonly #changes: readonly Change[];
  readonly #places = new Places();
  readonly #left: Left[] = [];
  /** Folders that were made writable for the time being, and the modes they had. */
  readonly #opened = new Map<string, number>();

  readonly #locked: Locked;

  constructor(changes: readonly Change[], { store, id, locked = [] }: CarryOutOptions) {
    this.#store = store;
    this.#id = id;
    this.#locked = locked;
    this.#changes = changes;
  }

  close(): void {
    this.#places.close();
  }

  async run(): Promise<Left[]> {
    const outer = [...this.#changes].sort((one, other) => (one.path < other.path ? -1 : 1));
    const inner = [...outer].reverse();
    const open = outer.filter((change) => this.#isOpen(change));
    const pending = new Set(open);
    for (const change of outer) this.#unlock(dirname(change.path));
    this.#rememberLocked();
    for (const change of inner) if (pending.has(change)) this.#clearAway(change);
    const folders = open.filter(({ after }) => after?.kind === "folder");
    for (const { path } of folders) this.#makeFolder(path);
    for (const [at, change] of outer.entries()) {
      const temporary = `.belay-${this.#id}-${at}`;
      if (pending.has(change)) await this.#put(change, temporary);
      else this.#discard(change.path, temporary);
      if (at % 16 === 15) await nextTurn();
    }
    for (const [path, mode] of this.#opened) this.#setMode(path, mode);
    for (const { path, after } of folders.reverse()) if (after?.kind === "folder") this.#setMode(path, after.mode);
    for (const folder of new Set(outer.map(({ path }) => dirname(path)))) await this.#syncFolder(folder);
    return this.#left;
  }

  /** Whether there is something to do for the path; says so when it can't be done. */
  #isOpen({ path, before, after }: Change): boolean {
    const now = this.#see(path, before, after);
    if (sameState(now, after)) return false;
    // A folder is brought to its mode at the end, whatever an earlier try has made of it.
    if (now?.kind === "folder" && (before?.kind === "folder" || after?.kind === "folder")) return true;
    if (sameState(now, before)) return true;
    // Taken away by an earlier try, and not put back yet.
    if (now === null && before !== null && after !== null && before.kind !== after.kind) return true;
    this.#left.push({ path, why: now === null ? "it is gone" : "it was changed meanwhile" });
    return false;
  }

  /** What is at a path, its content compared with the two it may have. */
  #see(path: string, before: State | null, after: State | null): State | null {
    const now = glance(path);
    if (now?.kind !== "file") return now;
    for (const wanted of [before, after]) {
      if (wanted?.kind !== "file" || wanted.size !== now.size) continue;
      if (wanted.ino === now.ino && wanted.mtime === now.mtime && wanted.ctime === now.ctime)
        return { ...now, ...wanted };
    }
    const sha = this.#store.nameOf(path);
    return sha === undefined ? now : { ...now, sha };
  }

  #unlock(folder: string): void {
    const mode = lockedMode(folder);
    if (mode === undefined) return;
    this.#opened.set(folder, mode);
    this.#setMode(folder, mode | ALL_OF_OWNER);
  }

  /** Those that an earlier try has left writable; one whose mode is another by now is someone else's matter. */
  #rememberLocked(): void {
    for (const { path, mode } of this.#locked) {
      const stat = lookAt(path);
      if (typeof stat !== "object" || !stat.isDirectory() || (stat.mode & 0o7777) !== (mode | ALL_OF_OWNER)) continue;
      this.#opened.set(path, mode);
    }
  }

  /** Takes away what has to make room, or is not to be there at all. */
  #clearAway({ path, before, after }: Change): void {
    if (before === null || (before.kind === after?.kind && before.kind !== "uncovered")) return;
    if (before.kind !== "folder") {
      if (glance(path)?.kind !== "folder") removeIfThere(this.#places.at(path));
      return;
    }
    this.#places.forget(path);
    this.#opened.delete(path);
    try {
      fs.rmdirSync(this.#places.at(path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      // Someone else has put something into it: it stays, with that.
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      this.#left.push({ path, why: "the folder has something else in it" });
    }
  }

  #makeFolder(path: string): void {
    try {
      fs.mkdirSync(this.#places.at(path), ALL_OF_OWNER);
    } catch (error) {
      // There already: its mode is set at the end.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    this.#unlock(path);
  }

  async #put({ path, before, after }: Change, temporary: string): Promise<void> {
    if (after?.kind !== "file" && after?.kind !== "link") return;
    if (glance(path)?.kind === "folder") {
      this.#left.push({ path, why: "a folder is in its place" });
      return;
    }
    if (after.kind === "file" && before?.kind === "file" && after.sha === before.sha && after.sha !== undefined) {
      changeMode(this.#places.at(path), after.mode);
      return;
    }
    const fresh = join(dirname(path), temporary);
    removeIfThere(this.#places.at(fresh));
    try {
      if (after.kind === "link") fs.symlinkSync(after.target, this.#places.at(fresh));
      else await this.#write(fresh, path, after);
      fs.renameSync(this.#places.at(fresh), this.#places.at(path));
    } catch (error) {
      // A full disk, or no permission: nothing of ours must stay beside the file.
      removeIfThere(this.#places.at(fresh));
      throw error;
    }
  }

  /** What an earlier try left beside a file that someone has changed since. */
  #discard(path: string, temporary: string): void {
    try {
      removeIfThere(this.#places.at(join(dirname(path), temporary)));
    } catch {
      // Its folder is gone as well, or elsewhere.
    }
  }

  async #write(fresh: string, path: string, { sha, mode }: FileState): Promise<void> {
    const bytes = sha === undefined ? undefined : this.#store.read(sha);
    if (bytes === undefined) throw new Error(`the content kept of ${JSON.stringify(path)} is damaged or gone`);
    const fd = fs.openSync(this.#places.at(fresh), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeWhole(fd, bytes);
      fs.fchmodSync(fd, mode);
      await sync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  #setMode(path: string, mode: number): void {
    const stat = lookAt(path);
    if (typeof stat === "object" && stat.isDirectory() && (stat.mode & 0o7777) !== (mode & 0o7777)) {
      changeMode(this.#places.at(path), mode & 0o7777);
    }
  }

  async #syncFolder(folder: string): Promise<void> {
    try {
      const fd = fs.openSync(folder, O_RDONLY);
      try {
        await sync(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch {
      // Removed by this very undo, or a file system that can't: its files are synced, and a kill loses nothing.
    }
  }
}

/** The mode of a folder in which its owner, who we are, may not do everything; undefined for any other. */
function lockedMode(folder: string): number | undefined {
  const stat = lookAt(folder);
  if (typeof stat !== "object" || !stat.isDirectory() || (stat.mode & ALL_OF_OWNER) === ALL_OF_OWNER) return undefined;
  return process.geteuid?.() === stat.uid ? stat.mode & 0o7777 : undefined;
}

/** Never through a link; also where nothing may be read. */
function changeMode(path: string, mode: number): void {
  const fd = fs.openSync(path, (process.platform === "linux" ? O_PATH : O_RDONLY | O_NONBLOCK) | O_NOFOLLOW);
  try {
    if (process.platform !== "linux") fs.fchmodSync(fd, mode);
    else if (!fs.fstatSync(fd).isSymbolicLink()) fs.chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    fs.closeSync(fd);
  }
}

function removeIfThere(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch (error) {
    // Not there is what is wanted.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
