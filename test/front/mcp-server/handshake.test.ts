import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TOOLS } from "../../../src/front/mcp-server/tools.js";
import { text } from "../../support/model-server.js";
import { textOf } from "./mcp-client.js";
import { openMemory } from "./memory-server.js";

const CLIENT = { capabilities: {}, clientInfo: { name: "c", version: "1" } };

describe("initialize", () => {
  for (const [asked, answered] of [
    ["2024-11-05", "2024-11-05"],
    ["2025-03-26", "2025-03-26"],
    ["2025-06-18", "2025-06-18"],
    ["2025-11-25", "2025-11-25"],
    ["2026-07-28", "2025-11-25"],
    ["1.0", "2025-11-25"],
    ["toString", "2025-11-25"],
  ] as const) {
    test(`a client of ${asked} is answered ${answered}`, async (t) => {
      const server = await openMemory(t);
      const { result } = await server.request("initialize", { protocolVersion: asked, ...CLIENT });
      assert.deepEqual(result, {
        protocolVersion: answered,
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: {
          name: "belay-mcp-server",
          title: "Belay",
          version: "0.0.0-test",
          user_agent: "belay/0.0.0-test (c; 1)",
        },
      });
    });
  }

  test("a second one is refused; nothing needs the first", async (t) => {
    const server = await openMemory(t);
    assert.deepEqual((await server.request("ping")).result, {});
    assert.equal((await server.request("tools/list")).result.tools.length, 2);
    await server.request("initialize", { protocolVersion: "2025-06-18", ...CLIENT });
    const { error } = await server.request("initialize", { protocolVersion: "2025-06-18", ...CLIENT });
    assert.deepEqual(error, { code: -32600, message: "initialize called more than once" });
  });
});

test("what there is none of is an empty list; what is unknown is told", async (t) => {
  const server = await openMemory(t);
  assert.deepEqual((await server.request("resources/list", {})).result, { resources: [] });
  assert.deepEqual((await server.request("resources/templates/list")).result, { resourceTemplates: [] });
  assert.deepEqual((await server.request("prompts/list", { cursor: "x" })).result, { prompts: [] });
  assert.equal((await server.request("bogus/method", {})).error?.code, -32601);
  server.send({ method: "notifications/initialized" });
  server.send({ method: "notifications/roots/list_changed" });
  server.send({ method: "notifications/cancelled", params: { requestId: "nobody's" } });
  server.send({ method: "notifications/cancelled", params: { requestId: {} } });
  assert.deepEqual((await server.request("ping", { _meta: {} })).result, {});
  assert.equal(server.messages.length, 5);
});

test("log messages come from the level on that the client has set", async (t) => {
  const server = await openMemory(t);
  const logged = async (level: string | undefined) => {
    if (level !== undefined) assert.deepEqual((await server.request("logging/setLevel", { level })).result, {});
    const before = server.messages.length;
    server.model.enqueue(text("ok"));
    await server.request("tools/call", { name: "codex", arguments: { prompt: "hi" } });
    return server.messages.slice(before).filter((one) => one.method === "notifications/message");
  };
  assert.deepEqual(await logged(undefined), []);
  const [line, ...more] = await logged("debug");
  assert.deepEqual(more, []);
  assert.deepEqual([line?.params.level, line?.params.logger], ["info", "belay"]);
  assert.match(line?.params.data, /^conversation [0-9a-f-]{36} started in /);
  assert.equal((await logged("info")).length, 1);
  assert.deepEqual(await logged("notice"), []);
  assert.deepEqual(await logged("emergency"), []);
});

/** A value of each type of JSON. */
const VALUES: Readonly<Record<string, unknown>> = {
  string: "x",
  number: 5,
  boolean: true,
  array: ["x"],
  object: { x: 1 },
};

test("an argument of a wrong type is refused by its name, whichever it is, and starts nothing", async (t) => {
  const server = await openMemory(t);
  let count = 0;
  for (const { name, inputSchema } of TOOLS) {
    const properties = inputSchema.properties as Record<string, { type: string; enum?: readonly string[] }>;
    for (const [field, { type, enum: choices }] of Object.entries(properties)) {
      const wrong = Object.entries(VALUES).filter(([kind]) => kind !== type || choices !== undefined);
      const nothing = inputSchema.required.includes(field) ? [["null", null]] : [];
      for (const [, value] of [...wrong, ...nothing]) {
        const args = { prompt: "hi", ...(name === "codex" ? {} : { threadId: "t" }), [field as string]: value };
        const answer = await server.request("tools/call", { name, arguments: args });
        assert.equal(answer.result.isError, true, `${field}: ${JSON.stringify(value)}`);
        assert.match(textOf(answer), new RegExp(`^${name}: ${field}: expected `));
        count += 1;
      }
    }
  }
  assert.ok(count > 60);
  assert.deepEqual(
    server.messages.filter((one) => one.method !== undefined),
    [],
  );
});

test("params of a wrong type are refused with the name of the field", async (t) => {
  const server = await openMemory(t);
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ["initialize", undefined, ""],
    ["initialize", [], ""],
    ["initialize", {}, "protocolVersion"],
    ["initialize", { protocolVersion: 5 }, "protocolVersion"],
    ["initialize", { protocolVersion: "x", capabilities: "all" }, "capabilities"],
    ["initialize", { protocolVersion: "x", capabilities: { elicitation: true } }, "capabilities.elicitation"],
    ["initialize", { protocolVersion: "x", clientInfo: { name: 5, version: "1" } }, "clientInfo.name"],
    ["logging/setLevel", {}, "level"],
    ["logging/setLevel", { level: "loud" }, "level"],
    ["tools/call", null, ""],
    ["tools/call", {}, "name"],
    ["tools/call", { name: 5 }, "name"],
    ["tools/call", { name: "codex", arguments: [] }, "arguments"],
    ["tools/call", { name: "codex", arguments: "go" }, "arguments"],
    ["tools/call", { name: "codex", _meta: { progressToken: {} } }, "_meta.progressToken"],
  ];
  for (const [method, params, field] of wrong) {
    const { error } = await server.request(method, params);
    assert.equal(error?.code, -32602, `${method} ${JSON.stringify(params)}`);
    assert.ok(error?.message.startsWith(`invalid params: ${field}`), error?.message);
  }
});

test("calls that name no tool, no arguments or no conversation are results that say so", async (t) => {
  const server = await openMemory(t);
  const missing = "00000000-0000-0000-0000-000000000000";
  const wrong: readonly (readonly [string, object | undefined, RegExp])[] = [
    ["nope", {}, /^unknown tool: nope$/],
    ["codex", undefined, /^codex needs arguments/],
    ["codex", {}, /^codex: prompt: it is missing$/],
    ["codex-reply", undefined, /^codex-reply needs arguments/],
    ["codex-reply", { threadId: "x" }, /^codex-reply: prompt: it is missing$/],
    ["codex-reply", { prompt: "x" }, /^codex-reply: threadId: it is missing$/],
    ["codex-reply", { prompt: "x", threadId: "a", sessionId: "b" }, /name different conversations$/],
    ["codex-reply", { prompt: "x", threadId: "nope" }, /^conversation not found: nope$/],
    ["codex-reply", { prompt: "x", conversationId: missing }, new RegExp(`^conversation not found: ${missing}$`)],
  ];
  for (const [name, args, message] of wrong) {
    const answer = await server.request("tools/call", { name, ...(args === undefined ? {} : { arguments: args }) });
    assert.equal(answer.result.isError, true);
    assert.match(textOf(answer), message);
  }
});
