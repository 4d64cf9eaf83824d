import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { type TestContext, test } from "node:test";
import { gitFolders } from "../../src/sandbox/git-folders.js";
import { makeWorld, noBubblewrap, removeWorld, runJobs, sh, USERS, WORKSPACE } from "./jobs.js";

function git(cwd: string, ...argv: string[]): void {
  const ids = ["-c", "user.name=n", "-c", "user.email=e", "-c", "protocol.file.allow=always"];
  const done = spawnSync("git", [...ids, ...argv], { cwd, encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
}

/** `main` with a worktree `tree` beside it and a submodule `main/part`; `other` is a repository of its own. */
function disk(t: TestContext) {
  const base = realpathSync(mkdtempSync("/var/tmp/belay-git-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const at = (path: string) => join(base, path);
  for (const name of ["main", "other", "source"]) {
    mkdirSync(at(name));
    git(at(name), "init", "-q");
    git(at(name), "commit", "-q", "--allow-empty", "-m", "m");
  }
  git(at("main"), "submodule", "--quiet", "add", at("source"), "part");
  git(at("main"), "worktree", "add", "-q", at("tree"));
  git(at("other"), "worktree", "add", "-q", at("other-tree"));
  mkdirSync(at("main/sub/deep"), { recursive: true });
  mkdirSync(at("work"));
  const found = (folder: string, ...more: string[]) =>
    gitFolders([at(folder)], [at(folder), ...more.map(at)]).map((path) => relative(base, path));
  return { base, at, found };
}

test("what a commit writes to, where it lies outside of the writable folders", (t) => {
  const { found } = disk(t);
  assert.deepEqual(found("main"), []);
  assert.deepEqual(found("main/sub/deep"), ["main/.git"]);
  assert.deepEqual(found("tree"), [
    "main/.git/worktrees/tree",
    "main/.git/objects",
    "main/.git/refs",
    "main/.git/logs",
  ]);
  assert.deepEqual(found("main/part"), ["main/.git/modules/part"]);
  assert.deepEqual(found("work"), []);
  assert.deepEqual(found("tree", "main"), [], "inside of another writable folder");
});

test("a .git that points to what does not point back widens nothing", (t) => {
  const { at, found } = disk(t);
  const point = (to: string) => writeFileSync(at("work/.git"), `gitdir: ${at(to)}\n`);
  for (const to of ["other/.git", "other/.git/worktrees/other-tree", "main/.git/modules/part", "missing", "other"]) {
    point(to);
    assert.deepEqual(found("work"), [], to);
  }
  // A worktree's folder of the command's own making, which claims to belong to another repository.
  mkdirSync(at("work/fake/worktrees/x"), { recursive: true });
  writeFileSync(at("work/fake/worktrees/x/gitdir"), `${at("work/.git")}\n`);
  writeFileSync(at("work/fake/worktrees/x/commondir"), `${at("other/.git")}\n`);
  writeFileSync(at("work/fake/worktrees/x/HEAD"), "ref: refs/heads/x\n");
  point("work/fake/worktrees/x");
  assert.deepEqual(found("work"), []);
  cpSync(at("other/.git"), at("work/fake"), { recursive: true });
  assert.deepEqual(found("work"), []);
  rmSync(at("work/.git"));
  symlinkSync(at("other/.git"), at("work/.git"));
  assert.deepEqual(found("work"), []);
  rmSync(at("work/.git"));
  mkdirSync(at("work/.git"));
  mkdirSync(at("work/sub"));
  assert.deepEqual(found("work/sub"), [], "an empty folder is no repository");
  writeFileSync(at("work/sub/.git"), "x".repeat(100_000));
  assert.deepEqual(found("work/sub"), []);
});

test("git commit works there, and git's settings and hooks stay closed", { skip: noBubblewrap }, async (t) => {
  const world = makeWorld(USERS.at(-1)!);
  t.after(() => removeWorld(world));
  const { ws, base, user } = world;
  const tree = join(base, "tree");
  const ids = user.id === undefined ? {} : { uid: user.id, gid: user.id };
  mkdirSync(tree);
  if (user.id !== undefined) chownSync(tree, user.id, user.id);
  const env = { PATH: process.env.PATH, HOME: world.home };
  const made = spawnSync("git", ["worktree", "add", "-q", tree], { cwd: ws, env, encoding: "utf8", ...ids });
  assert.equal(made.status, 0, made.stderr);
  mkdirSync(join(ws, "sub"));
  if (user.id !== undefined) chownSync(join(ws, "sub"), user.id, user.id);
  for (const cwd of [tree, join(ws, "sub")]) {
    const there = { ...world, ws: cwd };
    const common = join(ws, ".git");
    const scripts = {
      commit: "echo b > b && git add b && git commit -qm b && git log --oneline | grep -q b",
      branch: "git checkout -qb topic-$(basename $PWD) && git commit -q --allow-empty -m c",
      closed: `! echo x >> '${common}/config' && ! echo x > '${common}/hooks/pre-commit' && ! echo x > '${ws}/a' && ! git config alias.x y`,
      held: `! mv '${common}' '${common}-old' && ! mv '${common}/hooks' '${common}/h'`,
    };
    const jobs = Object.entries(scripts).map(([id, script]) => ({ id, policy: WORKSPACE, argv: sh(script) }));
    const results = await runJobs(there, jobs, { atOnce: 1 });
    for (const { id } of jobs) {
      const result = results.get(id)!;
      assert.ok(result.refused === undefined, result.refused);
      assert.equal(result.code, 0, `${cwd}: ${id}: ${result.output}`);
    }
  }
  const config = spawnSync("git", ["config", "--get", "alias.x"], { cwd: ws, encoding: "utf8", ...ids, env });
  assert.equal(config.stdout, "");
});

test("a hook or a setting that a worktree's folder gets is told", { skip: noBubblewrap }, async (t) => {
  const world = makeWorld(USERS.at(-1)!);
  t.after(() => removeWorld(world));
  const sub = join(world.ws, "sub");
  mkdirSync(sub);
  appendFileSync(join(world.ws, ".git/info/exclude"), "");
  const results = await runJobs({ ...world, ws: sub }, [
    { id: "made", policy: WORKSPACE, argv: sh("echo ../.. > ../.git/commondir") },
  ]);
  const result = results.get("made")!;
  assert.ok(result.refused === undefined, result.refused);
  assert.deepEqual(result.appeared, [join(world.ws, ".git/commondir")]);
});
