import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const HANDLES = "/proc/self/fd";
/** Folders held open at a time. */
const HELD = 128;

/**
 * Ways to names that can't be led elsewhere: each folder is opened once and must be the very folder its path says, with no
 * link in it; on Linux all work then goes through the open folder, elsewhere the path is checked at each use.
 */
export class Places {
  readonly #open = new Map<string, number>();
  readonly #handles = process.platform === "linux" && lstatSync(HANDLES, { throwIfNoEntry: false }) !== undefined;

  /** Where to find the path, for one operation at once. Throws when its folder is not there or is reached through a link. */
  at(path: string): string {
    const folder = dirname(path);
    if (this.#handles) return `${HANDLES}/${this.#handleOf(folder)}/${basename(path)}`;
    if (realpathSync.native(folder) !== folder) throw elsewhere(folder);
    return join(folder, basename(path));
  }

  /** Lets go of a folder that is about to be removed or replaced. */
  forget(folder: string): void {
    const held = this.#open.get(folder);
    this.#open.delete(folder);
    if (held !== undefined) closeSync(held);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #handleOf(folder: string): number {
    const held = this.#open.get(folder);
    if (held !== undefined) return held;
    if (this.#open.size >= HELD) this.close();
    const fd = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      if (readlinkSync(`${HANDLES}/${fd}`) !== folder) throw elsewhere(folder);
    } catch (error) {
      // Not the folder that was asked for: not to be used.
      closeSync(fd);
      throw error;
    }
    this.#open.set(folder, fd);
    return fd;
  }
}

function elsewhere(folder: string): Error {
  return new Error(`${JSON.stringify(folder)} was moved, or a link stands in its path now`);
}
