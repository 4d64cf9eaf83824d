import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { call, type Reply, reasoning, text } from "../support/model-server.js";
import { openScene } from "../support/program.js";

/** Bytes that a first request may have without instructions of a project. */
const FIRST_REQUEST = 9000;

/** A turn of three steps. */
const turn = (n: number): Reply[] => [
  [
    reasoning({ raw: `thought ${n}`, encrypted: `sealed ${n}` }),
    text("First."),
    call("exec_command", { cmd: "echo 1" }),
  ],
  [reasoning({ raw: `another ${n}` }), call("exec_command", { cmd: "echo 2" }, `call-${n}.2`)],
  text(`done ${n}`),
];

describe("what was sent once is sent again as it was, so that a provider's cache has it", { concurrency: 2 }, () => {
  for (const wire of ["responses", "chat"] as const) {
    it(`over the steps of a turn, over turns and resumes (${wire})`, async (t) => {
      const { place, server, run } = await openScene(t, { wire });
      place.write("AGENTS.md", "Use tabs.");
      server.enqueue(...turn(1), ...turn(2), ...turn(3));
      for (const words of [
        ["exec", "one"],
        ["exec", "resume", "--last", "two"],
        ["exec", "resume", "--last", "three"],
      ]) {
        const done = await run(words);
        assert.equal(done.code, 0, done.stderr);
      }
      const requests = server.requests.map(({ input, body }) => ({
        items: input.map((item) => JSON.stringify(item)),
        before: JSON.stringify([body.model, body.instructions, body.tools]),
      }));
      assert.equal(requests.length, 9);
      for (const [n, { items, before }] of requests.entries()) {
        const next = requests[n + 1];
        if (next === undefined) break;
        assert.equal(next.before, before);
        assert.deepEqual(next.items.slice(0, items.length), items, `request ${n + 1}`);
      }
    });

    it(`the first request is small (${wire})`, async (t) => {
      const { server, run } = await openScene(t, { wire });
      server.enqueue(text("ok"));
      await run(["exec", "go"]);
      assert.ok(JSON.stringify(server.requests[0]!.body).length < FIRST_REQUEST);
    });
  }
});
