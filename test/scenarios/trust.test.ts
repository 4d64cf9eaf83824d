import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../support/model-server.js";
import { openScene } from "../support/program.js";

test("exec goes on without the settings of a project that nobody trusted, and says so once; then with them", async (t) => {
  const { place, server, run } = await openScene(t);
  server.enqueue(text("one"), text("two"), text("three"), text("four"));
  place.write(".belay/config.toml", 'model = "theirs"\n');
  const warning = `the settings in ${place.dir} are ignored, as you have not trusted them: .belay/config.toml (would set model); to see and trust them: belay trust ${place.dir}`;

  const human = await run(["exec", "hello"]);
  assert.deepEqual([human.code, human.stdout], [0, "one\n"], human.stderr);
  assert.equal(human.stderr.split(warning).length, 2, human.stderr);

  const json = await run(["exec", "--json", "hello"]);
  assert.equal(json.code, 0);
  assert.equal(json.stdout.split(JSON.stringify(warning)).length, 2, json.stdout);

  const trusted = await run(["trust", "--yes"]);
  assert.equal(trusted.code, 0, trusted.stderr);
  const used = await run(["exec", "hello"]);
  assert.deepEqual([used.code, used.stderr.includes("belay trust")], [0, false], used.stderr);

  place.write(".belay/config.toml", 'model = "others"\n');
  const changed = await run(["exec", "hello"]);
  assert.match(changed.stderr, /they are not what you trusted any more/);
  const models = server.requests.map(({ body }) => (body as { model?: unknown }).model);
  assert.deepEqual(models, ["mock-model", "mock-model", "theirs", "mock-model"]);
});
