import { lstatSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { realPath } from "../base/index.js";
import { isInside } from "./writable-roots.js";

/**
 * The folders of git's outside of the writable folders that a commit in one of them writes to. `.git` may be in a folder
 * above, or a file that says where it is (worktrees, submodules); whoever can write that file could point anywhere, so it
 * counts only when the folder it names says the same in return, from where commands can't write. Real paths; what is in
 * them and is run or read as configuration is guarded like any repository's.
 */
export function gitFolders(folders: readonly string[], roots: readonly string[]): string[] {
  const found = folders.flatMap((folder) => {
    const tree = workingTree(folder);
    return tree === undefined ? [] : foldersOf(tree);
  });
  return [...new Set(found)].filter((path) => !isInside(path, roots) && path !== "/");
}

/** The nearest folder, going up, that has a `.git`. */
function workingTree(folder: string): string | undefined {
  for (let path = folder; ; path = dirname(path)) {
    if (kindOf(join(path, ".git")) !== "missing") return path;
    if (path === dirname(path)) return undefined;
  }
}

function foldersOf(tree: string): readonly string[] {
  const dot = join(tree, ".git");
  const kind = kindOf(dot);
  if (kind === "folder") return isRepository(dot) ? [dot] : [];
  const named = kind === "file" ? /^gitdir: *(.+?)\s*$/m.exec(read(dot))?.[1] : undefined;
  const folder = named === undefined ? undefined : realPath(resolve(tree, named));
  if (folder === undefined) return [];
  if (isWorktree(folder, dot)) {
    // By its place, not by what it says: its own files may be anybody's.
    const common = dirname(dirname(folder));
    return isRepository(common)
      ? [folder, ...["objects", "refs", "logs"].map((name) => join(common, name)).filter(isFolder)]
      : [];
  }
  return isSubmodule(folder, tree) && isRepository(folder) ? [folder] : [];
}

/** git notes in each worktree's folder which `.git` file it belongs to. */
function isWorktree(folder: string, dot: string): boolean {
  if (basename(dirname(folder)) !== "worktrees") return false;
  const back = read(join(folder, "gitdir")).split("\n")[0]!.trim();
  return back !== "" && realPath(resolve(folder, back)) === dot;
}

/** git notes in each submodule's configuration where its files are. */
function isSubmodule(folder: string, tree: string): boolean {
  const back = /^\s*worktree\s*=\s*"?(.+?)"?\s*$/m.exec(read(join(folder, "config")))?.[1];
  return back !== undefined && realPath(resolve(folder, back)) === tree;
}

function isRepository(folder: string): boolean {
  return ["objects", "refs"].every((name) => isFolder(join(folder, name))) && kindOf(join(folder, "HEAD")) === "file";
}

function isFolder(path: string): boolean {
  return kindOf(path) === "folder";
}

/** `other` is also a symbolic link: it is not followed. */
function kindOf(path: string): "missing" | "folder" | "file" | "other" {
  try {
    const stat = lstatSync(path);
    return stat.isDirectory() ? "folder" : stat.isFile() ? "file" : "other";
  } catch {
    // Not there, or behind a folder that we, and so a command, may not enter.
    return "missing";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not there, or not for us to read: it says nothing.
    return "";
  }
}
