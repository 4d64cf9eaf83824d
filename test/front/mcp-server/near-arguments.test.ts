import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../../support/model-server.js";
import { textOf } from "./mcp-client.js";
import { openMemory } from "./memory-server.js";

/** Arguments as hosts write them, and what of them is in the first request: the model, the effort, the last prompt. */
const MEANT: readonly (readonly [args: unknown, model: string, effort: string | undefined, prompt: string])[] = [
  [{ prompt: "a", config: '{"model_reasoning_effort":"high"}' }, "mock-model", "high", "a"],
  [{ prompt: "b", config: "{'model_reasoning_effort': 'low'}" }, "mock-model", "low", "b"],
  [{ prompt: "c", model: "m", config: null, profile: null, sandbox: null }, "m", undefined, "c"],
  [{ prompt: "d", "include-plan-tool": "true" }, "mock-model", undefined, "d"],
  [{ prompt: "e", includePlanTool: "False", approval_policy: "Never" }, "mock-model", undefined, "e"],
  [{ prompt: [{ type: "text", text: "f" }] }, "mock-model", undefined, "f"],
  [{ prompt: { type: "text", text: "g" } }, "mock-model", undefined, "g"],
  [
    {
      prompt: [
        { type: "text", text: "h" },
        { type: "text", text: "i" },
      ],
    },
    "mock-model",
    undefined,
    "h\ni",
  ],
  [{ Prompt: "j", Model: "m2" }, "m2", undefined, "j"],
  [{ prompt: "n", config: "" }, "mock-model", undefined, "n"],
  [{ prompt: "p", config: "null", profile: "", cwd: "", model: "", sandbox: "" }, "mock-model", undefined, "p"],
  [{ prompt: "q", "base-instructions": "", "approval-policy": "" }, "mock-model", undefined, "q"],
  ['{"prompt":"k"}', "mock-model", undefined, "k"],
  [{ prompt: "l", "approval-policy": "never", approvalPolicy: "never" }, "mock-model", undefined, "l"],
];

test("arguments that hosts write differently are taken where they mean one thing", async (t) => {
  const server = await openMemory(t);
  for (const [args, model, effort, prompt] of MEANT) {
    server.model.enqueue(text("ok"));
    const answer = await server.request("tools/call", { name: "codex", arguments: args });
    assert.equal(textOf(answer), "ok", JSON.stringify(args));
    const request = server.model.requests.at(-1)!;
    assert.equal(request.body.model, model);
    assert.equal((request.body.reasoning as { effort?: string } | undefined)?.effort, effort, JSON.stringify(args));
    assert.equal(request.userTexts().at(-1), prompt);
    assert.equal(answer.result.content.length, 1, JSON.stringify(answer.result));
  }
});

test("the same for replies, and unknown arguments are told by the names they came under", async (t) => {
  const server = await openMemory(t);
  server.model.enqueue(text("one"));
  const first = await server.request("tools/call", { name: "codex", arguments: { prompt: "hi", baseInstructs: "x" } });
  assert.match(first.result.content[1].text, /were ignored: baseInstructs$/);
  const thread_id = first.result.structuredContent.threadId;
  server.model.enqueue(text("two"));
  const args = { thread_id, "conversation-id": thread_id, prompt: [{ type: "text", text: "on" }] };
  const second = await server.request("tools/call", { name: "codex-reply", arguments: args });
  assert.equal(textOf(second), "two");
  assert.equal(second.result.content.length, 1);
  assert.equal(server.model.requests.at(-1)!.userTexts().at(-1), "on");
});

test("what can mean two things, or is torn, starts nothing", async (t) => {
  const server = await openMemory(t);
  for (const [args, message] of [
    [{ prompt: "x", approvalPolicy: "never", "approval-policy": "untrusted" }, /mean the same and differ/],
    [{ prompt: "x", Prompt: "y" }, /mean the same and differ/],
    [{ prompt: "x", config: '{"model":"m"' }, /^codex: config: expected an object/],
    [{ prompt: "x", config: "model=m" }, /^codex: config: expected an object/],
    [{ prompt: "x", config: "[1]" }, /^codex: config: expected an object/],
    [{ prompt: "x", config: '{"model":"m","model":"n"}' }, /^codex: config: expected an object/],
    [{ prompt: "x", "include-plan-tool": "yes" }, /^codex: include-plan-tool: expected boolean/],
    [{ prompt: "x", sandbox: "full" }, /^codex: sandbox: expected/],
    [
      {
        prompt: [
          { type: "text", text: "x" },
          { type: "image", data: "" },
        ],
      },
      /^codex: prompt: expected string/,
    ],
    [{ prompt: ["x", "y"] }, /^codex: prompt: expected string/],
    [{ prompt: [] }, /^codex: prompt: expected string/],
  ] as const) {
    const answer = await server.request("tools/call", { name: "codex", arguments: args });
    assert.equal(answer.result.isError, true, JSON.stringify(args));
    assert.match(textOf(answer), message);
  }
  for (const args of ['{"prompt":"x"', '"go"', '[{"prompt":"x"}]']) {
    const { error } = await server.request("tools/call", { name: "codex", arguments: args });
    assert.equal(error?.code, -32602, args);
  }
  assert.equal(server.model.requests.length, 0);
});

test("a byte order mark before the first message is passed over, and is none later", async (t) => {
  const server = await openMemory(t);
  const bytes = Buffer.from('\ufeff{"id":1,"method":"ping"}\n');
  void server.peer.receive(bytes.subarray(0, 2));
  void server.peer.receive(bytes.subarray(2));
  assert.deepEqual((await server.answer(1)).result, {});
  void server.peer.receive(bytes);
  assert.equal((await server.until((one) => one.error !== undefined)).error?.code, -32700);
});
