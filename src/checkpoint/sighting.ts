import { readdirSync, readlinkSync, type Stats } from "node:fs";
import { type Folder, type Leaf, leafFrom, type Node } from "./tree.js";

/** Times closer to now than this may stay the same over one more change: the system's clock for files ticks slowly. ms. */
export const TICK_MS = 20;

/** A file that can't be reached, since Node can't say its name. */
export const UNNAMABLE: Leaf = {
  kind: "uncovered",
  mode: 0,
  size: 0,
  mtime: 0,
  ctime: 0,
  ino: 0,
  content: "none:its name is not UTF-8",
};

/** What Node makes of a name that is not UTF-8, by which the file can't be reached. */
export function isUnnamable(name: string): boolean {
  return name.includes("\ufffd");
}

/** Whether it is still the very thing that is known. Of what is not covered, only that it is the same thing counts. */
export function isSame(known: Node, stat: Stats): boolean {
  if (known.kind === "folder" || known.ino !== stat.ino) return false;
  if (known.kind === "uncovered" || known.kind === "ignored") return true;
  return (
    known.ctime === stat.ctimeMs &&
    known.mtime === stat.mtimeMs &&
    known.size === stat.size &&
    known.mode === (stat.mode & 0o7777)
  );
}

/** The names in a folder at the time `at` (Unix ms); undefined when they can't have changed since they were read. */
export function namesOf(folder: Folder, path: string, at: number): Set<string> | undefined {
  const { listed, mtime, ctime } = folder;
  if (listed?.mtime === mtime && listed.ctime === ctime && listed.at - Math.max(mtime, ctime) > TICK_MS) {
    return undefined;
  }
  try {
    const names = new Set(readdirSync(path));
    folder.listed = { mtime, ctime, at };
    return names;
  } catch {
    // Not readable for us, or gone since: what was known of it stays what is known.
    folder.listed = undefined;
    return undefined;
  }
}

/** What is neither a file nor a folder, as a leaf; undefined for a file. */
export function specialLeaf(path: string, stat: Stats): Leaf | undefined {
  if (stat.isFile()) return undefined;
  if (!stat.isSymbolicLink()) return leafFrom(stat, "uncovered", "none:neither a file nor a folder nor a link");
  try {
    return leafFrom(stat, "link", `link:${readlinkSync(path)}`);
  } catch {
    // Gone, or another thing by now.
    return leafFrom(stat, "uncovered", "none:a link that can't be read");
  }
}
