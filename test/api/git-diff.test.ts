import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type ApiClient, openApi, withoutWalls } from "../support/conversation-client.js";

function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd, encoding: "utf8", env: { PATH: process.env.PATH, HOME: cwd } });
}

/** The project with one commit that a remote has, and the id of that. */
async function openProject(t: TestContext): Promise<{ api: ApiClient; dir: string; sha: string }> {
  const api = await openApi(t);
  const { dir, tmp } = api.place;
  const remote = join(tmp, "remote.git");
  git(tmp, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", remote);
  writeFileSync(join(dir, "a"), "a\n");
  git(dir, "add", "a");
  git(dir, "commit", "--quiet", "-m", "one");
  git(dir, "remote", "add", "origin", remote);
  git(dir, "push", "--quiet", "origin", "main");
  return { api, dir, sha: git(dir, "rev-parse", "HEAD").trim() };
}

async function diffOf(api: ApiClient, cwd: string): Promise<{ sha: string; diff: string }> {
  return (await api.call("gitDiffToRemote", { cwd })) as { sha: string; diff: string };
}

describe("gitDiffToRemote", () => {
  test("local commits, changes and new files over the commit that the remote has; as git applies it", async (t) => {
    const { api, dir, sha } = await openProject(t);
    writeFileSync(join(dir, "b"), "committed\n");
    git(dir, "add", "b");
    git(dir, "commit", "--quiet", "-m", "two");
    appendFileSync(join(dir, "a"), "b\n");
    writeFileSync(join(dir, ".gitignore"), "ignored\n");
    writeFileSync(join(dir, "ignored"), "x\n");
    mkdirSync(join(dir, "sub"));
    writeFileSync(join(dir, "sub", 'nö "t.txt'), "no end");
    writeFileSync(join(dir, "empty"), "");
    writeFileSync(join(dir, "binary"), Buffer.from([1, 0, 2]));
    writeFileSync(join(dir, "run.sh"), "#!/bin/sh\n\n");
    chmodSync(join(dir, "run.sh"), 0o755);
    symlinkSync("a", join(dir, "link"));
    const { sha: base, diff } = await diffOf(api, join(dir, "sub"));
    assert.equal(base, sha);
    assert.ok(!diff.includes("b/ignored"));
    assert.ok(diff.includes("Binary files /dev/null and b/binary differ"));
    // What git itself says of the same, all files added to an index of its own.
    rmSync(join(dir, "binary"));
    git(dir, "add", "--all");
    const own = git(dir, "-c", "core.abbrev=7", "diff", "--cached", sha, "--");
    const files = (text: string) =>
      text
        .split(/^(?=diff --git )/m)
        .filter((part) => !part.includes("b/binary"))
        .sort();
    assert.deepEqual(files(diff), files(own));
  });

  test("of a merge the nearest of the remote's commits; without any local change the diff is empty", async (t) => {
    const { api, dir } = await openProject(t);
    git(dir, "checkout", "--quiet", "-b", "side");
    for (const name of ["s1", "s2", "s3"]) {
      writeFileSync(join(dir, name), name);
      git(dir, "add", name);
      git(dir, "commit", "--quiet", "-m", name);
    }
    git(dir, "push", "--quiet", "origin", "side");
    const pushed = git(dir, "rev-parse", "HEAD").trim();
    assert.deepEqual(await diffOf(api, dir), { sha: pushed, diff: "" });
    git(dir, "checkout", "--quiet", "main");
    writeFileSync(join(dir, "m"), "m");
    git(dir, "add", "m");
    git(dir, "commit", "--quiet", "-m", "m");
    git(dir, "merge", "--quiet", "--no-edit", "side");
    assert.equal((await diffOf(api, dir)).sha, pushed);
  });

  test("what can't be answered says why: no repository, no commit, no remote, a folder that is not there", async (t) => {
    const api = await openApi(t);
    const reasons: readonly (readonly [string, RegExp])[] = [
      [api.place.tmp, /it is in no git repository/],
      [api.place.dir, /it has no commit/],
      [join(api.place.tmp, "none"), /it is in no git repository/],
    ];
    for (const [cwd, reason] of reasons) {
      const [answer] = await api.send({ method: "gitDiffToRemote", params: { cwd } });
      assert.equal(answer?.error?.code, -32600);
      const start = `failed to compute git diff to remote for cwd: ${JSON.stringify(cwd)}`;
      assert.ok(answer?.error?.message.startsWith(start));
      assert.match(answer?.error?.message ?? "", reason);
    }
    api.place.write("a", "a");
    git(api.place.dir, "add", "a");
    git(api.place.dir, "commit", "--quiet", "-m", "one");
    const [answer] = await api.send({ method: "gitDiffToRemote", params: { cwd: api.place.dir } });
    assert.match(answer?.error?.message ?? "", /it knows no branch of a remote/);
  });

  test("a hostile repository: nothing of it is run, and nothing outside of it is shown", async (t) => {
    const { api, dir } = await openProject(t);
    withoutWalls(api);
    const { tmp } = api.place;
    const proof = join(tmp, "proof");
    const evil = join(tmp, "evil.sh");
    writeFileSync(evil, `#!/bin/sh\necho "$0 $*" >> ${proof}\ncat\n`);
    chmodSync(evil, 0o755);
    mkdirSync(join(dir, ".git", "hooks"), { recursive: true });
    for (const hook of ["post-index-change", "fsmonitor-watchman", "pre-auto-gc"]) {
      writeFileSync(join(dir, ".git", "hooks", hook), readFileSync(evil));
      chmodSync(join(dir, ".git", "hooks", hook), 0o755);
    }
    writeFileSync(join(dir, ".gitattributes"), "* filter=x diff=x\n*.y filter=y.z\n");
    mkdirSync(join(dir, ".git", "info"), { recursive: true });
    writeFileSync(join(dir, ".git", "info", "attributes"), "* filter=x diff=x\n");
    mkdirSync(join(tmp, "secrets"));
    writeFileSync(join(tmp, "secrets", "key"), "SECRET\n");
    for (const [key, value] of [
      ["core.fsmonitor", evil],
      ["core.pager", evil],
      ["core.hooksPath", join(dir, ".git", "hooks")],
      ["core.sshCommand", evil],
      ["core.worktree", join(tmp, "secrets")],
      ["diff.external", evil],
      ["diff.x.command", evil],
      ["diff.x.textconv", evil],
      ["filter.x.clean", evil],
      ["filter.x.process", evil],
      ["filter.x.required", "true"],
      ["filter.y.z.clean", evil],
      ["alias.diff", `!${evil}`],
      ["alias.ls-files", `!${evil}`],
      ["interactive.diffFilter", evil],
      ["credential.helper", evil],
      ["diff.noprefix", "true"],
    ] as const) {
      git(dir, "config", "--file", join(dir, ".git", "config"), key, value);
    }
    writeFileSync(join(dir, "a"), "changed\n");
    writeFileSync(join(dir, "n.y"), "new\n");
    const { diff } = await diffOf(api, dir);
    assert.ok(diff.includes("+changed") && diff.includes("diff --git a/a b/a") && diff.includes("b/n.y"), diff);
    assert.ok(!diff.includes("SECRET"));
    assert.ok(!existsSync(proof), existsSync(proof) ? readFileSync(proof, "utf8") : "");
  });

  test("what git lacks is not fetched by a program that the repository names", async (t) => {
    const { api, dir } = await openProject(t);
    withoutWalls(api);
    const proof = join(api.place.tmp, "proof");
    git(dir, "config", "remote.origin.promisor", "true");
    git(dir, "config", "extensions.partialClone", "origin");
    git(dir, "config", "core.repositoryFormatVersion", "1");
    git(dir, "config", "protocol.ext.allow", "always");
    git(dir, "config", "remote.origin.url", `ext::sh -c touch% ${proof}`);
    const blob = git(dir, "rev-parse", "HEAD:a").trim();
    rmSync(join(dir, ".git", "objects", blob.slice(0, 2), blob.slice(2)), { force: true });
    writeFileSync(join(dir, "a"), "changed\n");
    const [answer] = await api.send({ method: "gitDiffToRemote", params: { cwd: dir } });
    assert.equal(answer?.error?.code, -32600);
    assert.ok(!existsSync(proof));
  });

  test("settings that can't be switched off are refused", async (t) => {
    const { api, dir } = await openProject(t);
    git(dir, "config", "filter.a=b.clean", "false");
    const [answer] = await api.send({ method: "gitDiffToRemote", params: { cwd: dir } });
    assert.match(answer?.error?.message ?? "", /a filter's name holds a =/);
  });
});
