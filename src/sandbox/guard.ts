import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { realPath } from "../base/index.js";
import type { Watched } from "./types.js";
import { isInside } from "./writable-roots.js";

/** What in a writable folder is not for commands to write, because Belay or an editor acts on it outside of the sandbox. */
const SETTINGS = [".belay", ".codex", ".agents", ".vscode", ".idea"];
/** What in a folder of git's is run or read as configuration; the last two lead to other folders of git's. */
const GIT_SETTINGS = ["config", "config.worktree", "hooks", "commondir", "gitdir"];
/** Submodules and worktrees of a repository that are guarded one by one; with more, the folder that holds them is closed as a whole. */
const MOST_INNER = 100;
/** How many folders deep a submodule's name may lead (`libs/net/http`), and mounts of one guard; beyond, the rest is closed as a whole. */
const MOST_NAMES = 8;
const MOST_MOUNTS = 1000;
/** What git itself has as folders in one of its own. */
const GIT_FOLDERS = new Set(
  "objects refs logs info hooks branches modules worktrees lfs annex svn rebase-merge rebase-apply sequencer".split(
    " ",
  ),
);

/** Mounts that protect, in their order. */
export interface Guard {
  readonly mounts: readonly GuardMount[];
  readonly watched: readonly Watched[];
}

/** `held`: writable as before, but it can't be renamed or replaced, since it is a mount point. */
export type GuardMount = { readonly path: string; readonly kind: "read-only" | "held" };

/**
 * What to protect in writable folders (real paths). Only what exists: a mount needs something to lie on, and making
 * that would leave litter in the project. What does not exist is watched instead: see `appeared`. `gitFolders`: folders
 * of git's that are writable beside them.
 */
export function guardFor(roots: readonly string[], gitFolders: readonly string[] = []): Guard {
  const guard = new Guarding([...roots, ...gitFolders]);
  for (const root of roots) {
    for (const name of SETTINGS) guard.protect(join(root, name));
    guardRepository(guard, root);
  }
  for (const folder of gitFolders) if (kindOf(join(folder, "HEAD")) !== "missing") guardGitFolder(guard, folder);
  return guard;
}

/** What in writable folders (real paths) is not to be written, by whatever means: files, and folders with all in them, there or not. */
export function guardedPlaces(roots: readonly string[]): string[] {
  const { mounts, watched } = guardFor(roots);
  return [...mounts.filter(({ kind }) => kind === "read-only"), ...watched].map(({ path }) => path);
}

/**
 * Which watched places changed: to be asked after the command ended, before anything of Belay's looks at them. Who
 * made them can't be told: it may have been the user.
 */
export function appeared(watched: readonly Watched[]): string[] {
  return watched
    .filter(({ path, link }) => {
      const kind = kindOf(path);
      return link === undefined ? kind !== "missing" : kind !== "link" || readlinkSync(path) !== link;
    })
    .map(({ path }) => path);
}

class Guarding implements Guard {
  readonly mounts: GuardMount[] = [];
  readonly watched: Watched[] = [];
  readonly #roots: readonly string[];
  readonly #seen = new Set<string>();

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** Whether it was not mounted yet and lies where commands may write: elsewhere it is safe as it is. */
  mount(path: string, kind: GuardMount["kind"]): boolean {
    if (this.#seen.has(path) || !isInside(path, this.#roots)) return false;
    this.#seen.add(path);
    this.mounts.push({ path, kind });
    return true;
  }

  /** Makes a file or folder read-only, or watches it. */
  protect(path: string): void {
    if (!isInside(path, this.#roots) || this.#seen.has(path)) return;
    const kind = kindOf(path);
    if (kind === "missing") this.watched.push({ path, link: undefined });
    else if (kind === "other") this.mount(path, "read-only");
    else {
      this.watched.push({ path, link: readlinkSync(path) });
      const target = realPath(path);
      if (target !== undefined) this.mount(target, "read-only");
    }
  }
}

function kindOf(path: string): "missing" | "link" | "other" {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "missing";
  return stat.isSymbolicLink() ? "link" : "other";
}

function guardRepository(guard: Guarding, root: string): void {
  const path = join(root, ".git");
  const kind = kindOf(path);
  if (kind === "missing") guard.protect(path);
  if (kind === "link") guard.watched.push({ path, link: readlinkSync(path) });
  const pointer = gitPointer(path);
  // A worktree's or submodule's .git is a file that says where its folder is.
  if (pointer !== undefined) guard.protect(path);
  const folder = realPath(pointer === undefined ? path : resolve(root, pointer));
  if (folder === undefined) return;
  guardGitFolder(guard, folder);
  const common = readLine(join(folder, "commondir"));
  const commonFolder = common === undefined ? folder : (realPath(resolve(folder, common)) ?? folder);
  if (commonFolder !== folder) guardGitFolder(guard, commonFolder);
  guardNamedFiles(guard, commonFolder, root);
}

/** What git's configuration names that is configuration as well: other files of settings, and the folder of hooks. */
function guardNamedFiles(guard: Guarding, folder: string, root: string): void {
  for (const name of ["config", "config.worktree"]) {
    const text = readText(join(folder, name)) ?? "";
    for (const path of valuesOf(text, "path")) guard.protect(resolve(folder, atHome(path)));
    for (const path of valuesOf(text, "hookspath")) {
      const hooks = realPath(resolve(root, atHome(path)));
      if (hooks !== undefined && hooks !== root) guard.protect(hooks);
    }
  }
}

/** Every value of a setting, whatever section it is in: `path` is written in `include` and `includeIf` alone. */
function valuesOf(config: string, setting: string): string[] {
  const pattern = new RegExp(`^(?:\\s*\\[[^\\n]*\\])?\\s*${setting}\\s*=\\s*"?(.+?)"?\\s*$`, "gim");
  return [...config.matchAll(pattern)].map(([, value]) => value!);
}

function atHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** One of git's folders, and those of submodules and worktrees in it. */
function guardGitFolder(guard: Guarding, folder: string): void {
  if (!guard.mount(folder, "held")) return;
  for (const name of GIT_SETTINGS) {
    // Folders of git's that are no worktree's have no `gitdir`, and nobody reads it there.
    const path = join(folder, name);
    if (name !== "gitdir" || kindOf(path) !== "missing") guard.protect(path);
  }
  guardPointer(guard, folder);
  for (const name of ["modules", "worktrees"])
    guardInner(guard, join(folder, name), { isGit: false, depth: MOST_NAMES });
}

/**
 * The folders of submodules or worktrees in one of git's. A submodule's name may have slashes, so that any folder may be
 * one on the way to others; what git itself has in its folders is not.
 */
function guardInner(guard: Guarding, path: string, { isGit, depth }: { isGit: boolean; depth: number }): void {
  if (kindOf(path) !== "other") return;
  const inner = names(path).filter((name) => !isGit || !GIT_FOLDERS.has(name));
  if (inner.length === 0) return;
  if (depth === 0 || inner.length > MOST_INNER || guard.mounts.length > MOST_MOUNTS) {
    guard.protect(path);
    return;
  }
  guard.mount(path, "held");
  for (const folder of inner.map((name) => join(path, name))) {
    const named = ["config", "gitdir"].some((file) => kindOf(join(folder, file)) !== "missing");
    if (named) guardGitFolder(guard, folder);
    else guard.protect(join(folder, "config"));
    guardInner(guard, folder, { isGit: named, depth: depth - 1 });
  }
}

/** The `.git` file that leads from a submodule's or worktree's files to its folder of git's: another one would lead elsewhere. */
function guardPointer(guard: Guarding, folder: string): void {
  const [files] = valuesOf(readText(join(folder, "config")) ?? "", "worktree");
  const pointer = readLine(join(folder, "gitdir")) ?? (files === undefined ? undefined : join(files, ".git"));
  const path = pointer === undefined ? undefined : realPath(resolve(folder, pointer));
  if (path !== undefined) guard.protect(path);
}

function names(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // Not a folder, or not to be read by us, nor by a command: nothing to protect.
    return [];
  }
}

/** What a `.git` file points to; undefined when it is a folder. */
function gitPointer(path: string): string | undefined {
  const text = readText(path);
  return text === undefined ? undefined : /^gitdir: *(.+?)\s*$/m.exec(text)?.[1];
}

function readLine(path: string): string | undefined {
  return readText(path)?.split("\n")[0]?.trim() || undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Missing, a folder, or not for us to read.
    return undefined;
  }
}
