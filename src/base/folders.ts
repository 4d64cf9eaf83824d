import { existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder (0700) and those above it that are missing; throws system errors. Node's own `recursive` never returns
 * where the system says "not there" of a folder that could not be made, as in /proc.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const above = dirname(path);
  if (above !== path) makeFolder(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Whether it is a folder, also by a link. False for what is not for us to look at, a loop of links, and no path at all. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // As above: for whoever asks there is no such folder.
    return false;
  }
}

/** A path by its own name, without links; undefined for what is not there, not for us to look at, or a loop of links. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    // As above: for whoever asks there is no such place.
    return undefined;
  }
}
