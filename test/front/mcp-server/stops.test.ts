import assert from "node:assert/strict";
import { test } from "node:test";
import { call, partial, stall, text } from "../../support/model-server.js";
import { textOf } from "./mcp-client.js";
import { openMemory } from "./memory-server.js";

const UNTRUSTED = { "approval-policy": "untrusted", sandbox: "danger-full-access" };

test("a turn that somebody else stops is answered, and its question withdrawn", async (t) => {
  const server = await openMemory(t);
  await server.request("initialize", { protocolVersion: "2025-11-25", capabilities: { elicitation: {} } });
  server.model.enqueue(call("shell", { command: ["touch", "never"] }, "c"));
  server.send({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go", ...UNTRUSTED } } });
  const question = await server.until((one) => one.method === "elicitation/create");
  const end = await server.engine.find(question.params.threadId)?.interrupt();
  assert.equal(end?.status, "interrupted");
  const answer = await server.answer(1);
  assert.equal(answer.result.isError, true);
  assert.match(textOf(answer), /^The turn was stopped before it was done\.\nCalls: shell cut$/);
  const withdrawn = await server.until((one) => one.method === "notifications/cancelled");
  assert.equal(withdrawn.params.requestId, question.id);
});

test("a turn that another task replaces is answered so", async (t) => {
  const server = await openMemory(t);
  server.model.enqueue([partial("On"), stall()], text("a summary"));
  server.send({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
  const { params } = await server.until((one) => one.params?.msg?.type === "agent_message_delta");
  server.engine.find(params._meta.threadId)?.submit({ type: "compact" });
  assert.match(textOf(await server.answer(1)), /^Another task took the turn's place\.$/);
  // What that task does is not this call's.
  const types = server.messages.filter((one) => one.method === "codex/event").map((one) => one.params.msg.type);
  assert.equal(types.at(-1), "turn_aborted");
});

test("a slow client: events wait in the model's stream, a cancel is obeyed, and nothing is lost", async (t) => {
  let isSlow = false;
  let release = () => {};
  const stalled = new Promise<void>((resolve) => (release = resolve));
  const server = await openMemory(t, { output: { write: () => (isSlow ? stalled : undefined) } });
  server.model.enqueue([text("x".repeat(400), { chunks: 400 }), partial("never "), stall()]);
  const params = { name: "codex", arguments: { prompt: "go" }, _meta: { progressToken: 1 } };
  server.send({ id: 1, method: "tools/call", params });
  const { params: first } = await server.until((one) => one.params?.msg?.type === "task_started");
  const before = server.messages.length;
  isSlow = true;
  await server.until((one) => one.params?.msg?.type === "agent_message_delta");
  // A ping is answered all the same, and so the stream has had its chance to bring more.
  await server.request("ping");
  const deltas = () =>
    server.messages.slice(before).filter((one) => one.params?.msg?.type === "agent_message_delta").length;
  assert.ok(deltas() < 400, "the stream did not wait");
  server.send({ method: "notifications/cancelled", params: { requestId: 1 } });
  await server.until(
    (one) => one.params?.msg?.type === "turn_aborted" && one.params._meta.threadId === first._meta.threadId,
  );
  assert.deepEqual(
    server.messages.slice(before).filter((one) => one.method === "notifications/progress"),
    [],
  );
  release();
});
