import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type TestContext, test } from "node:test";
import { appeared, guardFor } from "../../src/sandbox/guard.js";
import { seatbeltProfile } from "../../src/sandbox/seatbelt.js";

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "belay-guard-")));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function git(cwd: string, ...argv: string[]): void {
  const ids = ["-c", "user.name=n", "-c", "user.email=e"];
  const done = spawnSync("git", [...ids, ...argv], { cwd, encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
}

function guarded(root: string, roots: readonly string[]) {
  const { mounts, watched } = guardFor(roots);
  const of = (kind: string) => mounts.filter((mount) => mount.kind === kind).map(({ path }) => relative(root, path));
  return { closed: of("read-only"), held: of("held"), watched: watched.map(({ path }) => relative(root, path)) };
}

test("a folder with nothing in it is watched, not mounted", (t) => {
  const root = folder(t);
  const { closed, held, watched } = guarded(root, [root]);
  assert.deepEqual([closed, held], [[], []]);
  assert.deepEqual(watched, [".belay", ".codex", ".agents", ".vscode", ".idea", ".git"]);
});

test("a repository: hooks and config are closed, its folder held", (t) => {
  const root = folder(t);
  git(root, "init", "-q");
  const { closed, held, watched } = guarded(root, [root]);
  assert.deepEqual([closed, held], [[".git/config", ".git/hooks"], [".git"]]);
  assert.ok(watched.includes(".git/commondir") && watched.includes(".git/config.worktree"));
});

test("hooks that lie in the workspace are closed", (t) => {
  const root = folder(t);
  git(root, "init", "-q");
  mkdirSync(join(root, ".husky/_"), { recursive: true });
  git(root, "config", "core.hooksPath", ".husky/_");
  assert.ok(guarded(root, [root]).closed.includes(".husky/_"));
});

test("what a worktree's file points to is closed where it is writable", (t) => {
  const root = folder(t);
  const main = join(root, "main");
  mkdirSync(main);
  git(main, "init", "-q");
  git(main, "commit", "-q", "--allow-empty", "-m", "m");
  git(main, "worktree", "add", "-q", join(root, "tree"));
  const alone = guarded(root, [join(root, "tree")]);
  assert.deepEqual([alone.closed, alone.held], [["tree/.git"], []]);
  const both = guarded(root, [main, join(root, "tree")]);
  for (const path of ["tree/.git", "main/.git/hooks", "main/.git/config", "main/.git/worktrees/tree/commondir"])
    assert.ok(both.closed.includes(path), path);
  for (const path of ["main/.git", "main/.git/worktrees", "main/.git/worktrees/tree"])
    assert.ok(both.held.includes(path), path);
});

/** One, and another that may become a part of it. */
function repositories(root: string): [main: string, part: string] {
  const paths: [string, string] = [join(root, "main"), join(root, "part")];
  for (const path of paths) {
    mkdirSync(path);
    git(path, "init", "-q");
    git(path, "commit", "-q", "--allow-empty", "-m", "m");
  }
  return paths;
}

test("submodules are guarded like their repository", (t) => {
  const root = folder(t);
  const [main, part] = repositories(root);
  git(main, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", part, "sub");
  const { closed } = guarded(main, [main]);
  assert.ok(closed.includes(".git/modules/sub/config") && closed.includes(".git/modules/sub/hooks"), closed.join());
});

test("submodules in folders of their own, and the files that lead to them", (t) => {
  const root = folder(t);
  const [main, part] = repositories(root);
  for (const path of ["libs/net/http", "libs/json"])
    git(main, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", part, path);
  git(main, "worktree", "add", "-q", "-b", "side", "trees/side");
  const expected = ["libs/net/http", "libs/json"].flatMap((name) =>
    [`.git/modules/${name}/config`, `.git/modules/${name}/hooks`, `${name}/.git`].concat("trees/side/.git"),
  );
  const check = () => {
    const { closed, held, watched } = guarded(main, [main]);
    for (const path of expected) assert.ok(closed.includes(path), `${path}: ${closed.join()}`);
    for (const path of [".git/modules/libs", ".git/modules/libs/net"]) assert.ok(held.includes(path), path);
    return watched;
  };
  assert.ok(check().includes(".git/modules/libs/config"), "what would hide them is told");
  // A folder on the way that says it is one of git's hides nothing either.
  writeFileSync(join(main, ".git/modules/libs/config"), "");
  check();
});

test("more submodules than can be looked at are closed as a whole", (t) => {
  const root = folder(t);
  git(root, "init", "-q");
  for (let at = 0; at <= 100; at += 1) mkdirSync(join(root, `.git/modules/m${at}/hooks`), { recursive: true });
  assert.ok(guarded(root, [root]).closed.includes(".git/modules"));
});

test("other files of settings that git's configuration names are closed", (t) => {
  const root = folder(t);
  git(root, "init", "-q");
  for (const name of ["shared", "other", "hooks"]) mkdirSync(join(root, name));
  for (const name of ["shared/config", "other/config"]) writeFileSync(join(root, name), "");
  const lines = '[include] path = ../shared/config\n[includeIf "gitdir:/"]\n\tpath = "../other/config"\n';
  writeFileSync(join(root, ".git/config"), `${lines}[core] hooksPath = hooks\n`);
  const { closed } = guarded(root, [root]);
  for (const path of ["shared/config", "other/config", "hooks"]) assert.ok(closed.includes(path), closed.join());
});

test("links: their target is closed, and another target is told", (t) => {
  const root = folder(t);
  mkdirSync(join(root, "real"));
  symlinkSync("real", join(root, ".codex"));
  const guard = guardFor([root]);
  assert.deepEqual(guard.mounts, [{ path: join(root, "real"), kind: "read-only" }]);
  assert.deepEqual(appeared(guard.watched), []);
  renameSync(join(root, ".codex"), join(root, "old"));
  assert.deepEqual(appeared(guard.watched), [join(root, ".codex")]);
  symlinkSync("elsewhere", join(root, ".codex"));
  writeFileSync(join(root, ".agents"), "");
  assert.deepEqual(appeared(guard.watched).sort(), [join(root, ".agents"), join(root, ".codex")]);
});

test("the profile for macOS", () => {
  const guard = {
    mounts: [
      { path: '/w/a "b"/.git', kind: "held" as const },
      { path: "/w/.vscode", kind: "read-only" as const },
    ],
    watched: [{ path: "/w/.belay", link: undefined }],
  };
  const lines = seatbeltProfile({ roots: ["/w"], guard, network: false }).split("\n");
  assert.deepEqual(lines.slice(0, 2), ["(version 1)", "(deny default)"]);
  assert.deepEqual(lines.slice(-5), [
    '(allow file-write* (subpath "/w"))',
    '(deny file-write-unlink (literal "/w/a \\"b\\"/.git"))',
    '(deny file-write* (subpath "/w/.vscode"))',
    '(deny file-write* (subpath "/w/.belay"))',
    "",
  ]);
  assert.ok(!lines.some((line) => line.includes("network")));
  const online = seatbeltProfile({ roots: [], guard: { mounts: [], watched: [] }, network: true });
  assert.match(online, /\(allow network-outbound\)/);
  for (const text of [online, lines.join("\n")]) assert.equal(text.split("(").length, text.split(")").length);
});
