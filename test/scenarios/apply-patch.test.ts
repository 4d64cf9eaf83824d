import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makePlace, PROGRAM, startProgram } from "../support/program.js";

const UPDATE = "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+uno\n*** End Patch\n";

test("a patch as the argument or on stdin is applied, and says so as Codex does", async (t) => {
  const place = makePlace();
  t.after(() => place.remove());
  for (const [words, stdin] of [
    [["apply-patch", UPDATE], ""],
    [["apply-patch"], UPDATE],
    [["apply-patch", "-"], UPDATE],
  ] as const) {
    place.write("a.txt", "one\r\ntwo");
    const ended = await startProgram(words, place, { stdin }).ended;
    assert.deepEqual(
      [ended.code, ended.stdout, ended.stderr],
      [0, "Success. Updated the following files:\nM a.txt\n", ""],
    );
    assert.equal(place.read("a.txt"), "uno\r\ntwo");
  }
  assert.deepEqual(readdirSync(join(place.home, "patches")), []);
});

test("called by the name apply_patch through a link, the program is the command", (t) => {
  const place = makePlace();
  t.after(() => place.remove());
  place.write("a.txt", "one\n");
  for (const name of ["apply_patch", "applypatch"]) {
    const link = join(place.tmp, name);
    symlinkSync(PROGRAM, link);
    place.write("a.txt", "one\n");
    const env = { ...process.env, BELAY_HOME: place.home };
    const done = spawnSync(process.execPath, [link, UPDATE], { cwd: place.dir, env, encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    assert.equal(place.read("a.txt"), "uno\n");
  }
});

test("--check changes nothing, --json tells all, -C names the folder", async (t) => {
  const place = makePlace();
  t.after(() => place.remove());
  const path = place.write("sub/a.txt", "one\n");
  const words = ["apply-patch", "--check", "--json", "-C", "sub"];
  const checked = await startProgram(words, place, { stdin: UPDATE }).ended;
  assert.equal(checked.code, 0, checked.stderr);
  assert.deepEqual(JSON.parse(checked.stdout), {
    ok: true,
    applied: false,
    summary: "Success. Updated the following files:\nM a.txt\n",
    changes: { [path]: { update: { unified_diff: "@@ -1 +1 @@\n-one\n+uno\n", move_path: null } } },
  });
  assert.equal(place.read("sub/a.txt"), "one\n");
  const plain = await startProgram(["apply-patch", "--check", "-C", "sub"], place, { stdin: UPDATE }).ended;
  assert.equal(plain.stdout, "The patch applies. It would change:\nM a.txt\n");
});

test("a patch that does not apply is refused with what to mend, exit 1, and changes nothing", async (t) => {
  const place = makePlace();
  t.after(() => place.remove());
  place.write("a.txt", "different\n");
  const patch = UPDATE.replace("*** Update", "*** Add File: new.txt\n+new\n*** Update");
  const ended = await startProgram(["apply-patch"], place, { stdin: patch }).ended;
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /a\.txt.*hunk 1.*"one"/s);
  assert.deepEqual(readdirSync(place.dir).sort(), [".git", "a.txt"]);
  const json = await startProgram(["apply-patch", "--json"], place, { stdin: "nonsense" }).ended;
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.stdout).ok, false);
});

test("wrong words are wrong usage", async (t) => {
  const place = makePlace();
  t.after(() => place.remove());
  const ended = await startProgram(["apply-patch", "--chekc"], place, { stdin: UPDATE }).ended;
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /--chekc/);
});

test("alone or as a part of the whole program, the command says the same", async (t) => {
  const place = makePlace();
  t.after(() => place.remove());
  const said = async (words: readonly string[]) => {
    const { code, stdout, stderr } = await startProgram(words, place, { stdin: UPDATE }).ended;
    return { code, stdout, stderr };
  };
  // What does not start with the command's name goes through the whole program.
  assert.deepEqual(await said(["apply-patch", "--help"]), await said(["help", "apply-patch"]));
  for (const words of [["--chekc"], ["--cd"], ["one", "two"], ["nonsense"], ["-C", "gone"]]) {
    assert.deepEqual(
      await said(["apply-patch", ...words]),
      await said(["-c", "a=b", "apply-patch", ...words]),
      `${words}`,
    );
  }
});
