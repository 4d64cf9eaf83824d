import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { call, hold, text } from "../support/model-server.js";
import { type Ended, mockConfig, openScene, type Place, PROGRAM } from "../support/program.js";
import { mountSmallDisk, SMALL_DISKS } from "../support/small-disk.js";
import { openProto } from "./proto-client.js";

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

  test("the home is removed while a turn runs: it ends properly, and another file has what the model knows", async (t) => {
    const scene = await openScene(t);
    const { place, server } = scene;
    const gate = hold();
    server.enqueue(text("first answer"), call("exec_command", { cmd: "echo hi" }, "c"), [gate, text("second answer")]);
    server.enqueue(text("third answer"), text("fourth answer"));
    const config = readFileSync(join(place.home, "config.toml"));
    const client = await openProto(t, { scene });
    client.say("1", "first");
    await client.end("1");
    client.say("2", "second");
    await gate.reached;
    rmSync(place.home, { recursive: true });
    gate.release();
    await client.end("2");
    const { path } = sessionOf(place);
    await client.until("background_event", ({ message }) => message.includes("was removed") && message.endsWith(path));
    client.say("3", "third");
    await client.end("3");
    const sent = JSON.stringify(server.requests.at(-1)?.body.input);
    assert.equal((await client.finish()).code, 0);
    writeFileSync(join(place.home, "config.toml"), config);
    const resumed = await scene.run(["exec", "resume", "--last", "fourth"]);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.ok(JSON.stringify(server.requests.at(-1)?.body.input).startsWith(sent.slice(0, -1)));
  });

  test("a home that is mounted read-only: turns run, what is there can be looked at, nothing can be gone on with", {
    ...SMALL_DISKS,
  }, async (t) => {
    const scene = await openScene(t);
    const { place, server } = scene;
    const disk = await mountSmallDisk(t, [{ folder: place.home, bytes: 512 * 1024 }]);
    const { under } = disk;
    writeFileSync(disk.at(join(place.home, "config.toml")), mockConfig(server));
    server.enqueue(text("first answer"), text("second answer"), text("third answer"));
    assert.equal((await scene.run(["exec", "first"], { under })).code, 0);
    disk.remount(place.home, "ro");
    const second = await scene.run(["exec", "second"], { under });
    assert.deepEqual([second.code, second.stdout], [0, "second answer\n"]);
    assert.match(second.stderr, /no longer recorded on disk: EROFS: .*; see to it that \S+\/home can be written/);
    const shown = await scene.run(["sessions", "list"], { under });
    assert.match(shown.stdout, /first\n$/);
    for (const words of [
      ["exec", "resume", "--last", "on"],
      ["fork", "--last", "on"],
    ]) {
      const { code, stderr } = await scene.run(words, { under });
      assert.deepEqual([code, /EROFS: .*; see to it that \S+\/home can be written/.test(stderr)], [2, true], stderr);
    }
    disk.remount(place.home, "rw");
    assert.equal((await scene.run(["exec", "resume", "--last", "third"], { under })).code, 0);
    assert.deepEqual(server.requests.at(-1)?.assistantTexts(), ["first answer"]);
  });

  test("the clock is turned back, in a turn and between sessions: order, ids, locks and limits hold", async (t) => {
    const scene = await openScene(t);
    const { place, server } = scene;
    place.configure(mockConfig(server).replace("[model", "[sessions]\nkeep_days = 30\n[model"));
    // What the program takes for the time is behind by three hours as soon as the file is there.
    const [shim, flag] = [join(place.tmp, "clock.cjs"), join(place.tmp, "turned-back")];
    const back = `require("node:fs").existsSync(${JSON.stringify(flag)}) ? ${3 * 3600_000} : 0`;
    writeFileSync(shim, `const now = Date.now; Date.now = () => now() - (${back});\n`);
    const options = { env: { NODE_OPTIONS: `--require ${shim}` } };
    const gate = hold();
    server.enqueue(call("exec_command", { cmd: "echo hi" }, "c"), [gate, text("first answer")], text("in another"));
    const first = scene.start(["exec", "--json", "first"], options);
    await gate.reached;
    writeFileSync(flag, "");
    gate.release();
    const { code, stdout } = await first.ended;
    assert.deepEqual([code, stdout.split('"turn.completed"').length], [0, 2]);
    const { id, path } = sessionOf(place);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const recorded = lines.map((line) => JSON.parse(line) as { ordinal: number; payload: { duration_ms?: number } });
    assert.deepEqual(
      recorded.map(({ ordinal }) => ordinal),
      recorded.map((_, at) => at),
    );
    const [duration = -1] = recorded.flatMap(({ payload }) => payload.duration_ms ?? []);
    assert.ok(duration >= 0 && duration < 60_000, `${duration} ms`);
    rmSync(flag);
    server.enqueue(text("at the right time"), text("later, by an earlier clock"));
    assert.equal((await scene.run(["exec", "resume", id, "second"], options)).code, 0);
    writeFileSync(flag, "");
    assert.equal((await scene.run(["exec", "third"], options)).code, 0);
    const listed = await scene.run(["sessions", "list", "--json"], options);
    const { sessions } = JSON.parse(listed.stdout) as { sessions: { id: string; preview: string }[] };
    assert.deepEqual(
      sessions.map(({ preview }) => preview),
      ["third", "first"],
    );
    const last = await scene.run(["exec", "resume", "--last", "on"], options);
    assert.equal(last.code, 0, last.stderr);
    assert.deepEqual(server.requests.at(-1)?.userTexts().slice(-2), ["third", "on"]);
    const swept = await scene.run(["sessions", "gc", "--json"], options);
    assert.deepEqual((JSON.parse(swept.stdout) as { deleted: unknown[] }).deleted, []);
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
