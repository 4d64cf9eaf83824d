import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { call, hold, text } from "../support/model-server.js";
import { type Ended, openScene, type Place, PROGRAM } from "../support/program.js";

/** A run that may write files of so many blocks (of 512 bytes, as dash has them, or 1024) at most. */
function runOnSmallDisk(
  place: Place,
  words: readonly string[],
  blocks: number,
): Promise<Pick<Ended, "stdout" | "stderr">> {
  const argv = ["-c", `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, PROGRAM, ...words];
  return new Promise((settle) => {
    const options = { cwd: place.dir, env: place.env, timeout: 40_000 };
    execFile("/bin/sh", argv, options, (_error, stdout, stderr) => settle({ stdout, stderr })).stdin?.end();
  });
}

function sessionOf(place: Place): { readonly id: string; readonly path: string } {
  const names = readdirSync(join(place.home, "sessions"), { recursive: true, encoding: "utf8" });
  const name = names.find((one) => one.endsWith(".jsonl"))!;
  return { id: name.slice(-42, -6), path: join(place.home, "sessions", name) };
}

describe("a session in trouble", () => {
  test("disk full: the turn ends properly, the user is told, what was recorded is whole", async (t) => {
    const scene = await openScene(t);
    scene.server.enqueue(text("first answer"), text("second answer ".repeat(800)), text("third answer"));
    await scene.run(["exec", "first"]);
    const { id, path } = sessionOf(scene.place);
    const before = readFileSync(path, "utf8");
    const run = await runOnSmallDisk(scene.place, ["exec", "resume", id, "second"], 8);
    assert.match(run.stdout, /second answer/);
    assert.match(run.stderr, /no longer recorded on disk: EFBIG/);
    const after = readFileSync(path, "utf8");
    assert.ok(after.startsWith(before) && after.endsWith("\n"));
    const third = await scene.run(["exec", "resume", id, "third"]);
    assert.equal(third.code, 0, third.stderr);
    assert.deepEqual(scene.server.requests[2]?.assistantTexts(), ["first answer"]);
  });

  test("a home that can't be written: the turn runs, the user is told once", async (t) => {
    const scene = await openScene(t);
    scene.server.enqueue(text("an answer"));
    // No right helps against a file where the folder should be, not even root's.
    writeFileSync(join(scene.place.home, "sessions"), "");
    writeFileSync(join(scene.place.home, "session_locks"), "");
    const run = await scene.run(["exec", "go"]);
    assert.deepEqual([run.code, run.stdout], [0, "an answer\n"], run.stderr);
    assert.equal(run.stderr.split("no longer recorded on disk").length, 2, run.stderr);
  });

  test("the home is removed while a turn runs: it ends properly, and says that nothing is recorded", async (t) => {
    const scene = await openScene(t);
    const gate = hold();
    scene.server.enqueue(call("exec_command", { cmd: "echo hi" }), [gate, text("an answer")]);
    const program = scene.start(["exec", "go"]);
    await gate.reached;
    rmSync(join(scene.place.home, "sessions"), { recursive: true });
    gate.release();
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual([code, stdout], [0, "an answer\n"]);
    assert.match(stderr, /no longer recorded on disk: .*\.jsonl is gone/);
  });

  test("two processes at once: the second is told who has it, may look, and may fork", async (t) => {
    const scene = await openScene(t);
    const gate = hold();
    scene.server.enqueue(text("first answer"), [gate, text("second answer")], text("in the fork"));
    await scene.run(["exec", "first"]);
    const { id } = sessionOf(scene.place);
    const program = scene.start(["exec", "resume", id, "second"]);
    await gate.reached;
    const refused = await scene.run(["exec", "resume", "--last", "me too"]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, new RegExp(`session ${id} is open in process ${program.pid}: .*belay fork ${id}`));
    const shown = await scene.run(["sessions", "show", id]);
    assert.match(shown.stdout, new RegExp(`in use by +process ${program.pid}`));
    assert.match(shown.stdout, /1\. first\n +first answer/);
    for (const change of ["archive", "delete"]) {
      const words = ["sessions", change, id, ...(change === "delete" ? ["--yes"] : [])];
      const { code, stderr } = await scene.run(words);
      assert.deepEqual([code, /in use by process \d+/.test(stderr)], [1, true], stderr);
    }
    const forked = await scene.run(["fork", id, "and this"]);
    assert.deepEqual([forked.code, forked.stdout], [0, "in the fork\n"], forked.stderr);
    gate.release();
    assert.equal((await program.ended).code, 0);
  });

  test("a session that was put elsewhere and one that is no session say so", async (t) => {
    const scene = await openScene(t);
    scene.server.enqueue(text("an answer"), text("another"));
    await scene.run(["exec", "first"]);
    const { path } = sessionOf(scene.place);
    mkdirSync(join(scene.place.dir, "away"));
    const away = join(scene.place.dir, "away", path.slice(path.lastIndexOf("/") + 1));
    renameSync(path, away);
    const none = await scene.run(["exec", "resume", "--last", "go on"]);
    assert.deepEqual([none.code, /there is no session in .* yet/.test(none.stderr)], [2, true], none.stderr);
    const byPath = await scene.run(["exec", "resume", away, "go on"]);
    assert.deepEqual([byPath.code, byPath.stdout], [0, "another\n"], byPath.stderr);
    const garbage = await scene.run(["exec", "resume", join(scene.place.home, "config.toml.jsonl"), "go on"]);
    assert.deepEqual([garbage.code, /does not exist/.test(garbage.stderr)], [2, true], garbage.stderr);
  });

  test("what two processes did to files in one session is undone turn by turn", async (t) => {
    const scene = await openScene(t);
    const patch = (from: string, to: string) =>
      `*** Begin Patch\n*** Update File: notes\n@@\n-${from}\n+${to}\n*** End Patch`;
    scene.place.write("notes", "one\n");
    scene.server.enqueue(call("apply_patch", { input: patch("one", "two") }, "a"), text("Done."));
    scene.server.enqueue(call("apply_patch", { input: patch("two", "three") }, "b"), text("Done."));
    await scene.run(["exec", "first"]);
    await scene.run(["exec", "resume", "--last", "second"]);
    const seen: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      seen.push(scene.place.read("notes"));
      const undone = await scene.run(["undo", "-y"]);
      assert.equal(undone.code, 0, undone.stderr);
    }
    assert.deepEqual([...seen, scene.place.read("notes")], ["three\n", "two\n", "one\n"]);
  });
});
