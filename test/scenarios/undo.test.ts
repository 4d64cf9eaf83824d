import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, text } from "../support/model-server.js";
import { openScene, type Scene } from "../support/program.js";
import { openProto } from "./proto-client.js";

const FULL = ["-s", "danger-full-access"];

function objectOf(content: string): string {
  const sha = createHash("sha256").update(content).digest("hex");
  return join(sha.slice(0, 2), sha.slice(2));
}

async function changeSomething(scene: Scene): Promise<void> {
  scene.place.write("a.txt", "one\ntwo\n");
  scene.server.enqueue(call("exec_command", { cmd: "printf 'one\\n2\\n' > a.txt; echo new > 'b\nc'" }), text("done"));
  const done = await scene.run(["exec", ...FULL, "go"]);
  assert.equal(done.code, 0, done.stderr);
}

describe("belay undo", { concurrency: 4 }, () => {
  it("shows what it will do, does it, and brings it back", async (t) => {
    const scene = await openScene(t);
    const { place, run } = scene;
    await changeSomething(scene);
    const shown = await run(["undo", "--dry-run"]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^undo of turn 0\n {2}M a\.txt \+1 -1\n {2}D b\\nc\n$/);
    assert.equal(place.read("a.txt"), "one\n2\n");
    const done = await run(["undo"]);
    assert.deepEqual([done.code, done.stderr], [0, ""]);
    assert.match(done.stdout, /2 paths undone; belay undo --redo takes that back\n$/);
    assert.deepEqual([place.read("a.txt"), existsSync(join(place.dir, "b\nc"))], ["one\ntwo\n", false]);
    const listed = await run(["undo", "--list"]);
    assert.match(listed.stdout, /^conversation \S+\n {2}turn 0 {2}\S+ \S+ {2}2 files {2}calls: \S+ {2}undone\n$/);
    assert.equal((await run(["undo"])).code, 1);
    const redone = await run(["undo", "--redo", "--json"]);
    const { ok, redo, files } = JSON.parse(redone.stdout);
    assert.deepEqual(
      [ok, redo, files.map(({ action }: { action: string }) => action)],
      [true, true, ["modify", "add"]],
    );
    assert.equal(place.read("a.txt"), "one\n2\n");
  });

  it("refuses where the user changed a file since, and says what can be done", async (t) => {
    const scene = await openScene(t);
    const { place, run } = scene;
    await changeSomething(scene);
    place.write("a.txt", "mine\n");
    const refused = await run(["undo"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /changed since:\n {2}a\.txt: it was changed since\n/);
    assert.match(refused.stderr, /^belay undo: files were changed since, and would be overwritten\n--keep .*--force/);
    assert.equal(place.read("a.txt"), "mine\n");
    assert.equal((await run(["undo", "--force"])).code, 0);
    assert.equal(place.read("a.txt"), "one\ntwo\n");
    assert.equal((await run(["undo", "--redo"])).code, 0);
    assert.equal(place.read("a.txt"), "mine\n");
  });

  it("is offered after an interrupt, for the whole turn and for the cut call", async (t) => {
    const scene = await openScene(t);
    const { place, run, server } = scene;
    server.enqueue(
      call("exec_command", { cmd: "echo 1 > first" }),
      call("exec_command", { cmd: "echo 2 > second; echo begun; sleep 60" }),
    );
    const program = scene.start(["exec", "--json", ...FULL, "go"]);
    await place.populated(3);
    while (!existsSync(join(place.dir, "second"))) await new Promise((resolve) => setImmediate(resolve));
    program.signal("SIGINT");
    const done = await program.ended;
    const last = JSON.parse(done.stdout.trimEnd().split("\n").at(-1)!);
    assert.deepEqual(
      [done.code, last.type, last.changed_files],
      [130, "turn.aborted", ["first", "second"].map((name) => join(place.dir, name))],
    );
    assert.equal((await run(["undo", "--call", "last"])).code, 0);
    assert.deepEqual([existsSync(join(place.dir, "first")), existsSync(join(place.dir, "second"))], [true, false]);
    assert.equal((await run(["undo"])).code, 0);
    assert.equal(existsSync(join(place.dir, "first")), false);
  });

  it("is offered in words that do what they say, from another folder and when the cut call only read", async (t) => {
    const scene = await openScene(t);
    const { place, run, server } = scene;
    server.enqueue(
      call("exec_command", { cmd: "echo 1 > first; mkfifo pipe" }, "wrote"),
      call("exec_command", { cmd: "cat pipe" }, "read"),
    );
    const program = scene.start(["exec", "-C", place.dir, ...FULL, "go"], { cwd: place.tmp });
    await program.seen("cat pipe");
    program.signal("SIGINT");
    const { code, stderr } = await program.ended;
    assert.equal(code, 130);
    const [, all = "", cut = ""] =
      /they stay so; belay (.*) takes all of it back, belay (.*) only what/.exec(stderr) ?? [];
    const alone = await run(cut.split(" "), { cwd: place.tmp });
    assert.deepEqual([alone.code, alone.stderr], [1, "belay undo: turn 0 has no call read left that changed files\n"]);
    assert.equal(existsSync(join(place.dir, "first")), true);
    assert.equal((await run(all.split(" "), { cwd: place.tmp })).code, 0);
    assert.equal(existsSync(join(place.dir, "first")), false);
  });

  it("finds out what a call did whose program was killed", async (t) => {
    const scene = await openScene(t);
    const { place, run, server } = scene;
    place.write("a.txt", "one\n");
    server.enqueue(call("exec_command", { cmd: "echo two > a.txt; echo 2 > second; sleep 60" }, "killed"));
    const program = scene.start(["exec", ...FULL, "go"]);
    while (!existsSync(join(place.dir, "second"))) await new Promise((resolve) => setImmediate(resolve));
    program.signal("SIGKILL");
    await program.ended;
    await place.quiet();
    const shown = await run(["undo", "-n"]);
    assert.match(shown.stdout, /note: the program died during call killed: what others changed since then counts/);
    const done = await run(["undo"]);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual([place.read("a.txt"), existsSync(join(place.dir, "second"))], ["one\n", false]);
    const [conversation = ""] = readdirSync(join(place.home, "checkpoints")).filter((name) => name.includes("-"));
    const names = readdirSync(join(place.home, "checkpoints", conversation));
    assert.deepEqual(names.sort(), ["journal.jsonl", "untold.jsonl"], "nothing else is left");
  });

  it("is told to the model when the conversation goes on, once, and by a program that has it open meanwhile", async (t) => {
    const scene = await openScene(t);
    const { place, run, server } = scene;
    await changeSomething(scene);
    assert.equal((await run(["undo"])).code, 0);
    server.enqueue(text("I see"), text("Well"));
    for (const words of ["and now?", "and then?"]) {
      assert.equal((await run(["exec", "resume", "--last", words])).code, 0);
    }
    const [told, again] = server.requests.slice(-2).map((request) => request.userTexts());
    const notes = (texts: readonly string[] = []) => texts.filter((one) => one.startsWith("<undo>"));
    assert.deepEqual(notes(told), [
      [
        "<undo>",
        "The user has undone what an earlier turn did to files. These paths have changed, read them again:",
        `- ${join(place.dir, "a.txt")}`,
        `- ${JSON.stringify(join(place.dir, "b\nc"))}`,
        "</undo>",
      ].join("\n"),
    ]);
    assert.deepEqual([told?.at(-1), notes(again).length], ["and now?", 1]);
    // While another process has the session: it tells at its next turn.
    const client = await openProto(t, { scene });
    server.enqueue(call("exec_command", { cmd: "echo x > c.txt" }), text("done"), text("Well"));
    client.say("1", "go");
    await client.end("1");
    const { session_id: id } = await client.until("session_configured");
    // On a busy machine what the last call changed may be known only later, and then the turn is over for an undo.
    const journal = join(place.home, "checkpoints", id, "journal.jsonl");
    while (!readFileSync(journal, "utf8").includes("turn_end")) await new Promise((resolve) => setImmediate(resolve));
    const undone = await run(["undo"]);
    assert.equal(undone.code, 0, undone.stderr);
    assert.equal(existsSync(join(place.dir, "c.txt")), false);
    client.say("2", "and?");
    await client.end("2");
    assert.match(notes(server.requests.at(-1)!.userTexts()).join(), /c\.txt/);
    assert.equal((await client.finish()).code, 0);
  });

  it("goes with the session that is deleted, and with it what no other needs; not with one that is archived", async (t) => {
    const scene = await openScene(t);
    const { place, run, server } = scene;
    const folder = join(place.home, "checkpoints");
    const ids: string[] = [];
    for (const name of ["mine", "theirs"]) {
      server.enqueue(call("exec_command", { cmd: `echo shared > shared; echo ${name} > ${name}` }), text("done"));
      assert.equal((await run(["exec", ...FULL, "go"])).code, 0);
      ids.push(...readdirSync(folder).filter((one) => /^[0-9a-f-]{36}$/.test(one) && !ids.includes(one)));
      place.write("shared", "between\n");
    }
    const [mine = "", theirs = ""] = ids;
    const has = (content: string) => existsSync(join(folder, "objects", objectOf(`${content}\n`)));
    assert.deepEqual(["mine", "theirs", "shared"].map(has), [true, true, true]);
    assert.equal((await run(["sessions", "archive", theirs])).code, 0);
    assert.equal((await run(["sessions", "delete", mine, "--yes"])).code, 0);
    assert.deepEqual(["mine", "theirs", "shared"].map(has), [false, true, true]);
    assert.deepEqual([existsSync(join(folder, mine)), existsSync(join(folder, theirs))], [false, true]);
    place.write("shared", "shared\n");
    const undone = await run(["undo", "--conversation", theirs]);
    assert.equal(undone.code, 0, undone.stderr);
    assert.deepEqual([existsSync(join(place.dir, "theirs")), place.read("shared")], [false, "between\n"]);
  });

  it("says when there is nothing, and where it looked", async (t) => {
    const { run } = await openScene(t);
    const none = await run(["undo"]);
    assert.deepEqual([none.code, none.stdout], [1, ""]);
    assert.match(none.stderr, /no conversation has changed files from this folder; --conversation ID/);
    assert.equal((await run(["undo", "--keep", "--force"])).code, 2);
    const unknown = await run(["undo", "--conversation", "nope", "--json"]);
    assert.deepEqual(
      [unknown.code, JSON.parse(unknown.stdout)],
      [1, { ok: false, message: "no turn has changed any files" }],
    );
  });
});
