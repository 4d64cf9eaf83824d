import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, readdir, readlink, realpath, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type { Clock } from "../../base/index.js";
import { listCovered } from "../../checkpoint/index.js";

/** Bytes of a folder that are copied at most, and of its git repository with how many files. */
const FOLDER_BYTES = 512 * 1024 * 1024;
const GIT_BYTES = 128 * 1024 * 1024;
const GIT_ENTRIES = 20_000;

/** `left`: what was not copied, with the reason, for people. */
export type Copied =
  | { readonly ok: true; readonly left: readonly string[] }
  | { readonly ok: false; readonly message: string };

interface Wanted {
  /** Absolute, without links. */
  readonly from: string;
  /** An empty folder. */
  readonly to: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Copies a folder: what an undo would cover of it (docs/undo.md) and its git repository where that is small, with modes, and
 * links that stay inside. The source is only read. Throws the signal's reason.
 */
export async function copyFolder(wanted: Wanted): Promise<Copied> {
  const { from, to, signal } = wanted;
  const left: string[] = [];
  try {
    const covered = await listCovered(from, wanted);
    const bytes = covered.entries.reduce((sum, { size }) => sum + size, 0);
    if (bytes > FOLDER_BYTES) return tooLarge(from, `its files have ${bytes} bytes, more than ${FOLDER_BYTES}`);
    left.push(...covered.left.map(({ path, why }) => `${path} (${why})`));
    const folders: { path: string; mode: number }[] = [];
    for (const { path, kind, mode } of covered.entries) {
      signal.throwIfAborted();
      const [source, target] = [join(from, path), join(to, path)];
      if (kind === "folder") {
        await mkdir(target, { mode: 0o700 });
        folders.push({ path: target, mode });
      } else if (kind === "link") {
        if (!(await copyLink({ source, target, root: from })))
          left.push(`${path} (a link that leads out of the folder)`);
      } else await copyOne(source, target, mode).catch((error: Error) => left.push(`${path} (${error.message})`));
    }
    left.push(...(await copyGit(from, to, signal)));
    // The last, from the inside out: a folder that can't be written could not be filled.
    for (const { path, mode } of folders.reverse()) await chmod(path, mode);
    return { ok: true, left };
  } catch (error) {
    if (signal.aborted) throw error;
    // Too many files, or a disk that is full.
    return tooLarge(from, (error as Error).message);
  }
}

function tooLarge(from: string, why: string): Copied {
  return {
    ok: false,
    message: `${from} can't be copied for the replay: ${why}. Name a smaller folder with -C, or replay with --tools mock`,
  };
}

async function copyOne(source: string, target: string, mode: number): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await chmod(target, mode & 0o777);
}

/** False for one whose end is not in the folder, is not there, or is named by where the folder stands. */
async function copyLink({ source, target, root }: { source: string; target: string; root: string }): Promise<boolean> {
  const to = await readlink(source).catch(() => "/");
  const end = isAbsolute(to) ? undefined : await realpath(join(dirname(source), to)).catch(() => undefined);
  if (end === undefined || !`${end}/`.startsWith(`${root}/`)) return false;
  await symlink(to, target);
  return true;
}

/** The repository itself, so that git answers as it did; without links, and only a small one. */
async function copyGit(from: string, to: string, signal: AbortSignal): Promise<string[]> {
  const stat = await lstat(join(from, ".git")).catch(() => undefined);
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [".git (not a folder: a linked work tree)"];
  const names = await readdir(join(from, ".git"), { recursive: true, withFileTypes: true });
  const files: { source: string; target: string; mode: number }[] = [];
  let bytes = 0;
  if (names.length > GIT_ENTRIES) return [`.git (it has more than ${GIT_ENTRIES} files)`];
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const { size, mode } = await lstat(source);
    bytes += size;
    if (bytes > GIT_BYTES) return [`.git (it has more than ${GIT_BYTES} bytes)`];
    files.push({ source, target: join(to, source.slice(from.length)), mode });
  }
  for (const { source, target, mode } of files) {
    signal.throwIfAborted();
    await mkdir(dirname(target), { recursive: true });
    await copyOne(source, target, mode | 0o600);
  }
  for (const name of ["refs", "objects"]) await mkdir(join(to, ".git", name), { recursive: true });
  return [];
}
