import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULT_BUDGET } from "../../src/checkpoint/index.js";
import fc from "../support/fast-check.js";
import { git, openPlace, type Place } from "./place.js";
import { gitSnapshot, snapshot } from "./snapshot.js";
import { deeds, perform } from "./trees.js";

const SOAK = process.env.BELAY_SOAK !== undefined;
const RUNS = SOAK ? 1000 : 25;

type Kind = "plain" | "git" | "committed" | "worktree" | "nested" | "submodule";

const cases = fc.record({
  kind: fc.constantFrom<Kind>("plain", "git", "committed", "worktree", "nested", "submodule"),
  /** As in a large repository. */
  asksGit: fc.boolean(),
  start: deeds(12),
  dirty: deeds(4),
  calls: fc.array(deeds(6), { minLength: 1, maxLength: 3 }),
});

test("an undone turn leaves no difference, a redone one neither, and git's own files stay as they are", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ kind, asksGit, start, dirty, calls }) => {
      const place = openPlace(asksGit ? { budget: { ...DEFAULT_BUDGET, askGitFrom: 0 } } : {});
      try {
        const { work, gitDir } = prepare(place, kind, () => perform(place.work, start));
        perform(work, dirty);
        const before = snapshot(work);
        const gitBefore = gitDir === undefined ? {} : gitSnapshot(gitDir);
        for (const list of calls) await place.call("1", () => perform(work, list), [work]);
        const changed = await place.end("1");
        const after = snapshot(work);
        const different = differentFiles(before, after, work);
        if (calls.length === 1) assert.deepEqual(changed, different);
        else
          assert.deepEqual(
            different.filter((file) => !changed.includes(file)),
            [],
          );
        const undone = await place.undo();
        if (JSON.stringify(before) !== JSON.stringify(after)) assert.equal(undone.ok, true, undone.message);
        assert.deepEqual(snapshot(work), before);
        if (!undone.ok) return;
        const redone = await place.undo({ redo: true });
        assert.equal(redone.ok, true, redone.message);
        assert.deepEqual(snapshot(work), after);
        if (gitDir !== undefined) assert.deepEqual(gitSnapshot(gitDir), gitBefore);
      } finally {
        await place.close();
      }
    }),
    { numRuns: RUNS },
  );
});

const later = fc.record({
  kind: fc.constantFrom<Kind>("plain", "git", "committed", "worktree", "nested"),
  start: deeds(12),
  first: deeds(4),
  meanwhile: deeds(4),
  git: fc.constantFrom("nothing", "commit", "forget", "unmake"),
  call: deeds(6),
});

test("what an earlier process knew of the files is a beginning: whatever happened since is seen, and undone is what the call did", async () => {
  await fc.assert(
    fc.asyncProperty(later, async ({ kind, start, first, meanwhile, git: act, call }) => {
      const place = openPlace({ budget: { ...DEFAULT_BUDGET, askGitFrom: 0 } });
      try {
        const { work, gitDir } = prepare(place, kind, () => perform(place.work, start));
        await place.call("0", () => perform(work, first), [work]);
        await place.end("0");
        await place.reopen();
        perform(work, meanwhile);
        if (gitDir !== undefined) changeGit(work, gitDir, act);
        const before = snapshot(work);
        await place.call("1", () => perform(work, call), [work]);
        const changed = await place.end("1");
        assert.deepEqual(changed, differentFiles(before, snapshot(work), work));
        if (changed.length > 0) assert.equal((await place.undo()).ok, true);
        if (changed.length > 0) assert.deepEqual(snapshot(work), before);
      } finally {
        await place.close();
      }
    }),
    { numRuns: RUNS },
  );
});

/** Contents that the tree of an earlier process says git has are gone, or others. */
function changeGit(work: string, gitDir: string, act: string): void {
  if (act === "commit") {
    git(work, "add", "-A");
    git(work, "commit", "-qm", "more", "--allow-empty");
  } else if (act === "forget") {
    git(work, "rm", "-rqf", "--cached", "--ignore-unmatch", ".");
    git(work, "gc", "-q", "--prune=now");
  } else if (act === "unmake") rmSync(gitDir, { recursive: true });
}

/** Absolute paths of what is no folder and is not as it was, sorted. */
function differentFiles(before: Record<string, string>, after: Record<string, string>, work: string): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => before[name] !== after[name])
    .filter((name) => [before[name], after[name]].some((one) => one !== undefined && !one.startsWith("folder")))
    .map((name) => join(work, name))
    .sort();
}

function prepare(place: Place, kind: Kind, fill: () => void): { readonly work: string; readonly gitDir?: string } {
  const { work } = place;
  fill();
  if (kind === "plain") return { work };
  writeFileSync(join(work, ".gitignore"), "*.log\n/build/\n");
  git(work, "init", "-q");
  git(work, "add", "-A");
  if (kind === "git") return { work, gitDir: join(work, ".git") };
  git(work, "commit", "-qm", "start");
  if (kind === "committed") return { work, gitDir: join(work, ".git") };
  if (kind === "worktree") {
    const other = `${work}-tree`;
    git(work, "worktree", "add", "-q", other);
    return { work: other, gitDir: join(work, ".git") };
  }
  if (kind === "nested") {
    const inner = join(work, "inner");
    if (!existsSync(inner)) mkdirSync(inner);
    perform(inner, []);
    writeFileSync(join(inner, "own.txt"), "own\n");
    git(inner, "init", "-q");
    git(inner, "add", "-A");
    git(inner, "commit", "-qm", "inner");
    return { work, gitDir: join(work, ".git") };
  }
  const source = `${work}-source`;
  mkdirSync(source);
  writeFileSync(join(source, "sub.txt"), "sub\n");
  git(source, "init", "-q");
  git(source, "add", "-A");
  git(source, "commit", "-qm", "sub");
  git(work, "submodule", "--quiet", "add", source, "module");
  git(work, "commit", "-qm", "with a module");
  return { work, gitDir: join(work, ".git") };
}
