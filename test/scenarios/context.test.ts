import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, text } from "../support/model-server.js";
import { openScene } from "../support/program.js";

describe("what the model is told, and what commands are not", { concurrency: 4 }, () => {
  for (const wire of ["responses", "chat"] as const) {
    it(`instruction files reach it in order, named by their paths (${wire})`, async (t) => {
      const { place, server, run } = await openScene(t, { wire });
      writeFileSync(join(place.home, "AGENTS.md"), "Everywhere: be brief.");
      place.write("AGENTS.md", "In this project: use tabs.");
      place.write("deep/AGENTS.md", "Down here: no tabs.");
      place.write("other/AGENTS.md", "Elsewhere: never read.");
      server.enqueue(text("ok"));
      const done = await run(["exec", "-C", "deep", "go"]);
      assert.equal(done.code, 0, done.stderr);
      // On the Chat wire they are one message, with empty lines between.
      const texts = server.requests[0]!.userTexts().join("\n\n");
      const docs = texts.slice(texts.indexOf("# AGENTS.md instructions"), texts.indexOf("<environment_context>"));
      const parts = [
        join(place.home, "AGENTS.md"),
        "Everywhere: be brief.",
        join(place.dir, "AGENTS.md"),
        "In this project: use tabs.",
        join(place.dir, "deep/AGENTS.md"),
        "Down here: no tabs.",
      ];
      const positions = parts.map((part) => docs.indexOf(part));
      assert.ok(!positions.includes(-1), docs);
      assert.deepEqual(
        positions,
        [...positions].sort((a, b) => a - b),
      );
      assert.doesNotMatch(docs, /Elsewhere/);
      const told = texts.slice(texts.indexOf("<environment_context>"));
      assert.ok(told.includes(`Current working directory: ${join(place.dir, "deep")}\n`), told);
      assert.ok(told.endsWith("</environment_context>\n\ngo"), told);
    });
  }

  it("keys and tokens of the environment do not reach a command", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(call("exec_command", { cmd: "env" }, "env"), text("ok"));
    const secret = "sk-very-secret";
    const done = await run(["exec", "go"], {
      env: { OPENAI_API_KEY: secret, GITHUB_TOKEN: secret, MY_SECRET: secret, PLAIN: "kept" },
    });
    assert.equal(done.code, 0, done.stderr);
    const output = server.requests[1]!.outputOf("env") ?? "";
    assert.match(output, /^PLAIN=kept$/m);
    assert.match(output, /^PATH=/m);
    assert.doesNotMatch(output, /OPENAI_API_KEY|MOCK_API_KEY|GITHUB_TOKEN|MY_SECRET/);
    assert.ok(!JSON.stringify(server.requests.map(({ body }) => body)).includes(secret));
    assert.ok(!done.stdout.includes(secret) && !done.stderr.includes(secret));
  });

  it("nothing that names the machine is in the first request", async (t) => {
    const { place, server, run } = await openScene(t);
    server.enqueue(text("ok"));
    const cwd = join(place.dir, "here");
    mkdirSync(cwd);
    const done = await run(["exec", "go"], { cwd, env: { HOSTNAME: "my-own-machine", USER: "my-own-name" } });
    assert.equal(done.code, 0, done.stderr);
    const request = server.requests[0]!;
    const sent = JSON.stringify([request.body, request.headers]);
    for (const own of ["my-own-machine", "my-own-name", place.home]) assert.ok(!sent.includes(own), own);
  });
});
