import assert from "node:assert/strict";
import { test } from "node:test";
import { call, hold, startModelServer, text } from "../support/model-server.js";
import { checkRequest } from "../support/model-server-checks.js";
import { collect, itemsOf, said, withModel } from "./model-fixture.js";

const items = (input: object[]) => checkRequest("responses", { model: "m", stream: true, input });
const messages = (list: object[]) => checkRequest("chat", { model: "m", stream: true, messages: list });
const fn = (call_id: string) => ({ type: "function_call", call_id, name: "x", arguments: "{}" });
const out = (call_id: string) => ({ type: "function_call_output", call_id, output: "o" });
const says = (words: string) => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: words }],
});

test("Responses: calls and outputs pair, ids are unique, no text is doubled", () => {
  assert.deepEqual(items([says("one"), fn("a"), fn("b"), out("b"), out("a"), says("one")]), []);
  assert.deepEqual(items([fn("a")]), ["call a has no output"]);
  assert.deepEqual(items([out("a"), fn("a")]), ["output a has no call before it", "call a has no output"]);
  assert.deepEqual(items([fn("a"), out("a"), out("a")]), ["call a has two outputs"]);
  assert.deepEqual(items([fn("a"), out("a"), fn("a"), out("a")]), ["call id a is used twice"]);
  assert.equal(items([{ ...fn("a"), type: "custom_tool_call", input: "i" }, out("a")]).length, 1);
  assert.equal(items([says("one"), { type: "reasoning" }, says("one")]).length, 1);
  assert.equal(items([says("HelloHello")]).length, 1);
  assert.deepEqual(items([says("haha")]), []);
  assert.equal(checkRequest("responses", { input: [] }).length, 2);
});

test("Chat: tool messages stand right after their calls", () => {
  const calls = (...ids: string[]) => ({
    role: "assistant",
    content: null,
    tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "x", arguments: "{}" } })),
  });
  const tool = (tool_call_id: string) => ({ role: "tool", tool_call_id, content: "o" });
  const user = { role: "user", content: "u" };
  assert.deepEqual(messages([user, calls("a", "b"), tool("b"), tool("a"), user]), []);
  assert.equal(messages([calls("a"), user, tool("a")]).length, 2);
  assert.equal(messages([calls("a", "b"), tool("a")]).length, 1);
  assert.equal(messages([tool("a")]).length, 1);
  assert.equal(messages([calls("a"), tool("a"), calls("a"), tool("a")]).length, 1);
  assert.equal(messages([{ role: "assistant", content: "" }]).length, 1);
});

test("violations fail the close, and can be taken", async () => {
  const server = await startModelServer();
  const send = () =>
    fetch(`${server.url}/responses`, { method: "POST", body: JSON.stringify({ model: "m", stream: true }) });
  server.enqueue(text("x"));
  await (await send()).text();
  assert.deepEqual(server.takeViolations(), ["request 0: input is not a list of objects"]);
  await (await send()).text();
  assert.equal(server.violations.length, 2);
  await assert.rejects(server.close(), /no reply was scripted/);
});

test("a gate holds what follows until it is released; scripts see the request", async () => {
  await withModel({}, async ({ server, model }) => {
    const gate = hold();
    server.enqueue([call("shell", {}), gate, text("after")]);
    server.script((got, n) => text(`${n}: ${got.userTexts().join()}`));
    let over = false;
    const running = collect(model).finally(() => (over = true));
    await gate.reached;
    assert.equal(over, false);
    gate.release();
    const events = await running;
    assert.equal(said(events), "after");
    assert.deepEqual(
      itemsOf(events).map((item) => item.type),
      ["function_call", "message"],
    );
    const user = {
      type: "message" as const,
      role: "user" as const,
      content: [{ type: "input_text" as const, text: "q" }],
    };
    assert.equal(said(await collect(model, { input: [user] })), "1: q");
  });
});
