import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Commands } from "./commands.js";
import { listFiles } from "./file-list.js";
import { type PathMatch, pathMatcher } from "./path-match.js";

/** Codex's, for each root. */
const MOST_FOUND = 50;
/** Paths looked at in one go; then others get their turn. */
const BATCH = 2_000;

/** A file that fits the query; `path` is relative to `root`, which is as it was given. */
export interface FoundFile extends PathMatch {
  readonly root: string;
  readonly path: string;
  readonly name: string;
}

/** What to search for, and where; `at` is the folder of a root as an absolute path. */
export interface FileSearch {
  readonly query: string;
  readonly roots: readonly { readonly root: string; readonly at: string }[];
}

/** The files whose paths fit best, the best first. Throws the signal's reason. */
export async function searchFiles(
  { query, roots }: FileSearch,
  around: { readonly commands: Commands; readonly signal: AbortSignal },
): Promise<FoundFile[]> {
  const match = pathMatcher(query);
  const found: FoundFile[] = [];
  for (const { root, at } of roots) {
    const paths = await listFiles(at, around);
    const fitting = best(await matchAll(paths, match, around.signal));
    const there = await Promise.all(fitting.map(({ path }) => exists(join(at, path))));
    const present = fitting.filter((_, n) => there[n]);
    found.push(...present.map((one) => ({ root, name: basename(one.path), ...one })));
  }
  return found.sort(byFit);
}

interface Fitting extends PathMatch {
  readonly path: string;
}

async function matchAll(
  paths: readonly string[],
  match: (path: string) => PathMatch | undefined,
  signal: AbortSignal,
): Promise<Fitting[]> {
  const fitting: Fitting[] = [];
  for (let at = 0; at < paths.length; at += BATCH) {
    signal.throwIfAborted();
    for (const path of paths.slice(at, at + BATCH)) {
      const fit = match(path);
      if (fit !== undefined) fitting.push({ path, ...fit });
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return fitting;
}

function best(fitting: Fitting[]): Fitting[] {
  return fitting.sort(byFit).slice(0, MOST_FOUND);
}

function byFit(a: Fitting, b: Fitting): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.path.length !== b.path.length) return a.path.length - b.path.length;
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** What git tracks may have been removed. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    // Whatever the reason: nobody could open it.
    return false;
  }
}
