import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { ReviewDecision } from "../../src/protocol/index.js";
import { call, text } from "../support/model-server.js";
import { openScene } from "../support/program.js";
import { openProto, type ProtoClient } from "./proto-client.js";

const ADD = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch";

/** A client whose user is asked before every command and patch. */
async function openAsking(t: TestContext): Promise<ProtoClient> {
  const client = await openProto(t);
  client.send("ask", { type: "override_turn_context", approval_policy: "untrusted" });
  return client;
}

function answer(client: ProtoClient, id: string, decision: ReviewDecision): void {
  client.send(`answer ${id} ${decision}`, { type: "exec_approval", id, decision });
}

import { WALLED } from "../support/walls.js";

describe("approvals over belay proto", { concurrency: 4 }, () => {
  it("an approved command runs, a denied one does not, and the model hears of both", async (t) => {
    const client = await openAsking(t);
    client.server.enqueue(
      call("exec_command", { cmd: "echo ran >> log" }, "yes"),
      call("exec_command", { cmd: "echo denied >> log" }, "no"),
      text("ok"),
    );
    client.say("1", "go");
    const asked = await client.until("exec_approval_request", (msg) => msg.call_id === "yes");
    assert.deepEqual(asked.command, ["/bin/sh", "-c", "echo ran >> log"]);
    assert.equal(asked.cwd, client.place.dir);
    assert.equal(existsSync(join(client.place.dir, "log")), false);
    answer(client, "yes", "approved");
    await client.until("exec_approval_request", (msg) => msg.call_id === "no");
    answer(client, "no", "denied");
    assert.equal((await client.end("1")).type, "task_complete");
    assert.equal(client.place.read("log"), "ran\n");
    assert.match(client.server.requests[2]!.outputOf("yes") ?? "", /^Exit code: 0/);
    assert.match(client.server.requests[2]!.outputOf("no") ?? "", /rejected by user/);
    await client.finish();
  });

  it("the id of the turn names its one request, as older clients have it", async (t) => {
    const client = await openAsking(t);
    client.server.enqueue(call("exec_command", { cmd: "echo ran > log" }, "c"), text("ok"));
    client.say("turn", "go");
    await client.until("exec_approval_request");
    answer(client, "turn", "approved");
    await client.end("turn");
    assert.equal(client.place.read("log"), "ran\n");
    await client.finish();
  });

  it("what is approved for the session is not asked again", async (t) => {
    const client = await openAsking(t);
    const again = (id: string) => call("exec_command", { cmd: "echo again >> log" }, id);
    client.server.enqueue(again("a"), again("b"), text("ok"));
    client.say("1", "go");
    await client.until("exec_approval_request");
    answer(client, "a", "approved_for_session");
    await client.end("1");
    assert.equal(client.place.read("log"), "again\nagain\n");
    assert.equal(client.events.filter(({ msg }) => msg.type === "exec_approval_request").length, 1);
    await client.finish();
  });

  it("abort ends the turn: the command never ran", async (t) => {
    const client = await openAsking(t);
    client.server.enqueue(call("exec_command", { cmd: "echo ran > log" }, "c"));
    client.say("1", "go");
    await client.until("exec_approval_request");
    answer(client, "c", "abort");
    assert.equal((await client.end("1")).type, "turn_aborted");
    assert.equal(existsSync(join(client.place.dir, "log")), false);
    await client.finish();
    assert.equal(client.server.requests.length, 1);
  });

  it("an interrupt withdraws the request: a late answer is refused and has no effect", async (t) => {
    const client = await openAsking(t);
    client.server.enqueue(call("exec_command", { cmd: "echo ran > log" }, "c"), text("next"));
    client.say("1", "go");
    await client.until("exec_approval_request");
    client.send("i", { type: "interrupt" });
    await client.until("background_event", (_, event) => event.id === "i");
    answer(client, "c", "approved");
    const refused = await client.until("background_event", (_, event) => event.id === "answer c approved");
    assert.match(refused.message, /no approval is pending for c/);
    client.say("2", "go on");
    await client.end("2");
    await client.finish();
    assert.equal(existsSync(join(client.place.dir, "log")), false);
  });

  it("patches are asked for by what they change", async (t) => {
    const client = await openAsking(t);
    client.server.enqueue(
      call("apply_patch", { input: ADD }, "no"),
      call("apply_patch", { input: ADD }, "yes"),
      text("ok"),
    );
    client.say("1", "go");
    const asked = await client.until("apply_patch_approval_request", (msg) => msg.call_id === "no");
    assert.deepEqual(asked.changes, { [join(client.place.dir, "new.txt")]: { add: { content: "hello\n" } } });
    client.send("a", { type: "patch_approval", id: "no", decision: "denied" });
    await client.until("apply_patch_approval_request", (msg) => msg.call_id === "yes");
    assert.equal(existsSync(join(client.place.dir, "new.txt")), false);
    client.send("b", { type: "patch_approval", id: "yes", decision: "approved" });
    await client.end("1");
    assert.equal(client.place.read("new.txt"), "hello\n");
    const begun = await client.until("patch_apply_begin");
    assert.equal(begun.auto_approved, false);
    await client.finish();
  });

  it("belay exec, where nobody can be asked, refuses what its settings do not allow", async (t) => {
    const { place, server, run } = await openScene(t);
    server.enqueue(
      [call("exec_command", { cmd: "echo ran > log" }, "c"), call("apply_patch", { input: ADD }, "p")],
      text("ok"),
    );
    // Without the programs that a sandbox is made of.
    const done = await run(["exec", "--json", "-s", "read-only", "go"], { env: { PATH: place.tmp } });
    assert.equal(done.code, 0, done.stderr);
    assert.match(server.requests[1]!.outputOf("c") ?? "", /the command was not run/);
    assert.match(server.requests[1]!.outputOf("p") ?? "", /patch rejected: the sandbox mode is read-only/);
    assert.match(
      done.stdout,
      /"type":"command_execution","command":"\/bin\/sh -c 'echo ran > log'".*"status":"declined"/,
    );
    assert.deepEqual(
      ["log", "new.txt"].map((name) => existsSync(join(place.dir, name))),
      [false, false],
    );
  });

  it(
    "belay exec lets commands read in read-only mode, and write in the folder in workspace-write (needs bubblewrap)",
    WALLED,
    async (t) => {
      const { place, server, run } = await openScene(t);
      place.write("in.txt", "content\n");
      for (const [mode, written] of [
        ["read-only", false],
        ["workspace-write", true],
      ] as const) {
        server.enqueue(call("exec_command", { cmd: "cat in.txt; echo ran > log" }, mode), text("ok"));
        const done = await run(["exec", "-s", mode, "go"]);
        assert.equal(done.code, 0, done.stderr);
        assert.match(server.requests.at(-1)!.outputOf(mode) ?? "", /\ncontent\n/);
        assert.equal(existsSync(join(place.dir, "log")), written, mode);
      }
    },
  );
});
