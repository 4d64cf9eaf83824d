import { realpathSync } from "node:fs";
import { sep } from "node:path";

/** The path without symbolic links, in the spelling of the disk; undefined when it leads nowhere. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    // Not there, not to be looked at, or a loop of links: there is no such place for us.
    return undefined;
  }
}

/** Whether what a path leads to lies in a folder, links and all. What can't be placed does not. */
export function staysInside(path: string, folder: string): boolean {
  const [real, root] = [realPath(path), realPath(folder)];
  if (real === undefined || root === undefined) return false;
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);
}
