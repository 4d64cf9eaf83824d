import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startModelServer, text } from "../support/model-server.js";
import { mockConfig, openScene } from "../support/program.js";

const TOKEN = "tok-1234567890";

describe("a config.toml as people have one", { concurrency: 4 }, () => {
  it("openai_base_url: the gateway is asked, and the address of the variable is not", async (t) => {
    const { place, server, run } = await openScene(t);
    const other = await startModelServer();
    t.after(() => other.close());
    place.configure(`openai_base_url = "${server.url}"\n`);
    server.enqueue(text("gateway"));
    const env = { OPENAI_API_KEY: "sk-1234567890", OPENAI_BASE_URL: other.url };
    const done = await run(["exec", "go"], { env });
    assert.deepEqual([done.code, done.stdout], [0, "gateway\n"], done.stderr);
    assert.deepEqual([server.requests.length, other.requests.length], [1, 0]);
    assert.equal(server.requests[0]!.headers.authorization, "Bearer sk-1234567890");
  });

  it("experimental_bearer_token: it is sent, and never shown", async (t) => {
    const { place, server, run } = await openScene(t);
    place.configure(`${mockConfig(server)}experimental_bearer_token = "${TOKEN}"\n`);
    server.enqueue(text("ok"));
    const env = { MOCK_API_KEY: undefined };
    const done = await run(["exec", "go"], { env });
    assert.equal(done.code, 0, done.stderr);
    assert.equal(server.requests[0]!.headers.authorization, `Bearer ${TOKEN}`);
    const looked = await run(["doctor"], { env });
    for (const shown of [done.stdout, done.stderr, looked.stdout, looked.stderr]) assert.ok(!shown.includes(TOKEN));
  });

  it("a command that prints a token: nothing is asked, and one line says what to set", async (t) => {
    const { place, server, run } = await openScene(t);
    place.configure(`${mockConfig(server)}auth = { command = "touch", args = ["ran"] }\n`);
    const done = await run(["exec", "go"]);
    assert.deepEqual([done.code, done.stdout, server.requests.length], [2, "", 0]);
    assert.match(done.stderr, /model_providers\.mock\.auth: .*env_key/);
    assert.ok(!existsSync(join(place.dir, "ran")));
  });

  it("keys that are not used yet are named, once", async (t) => {
    const { place, server, run } = await openScene(t);
    place.configure(mockConfig(server, { top: 'notify = ["touch", "x"]\nproject_root_markers = [".root"]' }));
    server.enqueue(text("ok"));
    const done = await run(["exec", "go"]);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stderr.split("not used by Belay yet: notify, project_root_markers\n").length, 2, done.stderr);
  });

  it("a session with an effort that is not known goes on", async (t) => {
    const { place, server, run } = await openScene(t);
    place.configure(mockConfig(server));
    server.enqueue(text("one"), text("two"));
    const first = await run(["exec", "-c", "model_reasoning_effort=max", "go"]);
    assert.equal(first.code, 0, first.stderr);
    const sessions = join(place.home, "sessions");
    const [name] = readdirSync(sessions, { recursive: true, encoding: "utf8" }).filter((one) => one.endsWith(".jsonl"));
    const record = readFileSync(join(sessions, name!), "utf8");
    assert.match(record, /"effort":"max"/);
    writeFileSync(join(sessions, name!), record.replaceAll('"effort":"max"', '"effort":"turbo"'));
    const second = await run(["exec", "resume", "--last", "on"]);
    assert.deepEqual([second.code, second.stdout], [0, "two\n"], second.stderr);
    assert.deepEqual(server.requests[1]!.assistantTexts(), ["one"]);
  });

  it("a home that no shell has expanded: its config.toml counts, and no folder of that name is made", async (t) => {
    const { place, server, run } = await openScene(t);
    mkdirSync(join(place.home, ".codex"));
    writeFileSync(join(place.home, ".codex", "config.toml"), mockConfig(server));
    const before = readdirSync(place.dir);
    for (const named of ["~/.codex", "$HOME/.codex"]) {
      server.enqueue(text("ok"));
      const done = await run(["exec", "go"], { env: { BELAY_HOME: undefined, CODEX_HOME: named } });
      assert.equal(done.code, 0, done.stderr);
      assert.equal(server.requests.at(-1)!.body.model, "mock-model");
    }
    assert.deepEqual(readdirSync(place.dir), before);
    assert.ok(existsSync(join(place.home, ".codex", "sessions")));
  });
});
