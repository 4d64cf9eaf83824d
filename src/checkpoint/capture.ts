import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import type { Room } from "./keep.js";
import { keepFiles } from "./keep.js";
import type { ObjectStore } from "./objects.js";
import { leafFrom, stateOf } from "./tree.js";
import type { Pace, State } from "./types.js";

/** What is needed to keep a file's content. */
export interface Keeping {
  readonly store: ObjectStore;
  readonly room: Room;
  readonly pace: Pace;
}

/** What is at a path, its content kept as far as there is room. Null: nothing. Throws system errors of the store. */
export async function capture(path: string, keeping: Keeping): Promise<State | null> {
  const stat = lookAt(path);
  if (stat === undefined) return null;
  if (stat === "hidden") return { kind: "uncovered", why: "its folder can't be entered" };
  if (!stat.isFile()) return withoutContent(path, stat);
  const leaf = leafFrom(stat, "file", "");
  await keepFiles([{ path, leaf }], keeping);
  return stateOf(leaf);
}

/** The same without reading any content: a file has neither `sha` nor `why`. */
export function glance(path: string): State | null {
  const stat = lookAt(path);
  if (stat === undefined) return null;
  if (stat === "hidden") return { kind: "uncovered", why: "its folder can't be entered" };
  if (!stat.isFile()) return withoutContent(path, stat);
  const { size, ino, mtimeMs, ctimeMs } = stat;
  return { kind: "file", mode: stat.mode & 0o7777, size, ino, mtime: mtimeMs, ctime: ctimeMs };
}

/** The folders above the paths that are not there, each once. */
export function missingFolders(paths: readonly string[]): string[] {
  const missing = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); !missing.has(folder) && lookAt(folder) === undefined; folder = dirname(folder)) {
      missing.add(folder);
    }
  }
  return [...missing];
}

function withoutContent(path: string, stat: Stats): State {
  if (stat.isDirectory()) return { kind: "folder", mode: stat.mode & 0o7777 };
  if (!stat.isSymbolicLink()) return { kind: "uncovered", why: "neither a file nor a folder nor a link" };
  try {
    return { kind: "link", target: readlinkSync(path) };
  } catch {
    // Gone, or another thing by now: whoever looks again will see.
    return { kind: "uncovered", why: "a link that can't be read" };
  }
}

/** What lstat says; undefined: nothing is there; `hidden`: that can't be known. */
export function lookAt(path: string): Stats | "hidden" | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A file where a folder was: then nothing is at the path. All else can't be known.
    return (error as NodeJS.ErrnoException).code === "ENOTDIR" ? undefined : "hidden";
  }
}
