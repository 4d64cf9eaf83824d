import assert from "node:assert/strict";
import { test } from "node:test";
import type { Conversation, Listener, TurnEnd } from "../../../src/engine/index.js";
import { Client } from "../../../src/front/mcp-server/handshake.js";
import { ToolTurn } from "../../../src/front/mcp-server/tool-turn.js";
import { Peer } from "../../../src/rpc/index.js";
import { call, partial, stall, text } from "../../support/model-server.js";
import { type Message, textOf } from "./mcp-client.js";
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

test("a slow client: whoever makes events is asked to wait, progress is left out, a cancel is obeyed", async () => {
  let wait: Promise<void> | undefined;
  let release = () => {};
  const written: Message[] = [];
  const output = {
    write: (text: string) => {
      written.push(JSON.parse(text) as Message);
      return wait;
    },
  };
  const peer = new Peer({ output });
  let tell: Listener = () => {};
  let interrupts = 0;
  let end: (end: TurnEnd) => void = () => {};
  const ended = new Promise<TurnEnd>((resolve) => (end = resolve));
  const conversation = {
    id: "c",
    submit: () => "0",
    runTurn: () => ({ id: "1", ended }),
    subscribe: (listener: Listener) => {
      tell = listener;
      return () => {};
    },
    interrupt: async () => {
      interrupts += 1;
    },
    close: async () => {},
  } as unknown as Conversation;
  const controller = new AbortController();
  const turn = new ToolTurn({
    peer,
    client: new Client(peer),
    conversation,
    context: { id: 1, idText: "1", signal: controller.signal },
    progressToken: "p",
    notes: [],
    closing: () => undefined,
  });
  const result = turn.run({ type: "user_input", items: [] }, "1");
  const say = (message: string) => tell({ id: "1", msg: { type: "agent_message", message } });
  assert.equal(say("fast"), undefined);
  wait = new Promise((resolve) => (release = resolve));
  assert.equal(say("slow"), wait);
  controller.abort();
  assert.equal(interrupts, 1);
  wait = undefined;
  release();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(say("fast again"), undefined);
  const event = { type: "turn_aborted" as const, reason: "interrupted" as const };
  end({ turnId: "1", status: "interrupted", event });
  assert.equal((await result).isError, true);
  const told = written.map(({ params }) => params.message ?? params.msg.message);
  assert.deepEqual(told, ["fast", "fast", "slow", "fast again", "fast again"]);
  assert.deepEqual(
    written.filter(({ params }) => "progress" in params).map(({ params }) => params.progress),
    [1, 2],
  );
});
