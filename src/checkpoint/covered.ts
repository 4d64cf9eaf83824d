import { join } from "node:path";
import type { Clock } from "../base/index.js";
import type { Env } from "./git.js";
import { checkpointsFolder } from "./journal.js";
import { paced } from "./pace.js";
import { scanFolder } from "./scan.js";
import { refuseWide, unknownFolder } from "./territory.js";
import type { Folder } from "./tree.js";
import { DEFAULT_BUDGET } from "./types.js";

/** One path below a folder, relative to it; folders come before what is in them. `size` in bytes, of files. */
export interface CoveredEntry {
  readonly path: string;
  readonly kind: "file" | "link" | "folder";
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
}

/** What of a folder an undo would look after, and what it would leave alone, with the reason for people. */
export interface Covered {
  readonly entries: readonly CoveredEntry[];
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

/**
 * Lists what is below a folder by the same rules and budgets as checkpoints have: without `.git`, without large folders that
 * git ignores; no link is followed. `root`: without links. Throws `TooMuch` (an Error for people), the signal's reason.
 */
export async function listCovered(
  root: string,
  {
    env,
    clock,
    home,
    signal,
  }: { readonly env: Env; readonly clock: Clock; readonly home: string; readonly signal: AbortSignal },
): Promise<Covered> {
  refuseWide([root], env);
  const folder = unknownFolder(root, env);
  await scanFolder(folder, root, {
    budget: DEFAULT_BUDGET,
    pace: paced(clock, signal),
    env,
    now: () => clock.now(),
    signal,
    since: Number.NEGATIVE_INFINITY,
    from: clock.now(),
    hidden: new Set([home]),
    neutralGitDir: join(checkpointsFolder(home), "git"),
  });
  const covered = { entries: [] as CoveredEntry[], left: [] as { path: string; why: string }[] };
  collect(folder, "", covered);
  return covered;
}

function collect(
  folder: Folder,
  prefix: string,
  into: { entries: CoveredEntry[]; left: { path: string; why: string }[] },
): void {
  for (const [name, node] of folder.children) {
    const path = `${prefix}${name}`;
    if (node.kind === "uncovered" || node.kind === "ignored") {
      into.left.push({ path, why: node.content.slice(node.content.indexOf(":") + 1) });
      continue;
    }
    into.entries.push({ path, kind: node.kind, mode: node.mode, size: node.kind === "file" ? node.size : 0 });
    if (node.kind === "folder") collect(node, `${path}/`, into);
  }
}
