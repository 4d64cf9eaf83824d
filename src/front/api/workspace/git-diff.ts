import { findGitRoot } from "../../../config/index.js";
import type { Commands } from "./commands.js";
import { type Git, openGit } from "./git.js";
import { newFileDiff } from "./new-file-diff.js";

/** The longest diff, bytes: a cut one would be no diff. */
const DIFF_LIMIT = 16 * 1024 * 1024;
const MOST_UNTRACKED = 2_000;
/** Points where a history with merges leaves the remote's; the nearest of the first so many is taken. */
const MOST_BOUNDARIES = 16;

const SMALL = { head: 64 * 1024, tail: 0 };
const DIFF = ["diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--ignore-submodules=dirty"];
const SHAPE = ["--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"];

export type RemoteDiff =
  | { readonly ok: true; readonly sha: string; readonly diff: string }
  | { readonly ok: false; readonly reason: string };

type Step<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/**
 * What the work tree around `cwd` (absolute) holds over the nearest commit of its history that a remote branch has too:
 * tracked files and untracked ones, those ignored left out. Throws the signal's reason.
 */
export async function gitDiffToRemote(
  cwd: string,
  around: { readonly commands: Commands; readonly signal: AbortSignal },
): Promise<RemoteDiff> {
  const root = findGitRoot(cwd);
  if (root === undefined) return { ok: false, reason: "it is in no git repository" };
  const opened = await openGit(root, around);
  if (!opened.ok) return opened;
  const { git } = opened;
  const sha = await nearestRemoteCommit(git);
  if (!sha.ok) return sha;
  const tracked = await git([...DIFF, ...SHAPE, sha.value, "--"], { head: DIFF_LIMIT, tail: 0 });
  if (!tracked.ok) return tracked;
  if (tracked.lost > 0) return tooLong();
  const untracked = await untrackedDiff(git, root, DIFF_LIMIT - tracked.text.length);
  return untracked.ok ? { ok: true, sha: sha.value, diff: tracked.text + untracked.value } : untracked;
}

function tooLong(): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason: `the diff has more than ${DIFF_LIMIT} bytes` };
}

async function nearestRemoteCommit(git: Git): Promise<Step<string>> {
  const head = await git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], SMALL);
  if (!head.ok) return { ok: false, reason: "it has no commit" };
  const remote = await git(["for-each-ref", "--count=1", "--format=%(objectname)", "refs/remotes"], SMALL);
  if (!remote.ok) return remote;
  if (remote.text === "") return { ok: false, reason: "it knows no branch of a remote" };
  // Boundaries come last, each with a `-` before it.
  const listed = await git(["rev-list", "--boundary", "HEAD", "--not", "--remotes"], { head: 0, tail: 64 * 1024 });
  if (!listed.ok) return listed;
  if (listed.text === "") return { ok: true, value: head.text.trim() };
  const boundaries = listed.text.split("\n").flatMap((line) => /^-([0-9a-f]{40,64})$/.exec(line)?.[1] ?? []);
  const [first, ...others] = boundaries.slice(0, MOST_BOUNDARIES);
  if (first === undefined) return { ok: false, reason: "its history has nothing in common with a remote's" };
  return others.length === 0 ? { ok: true, value: first } : nearest(git, [first, ...others]);
}

/** The one with the fewest commits between it and HEAD. */
async function nearest(git: Git, commits: readonly string[]): Promise<Step<string>> {
  let best: { readonly commit: string; readonly distance: number } | undefined;
  for (const commit of commits) {
    const counted = await git(["rev-list", "--count", `${commit}..HEAD`], SMALL);
    if (!counted.ok) return counted;
    const distance = Number(counted.text);
    if (best === undefined || distance < best.distance) best = { commit, distance };
  }
  return best === undefined ? { ok: false, reason: "it has no commit" } : { ok: true, value: best.commit };
}

/** `room`: characters that the diff may have. */
async function untrackedDiff(git: Git, root: string, room: number): Promise<Step<string>> {
  const listed = await git(["ls-files", "--others", "--exclude-standard", "-z"], { head: 1024 * 1024, tail: 0 });
  if (!listed.ok) return listed;
  const names = listed.text.split("\0").filter((name) => name !== "");
  if (listed.lost > 0 || names.length > MOST_UNTRACKED) {
    return { ok: false, reason: `more than ${MOST_UNTRACKED} files are not tracked: should some be ignored?` };
  }
  const parts: string[] = [];
  let left = room;
  for (const name of names) {
    const diff = await newFileDiff(root, name, left);
    if (diff === undefined) continue;
    left -= diff.length;
    if (left < 0) return tooLong();
    parts.push(diff);
  }
  return { ok: true, value: parts.join("") };
}
