import { statSync } from "node:fs";
import { dirname, join } from "node:path";

/** The nearest folder from `cwd` upwards that holds `.git`, as a folder or (worktrees, submodules) a file. No git is run. */
export function findGitRoot(cwd: string): string | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (holdsGit(folder)) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** The folders from `root` down to `cwd`, which is below it or the same. */
export function foldersDown(root: string, cwd: string): string[] {
  const folders = [cwd];
  for (let folder = cwd; folder !== root; ) {
    folder = dirname(folder);
    folders.unshift(folder);
  }
  return folders;
}

function holdsGit(folder: string): boolean {
  try {
    const entry = statSync(join(folder, ".git"), { throwIfNoEntry: false });
    return entry?.isDirectory() === true || entry?.isFile() === true;
  } catch {
    // What can't be looked at (permission, a loop of links) is no repository to us.
    return false;
  }
}
