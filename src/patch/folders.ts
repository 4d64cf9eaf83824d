import { join } from "node:path";
import type { FileOps } from "./file-ops.js";

/** Where Linux shows processes. */
const PROCESSES = "/proc";
/** Folders held open at a time. */
const HELD = 256;
/** Folders in which something may be under way at a time: fewer than are held open, so that none of them is closed meanwhile. */
export const AT_A_TIME = 64;

/**
 * Folders held open while files in them change. On Linux (with /proc) a name is reached through the open folder
 * (`/proc/self/fd/N/name`), so a link put in the place of one of its parents after the check leads nowhere else;
 * elsewhere the folder's real path is checked again at each use.
 */
export class Folders {
  readonly #ops: FileOps;
  readonly #held = new Map<string, number>();
  #handles: string | undefined;

  constructor(ops: FileOps) {
    this.#ops = ops;
  }

  /** The folder in which this process's open files are; "" where there is none. */
  get #handleFolder(): string {
    this.#handles ??= process.platform === "linux" ? this.#findHandles() : "";
    return this.#handles;
  }

  /** A path for a name in the folder, which is given by its real path. Throws when the folder is not there, or is elsewhere now. */
  at(folder: string, name: string): string {
    const handles = this.#handleFolder;
    if (handles !== "") return `${handles}/${this.#open(folder)}/${name}`;
    if (this.#ops.realpath(folder) !== folder) throw moved(folder);
    return join(folder, name);
  }

  /** Makes what happened in the folder durable, where the file system can. */
  async sync(folder: string): Promise<void> {
    try {
      await this.#ops.sync(this.#open(folder));
    } catch {
      // Some file systems can't sync a folder; its files are safe, and a kill loses nothing.
    }
  }

  close(): void {
    for (const fd of this.#held.values()) this.#ops.close(fd);
    this.#held.clear();
  }

  #findHandles(): string {
    try {
      // By its number there, which need not be the one it has for itself: a link less to follow each time.
      return `${PROCESSES}/${this.#ops.readlink(`${PROCESSES}/self`)}/fd`;
    } catch {
      // Without /proc, or with one of a space of processes that this one is not in.
      return "";
    }
  }

  #open(folder: string): number {
    const held = this.#held.get(folder);
    if (held !== undefined) {
      // Kept in order of use: a path given out stays good while the next few folders are used.
      this.#held.delete(folder);
      this.#held.set(folder, held);
      return held;
    }
    if (this.#held.size >= HELD) this.#closeOldest();
    const fd = this.#ops.openFolder(folder);
    try {
      const handles = this.#handleFolder;
      const place = handles === "" ? this.#ops.realpath(folder) : this.#ops.readlink(`${handles}/${fd}`);
      if (place !== folder) throw moved(folder);
    } catch (error) {
      // Not to be held: another folder than the one asked for, or nothing is known of it.
      this.#ops.close(fd);
      throw error;
    }
    this.#held.set(folder, fd);
    return fd;
  }

  #closeOldest(): void {
    for (const [folder, fd] of this.#held) {
      this.#held.delete(folder);
      this.#ops.close(fd);
      return;
    }
  }
}

/** The code of the error for a folder that is not where it was. */
export const MOVED = "EMOVED";

function moved(folder: string): Error {
  const message = `the folder ${JSON.stringify(folder)} was moved, or a link now stands in its path`;
  return Object.assign(new Error(message), { code: MOVED });
}
