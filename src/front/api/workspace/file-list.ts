import { opendir } from "node:fs/promises";
import { join } from "node:path";
import { findGitRoot } from "../../../config/index.js";
import type { Commands } from "./commands.js";
import { openGit } from "./git.js";

const LISTED_LIMIT = 64 * 1024 * 1024;
const MOST_FILES = 500_000;

/**
 * The files below a folder (absolute), relative to it, as far as they go: in a git repository what git tracks or would track
 * (also what was just removed), elsewhere all of them. Links are listed, not followed. Throws the signal's reason.
 */
export async function listFiles(
  folder: string,
  around: { readonly commands: Commands; readonly signal: AbortSignal },
): Promise<string[]> {
  const root = findGitRoot(folder);
  if (root !== undefined) {
    const tracked = await listByGit(root, folder, around);
    if (tracked !== undefined) return tracked;
  }
  return walk(folder, around.signal);
}

/** Undefined where git can't say. */
async function listByGit(
  root: string,
  folder: string,
  around: { readonly commands: Commands; readonly signal: AbortSignal },
): Promise<string[] | undefined> {
  const opened = await openGit(root, around);
  if (!opened.ok) return undefined;
  const args = ["-C", folder, "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"];
  const listed = await opened.git(args, { head: LISTED_LIMIT, tail: 0 });
  if (!listed.ok) return undefined;
  // The last name has its NUL too, unless the list was cut in it. A repository in the repository is no file.
  return listed.text
    .split("\0")
    .slice(0, -1)
    .filter((name) => !name.endsWith("/"));
}

async function walk(folder: string, signal: AbortSignal): Promise<string[]> {
  const files: string[] = [];
  const folders = [""];
  for (let at = folders.pop(); at !== undefined && files.length < MOST_FILES; at = folders.pop()) {
    signal.throwIfAborted();
    await readFolder(folder, at, { files, folders });
  }
  return files;
}

async function readFolder(
  root: string,
  at: string,
  found: { readonly files: string[]; readonly folders: string[] },
): Promise<void> {
  try {
    for await (const entry of await opendir(join(root, at))) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== ".git") found.folders.push(path);
      } else found.files.push(path);
      if (found.files.length >= MOST_FILES) return;
    }
  } catch {
    // A folder that has gone, or that may not be read, holds nothing to find.
  }
}
