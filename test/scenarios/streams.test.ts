import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, cut, endEarly, partial, status, text, trickle } from "../support/model-server.js";
import { openScene } from "../support/program.js";
import { openProto } from "./proto-client.js";

describe("streams that break", { concurrency: 4 }, () => {
  for (const wire of ["responses", "chat"] as const) {
    it(`one that is cut in the middle is asked for again, and its text comes once (${wire})`, async (t) => {
      const { server, run } = await openScene(t, { wire });
      server.enqueue([partial("The answer "), cut()], [text("The answer is 42.", { chunks: 5 })]);
      const done = await run(["exec", "go"]);
      assert.deepEqual([done.code, done.stdout], [0, "The answer is 42.\n"], done.stderr);
      assert.match(done.stderr, /stream error: .*retrying 1\/2 in \d+ms/);
      assert.doesNotMatch(done.stderr, /The answer/);
      assert.equal(server.requests.length, 2);
      assert.deepEqual(server.requests[1]!.input, server.requests[0]!.input);
    });

    it(`one that ends early until the retries are spent fails the turn (${wire})`, async (t) => {
      const { server, run } = await openScene(t, { wire });
      server.script(() => [partial("Half"), endEarly()]);
      const done = await run(["exec", "--json", "go"]);
      assert.equal(done.code, 1, done.stderr);
      const lines = done.stdout.trimEnd().split("\n");
      const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
      assert.deepEqual(types.slice(-2), ["error", "turn.failed"]);
      assert.match(lines.at(-1)!, /tried 3 times/);
      assert.equal(types.filter((type) => type === "turn.failed").length, 1);
      assert.equal(server.requests.length, 3);
    });
  }

  it("a call that came before the cut runs once, when its response is whole", async (t) => {
    const { place, server, run } = await openScene(t);
    const effect = call("exec_command", { cmd: "echo ran >> log" }, "c1");
    server.enqueue([effect, partial("and"), cut()], [effect], text("ok"));
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "ok\n"], done.stderr);
    assert.equal(place.read("log"), "ran\n");
  });

  it("a call whose response never becomes whole never runs", async (t) => {
    const { place, server, run } = await openScene(t);
    server.script(() => [call("exec_command", { cmd: "echo ran >> log" }, "c1"), cut()]);
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [1, ""]);
    assert.equal(existsSync(join(place.dir, "log")), false);
  });

  it("a server that is overloaded for a while is waited for", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(status(503, "overloaded"), status(500, { error: { message: "oops" } }), text("there"));
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "there\n"], done.stderr);
    assert.match(done.stderr, /answered 503: overloaded; retrying 1\/8[\s\S]*answered 500: oops; retrying 1\/2/);
  });

  it("bytes that come one by one make the same text", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue([trickle(1), text("grüße, 世界 🌍", { chunks: 3 })]);
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "grüße, 世界 🌍\n"], done.stderr);
  });

  it("deltas of belay proto add up to the message, also over a cut", async (t) => {
    const client = await openProto(t);
    client.server.enqueue([partial("one two "), cut()], [text("one two three", { chunks: 4 })]);
    client.say("1", "go");
    assert.deepEqual(await client.end("1"), { type: "task_complete", last_agent_message: "one two three" });
    const deltas = client.events.flatMap(({ msg }) => (msg.type === "agent_message_delta" ? [msg.delta] : []));
    assert.equal(deltas.join(""), "one two three");
    assert.equal(client.events.filter(({ msg }) => msg.type === "agent_message").length, 1);
    await client.finish();
  });
});
