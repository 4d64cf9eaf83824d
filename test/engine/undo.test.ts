import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { SandboxPolicy } from "../../src/protocol/index.js";
import { call, startModelServer, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, startTalk, type Talk } from "../support/talk.js";
import { WALLED } from "../support/walls.js";

const patch = (...lines: string[]) => ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");

/** Submits an undo and returns what it came to, once its turn has ended. */
async function undo(talk: Talk, fields: object = {}) {
  const id = talk.conversation.submit({ type: "undo", ...fields });
  await talk.end(id);
  const done = talk.events.find(({ id: turn, msg }) => turn === id && msg.type === "undo_completed");
  assert.deepEqual(talk.types(id), ["task_started", "undo_started", "undo_completed", "task_complete"]);
  assert.ok(done?.msg.type === "undo_completed");
  return done.msg;
}

test("undo takes back what patches and commands of the last turn did, the model is told, and redo brings it again", async () => {
  const { server, talk } = await openTalk();
  const at = (name: string) => join(talk.cwd, name);
  writeFileSync(at("a.txt"), "one\n");
  writeFileSync(at("b.txt"), "keep\n");
  server.enqueue(
    call("apply_patch", {
      input: patch("*** Update File: a.txt", "@@", "-one", "+uno", "*** Add File: new.txt", "+n"),
    }),
    call("exec_command", { cmd: "rm b.txt; mkdir d; echo x > d/c; chmod 755 a.txt" }),
    text("done"),
    text("ok"),
  );
  const turn = talk.say("go");
  await talk.end(turn);
  const done = await undo(talk);
  assert.deepEqual([done.success, done.turn, done.conflicts, done.lost], [true, turn, [], []]);
  assert.deepEqual(new Set(done.files), new Set(["a.txt", "b.txt", "d", "d/c", "new.txt"].map((name) => at(name))));
  assert.deepEqual(readdirSync(talk.cwd).sort(), ["a.txt", "b.txt"]);
  assert.deepEqual([readFileSync(at("a.txt"), "utf8"), statSync(at("a.txt")).mode & 0o111], ["one\n", 0]);
  await talk.end(talk.say("and now?"));
  assert.match(JSON.stringify(server.requests.at(-1)!.body), /<undo>.*has undone what an earlier turn did to files/);
  const again = await undo(talk, { redo: true });
  assert.deepEqual([again.success, again.redo], [true, true]);
  assert.deepEqual(readdirSync(talk.cwd).sort(), ["a.txt", "d", "new.txt"]);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("the receipt of a stopped turn names what its commands changed, the cut one too, which can be undone alone", async () => {
  const { server, talk } = await openTalk();
  const at = (name: string) => join(talk.cwd, name);
  server.enqueue(
    call("exec_command", { cmd: "echo 1 > first" }),
    call("exec_command", { cmd: "echo 2 > second; echo begun; sleep 60" }),
  );
  const turn = talk.say("go");
  await talk.until("exec_command_output_delta", ({ chunk }) => Buffer.from(chunk).includes("begun"));
  await talk.conversation.interrupt();
  const end = await talk.end(turn);
  assert.ok(end.type === "turn_aborted");
  assert.deepEqual(end.changed_files, [at("first"), at("second")]);
  assert.equal((await undo(talk, { call: "last" })).success, true);
  assert.deepEqual(readdirSync(talk.cwd), ["first"]);
  assert.equal((await undo(talk)).success, true);
  assert.deepEqual(readdirSync(talk.cwd), []);
  const none = await undo(talk);
  assert.deepEqual(
    [none.success, none.message],
    [false, "all turns are undone already; --redo takes back the last undo"],
  );
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("an undo while a turn runs ends that turn as replaced, and takes back what it did", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(call("exec_command", { cmd: "echo 1 > first; echo begun; sleep 60" }));
  const turn = talk.say("go");
  await talk.until("exec_command_output_delta", ({ chunk }) => Buffer.from(chunk).includes("begun"));
  const done = await undo(talk);
  const end = await talk.end(turn);
  assert.deepEqual([end.type, end.type === "turn_aborted" && end.reason], ["turn_aborted", "replaced"]);
  assert.deepEqual([done.success, done.turn], [true, turn]);
  assert.equal(existsSync(join(talk.cwd, "first")), false);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("what the user changed since is refused by name, kept or overwritten as asked", async () => {
  const { server, talk } = await openTalk();
  const at = (name: string) => join(talk.cwd, name);
  server.enqueue(call("exec_command", { cmd: "echo 1 > a; echo 1 > b" }), text("done"));
  await talk.end(talk.say("go"));
  writeFileSync(at("b"), "mine\n");
  const refused = await undo(talk);
  assert.deepEqual([refused.success, refused.conflicts], [false, [{ path: at("b"), why: "it was changed since" }]]);
  assert.equal((await undo(talk, { on_conflict: "keep" })).success, true);
  assert.deepEqual([existsSync(at("a")), readFileSync(at("b"), "utf8")], [false, "mine\n"]);
  await talk.close();
  await server.close();
});

test("commands that only read, and turns that change nothing, leave no checkpoint", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(call("exec_command", { cmd: "ls" }), text("done"));
  await talk.end(talk.say("go"));
  assert.equal(existsSync(join(talk.home, "checkpoints")), false);
  assert.match((await undo(talk)).message ?? "", /no turn has changed any files/);
  await talk.close();
  await server.close();
});

test(
  "in workspace-write the writable folders are looked after, and nothing above them (needs bubblewrap)",
  WALLED,
  async () => {
    const server = await startModelServer();
    const sandboxPolicy = {
      mode: "workspace-write" as const,
      writable_roots: [],
      network_access: false,
      exclude_slash_tmp: true,
      exclude_tmpdir_env_var: true,
    } satisfies SandboxPolicy;
    const talk = startTalk(server.provider(), { sandboxPolicy });
    mkdirSync(join(talk.cwd, "d"));
    server.enqueue(call("exec_command", { cmd: "echo 1 > d/a; ln -s a d/l" }), text("done"));
    await talk.end(talk.say("go"));
    assert.equal(existsSync(join(talk.cwd, "d/a")), true);
    assert.equal((await undo(talk)).success, true);
    assert.deepEqual(readdirSync(join(talk.cwd, "d")), []);
    await talk.close();
    await server.close();
  },
);

test("what a command does before it goes on as a terminal, and while a call waits for it, is the turn's", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(
    call("exec_command", { cmd: "echo 1 > first; read go; echo 2 > second", yield_time_ms: 250 }, "start"),
  );
  server.script((request, n) => {
    const id = Number(/session ID (\d+)/.exec(request.outputOf("start") ?? "")?.[1]);
    return n === 1 ? call("write_stdin", { session_id: id, chars: "go\n", yield_time_ms: 20_000 }) : text("done");
  });
  await talk.end(talk.say("go"));
  assert.deepEqual(readdirSync(talk.cwd).sort(), ["first", "second"]);
  assert.equal((await undo(talk)).success, true);
  assert.deepEqual(readdirSync(talk.cwd), []);
  await talk.close();
  await server.close();
});
