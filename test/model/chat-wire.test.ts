import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelRequest } from "../../src/model/index.js";
import type { ResponseItem } from "../../src/protocol/index.js";
import {
  call,
  customCall,
  failed,
  incomplete,
  noDone,
  raw,
  reasoning,
  stall,
  text,
  usage,
} from "../support/model-server.js";
import { collect, collectFailure, itemsOf, said, withModel } from "./model-fixture.js";

const shell = { type: "function", name: "shell", description: "Runs.", parameters: { type: "object" } } as const;
const grammar = { type: "grammar", syntax: "lark", definition: "start: X" } as const;
const patch = { type: "custom", name: "apply_patch", description: "Patches.", format: grammar } as const;

function message(role: "user" | "assistant" | "developer", said: string): ResponseItem {
  const type = role === "assistant" ? "output_text" : "input_text";
  return { type: "message", role, content: [{ type, text: said }] };
}

function functionCall(call_id: string): ResponseItem {
  return { type: "function_call", name: "shell", arguments: "{}", call_id };
}

function output(call_id: string, value = "done"): ResponseItem {
  return { type: "function_call_output", call_id, output: value };
}

async function messagesOf(input: readonly ResponseItem[], more: Partial<ModelRequest> = {}): Promise<unknown> {
  let messages: unknown;
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    server.enqueue(text("ok"));
    await collect(model, { input, ...more });
    messages = server.requests[0]!.body.messages;
  });
  return messages;
}

test("the body and headers of a request", async () => {
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    server.enqueue(text("ok"));
    await collect(model, { input: [message("user", "hi")], tools: [shell, patch], outputSchema: { type: "object" } });
    const { body, headers, path } = server.requests[0]!;
    assert.equal(path, "/v1/chat/completions");
    assert.equal(headers.authorization, "Bearer test-key");
    assert.equal(headers["session-id"], undefined);
    const { tools, ...rest } = body as { tools: { type: string; function: Record<string, unknown> }[] };
    assert.deepEqual(rest, {
      model: "m1",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hi" },
      ],
      stream: true,
      stream_options: { include_usage: true },
      response_format: {
        type: "json_schema",
        json_schema: { name: "belay_output_schema", strict: true, schema: { type: "object" } },
      },
    });
    assert.deepEqual(tools[0], {
      type: "function",
      function: { name: "shell", description: "Runs.", parameters: { type: "object" } },
    });
    assert.match(String(tools[1]!.function.description), /^Patches\.[\s\S]*start: X$/);
    assert.deepEqual((tools[1]!.function.parameters as { required: string[] }).required, ["input"]);
  });
});

const bridge = { role: "assistant", content: "I have seen the output." };

test("a text and the calls after it are one message, outputs follow in call order, steps stay apart", async () => {
  const reasoned: ResponseItem = { type: "reasoning", summary: [] };
  const calls = (...ids: string[]) =>
    ids.map((id) => ({ id, type: "function", function: { name: "shell", arguments: "{}" } }));
  const input = [
    message("developer", "rules"),
    message("user", "go"),
    reasoned,
    message("assistant", "Two."),
    functionCall("a"),
    functionCall("b"),
    output("b", "B"),
    output("a", "A"),
    functionCall("c"),
    output("c"),
    reasoned,
    functionCall("d"),
    message("user", "typed meanwhile"),
    output("d"),
    message("developer", "later"),
    message("assistant", "End."),
  ];
  const messages = (await messagesOf(input)) as unknown[];
  assert.deepEqual(messages, [
    { role: "system", content: "Be brief.\n\nrules" },
    { role: "user", content: "go" },
    { role: "assistant", content: "Two.", tool_calls: calls("a", "b") },
    { role: "tool", tool_call_id: "a", content: "A" },
    { role: "tool", tool_call_id: "b", content: "B" },
    { role: "assistant", content: null, tool_calls: calls("c") },
    { role: "tool", tool_call_id: "c", content: "done" },
    { role: "assistant", content: null, tool_calls: calls("d") },
    { role: "tool", tool_call_id: "d", content: "done" },
    bridge,
    { role: "user", content: "typed meanwhile\n\nlater" },
    { role: "assistant", content: "End." },
  ]);
});

test("custom calls are function calls with one input; images of outputs follow as the user's", async () => {
  const image = { type: "input_image", image_url: "data:image/png;base64,AA==", detail: "high" } as const;
  const messages = await messagesOf(
    [
      { type: "message", role: "user", content: [{ type: "input_text", text: "see" }, image] },
      { type: "custom_tool_call", name: "apply_patch", input: "*** x", call_id: "p" },
      { type: "custom_tool_call_output", call_id: "p", output: [{ type: "input_text", text: "shot" }, image] },
    ],
    { instructions: "" },
  );
  const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AA==", detail: "high" } };
  assert.deepEqual(messages, [
    { role: "user", content: [{ type: "text", text: "see" }, picture] },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "p", type: "function", function: { name: "apply_patch", arguments: '{"input":"*** x"}' } }],
    },
    { role: "tool", tool_call_id: "p", content: "shot" },
    bridge,
    { role: "user", content: [{ type: "text", text: "Images of the output of tool call p:" }, picture] },
  ]);
});

test("text, reasoning, calls of both kinds and usage become events", async () => {
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    server.enqueue([
      reasoning({ raw: "think" }),
      text("Hello", { chunks: 2 }),
      call("shell", { command: ["ls"] }, "c1"),
      customCall("apply_patch", "*** Begin", "c2"),
      usage({ input: 7, cached: 3, output: 2, reasoning: 1 }),
    ]);
    const events = await collect(model, { tools: [shell, patch] });
    assert.equal(said(events), "Hello");
    assert.equal(said(events, "raw_reasoning_delta"), "think");
    assert.deepEqual(itemsOf(events), [
      {
        type: "reasoning",
        summary: [],
        content: [{ type: "reasoning_text", text: "think" }],
        sealed: { field: "reasoning_content" },
      },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello" }] },
      { type: "function_call", name: "shell", arguments: '{"command":["ls"]}', call_id: "c1" },
      { type: "custom_tool_call", name: "apply_patch", input: "*** Begin", call_id: "c2" },
    ]);
    assert.deepEqual(events.at(-1), {
      type: "completed",
      usage: { input: 7, cachedInput: 3, output: 2, reasoningOutput: 1, total: 9 },
    });
  });
});

const chunk = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;
const piece = (fields: { index?: number; id?: string | null; name?: string; arguments?: string }) => {
  const { name, arguments: args, ...rest } = fields;
  const target = { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) };
  return chunk({ tool_calls: [{ ...rest, function: target }] });
};
const finish = (reason: string, more: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: reason }], ...more })}\n\n`;

/** Name, arguments and id of each call that raw chunks come to. */
async function callsOf(chunks: readonly string[], input: ResponseItem[] = []): Promise<(string | undefined)[][]> {
  let calls: (string | undefined)[][] = [];
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    server.enqueue(raw(chunks.join("")));
    const items = itemsOf(await collect(model, { input, tools: [patch] }));
    calls = items.map((item) => {
      if (item.type === "function_call") return [item.name, item.arguments, item.call_id];
      return item.type === "custom_tool_call" ? [item.name, item.input, item.call_id] : [];
    });
  });
  return calls;
}

test("pieces of parallel calls are told apart by index, and come out in its order", async () => {
  const got = await callsOf([
    piece({ index: 1, id: "b", name: "two", arguments: "" }),
    piece({ index: 0, id: "a", name: "one", arguments: '{"x"' }),
    piece({ index: 1, arguments: '{"y":2}' }),
    piece({ index: 0, id: "a", name: "one", arguments: ":1}" }),
    finish("tool_calls"),
  ]);
  assert.deepEqual(got, [
    ["one", '{"x":1}', "a"],
    ["two", '{"y":2}', "b"],
  ]);
});

test("servers without index, with index 0 for all, without ids, with ids used before", async () => {
  const noIndex = [piece({ id: "a", name: "one", arguments: "{}" }), piece({ id: "b", name: "two", arguments: "{}" })];
  assert.deepEqual(
    (await callsOf([...noIndex, finish("stop")])).map((one) => one[2]),
    ["a", "b"],
  );
  const allZero = [
    piece({ index: 0, id: "a", name: "one", arguments: "{}" }),
    piece({ index: 0, id: "b", name: "two", arguments: "{}" }),
  ];
  assert.deepEqual(
    (await callsOf([...allZero, finish("stop")])).map((one) => one[2]),
    ["a", "b"],
  );
  const noIds = [piece({ index: 0, id: null, name: "one" }), piece({ index: 1, name: "two", arguments: "{}" })];
  const made = await callsOf([...noIds, finish("tool_calls")]);
  assert.deepEqual(
    made.map(([name, args]) => [name, args]),
    [
      ["one", "{}"],
      ["two", "{}"],
    ],
  );
  assert.ok(made.every(([, , id]) => /^call_[0-9a-f]{24}$/.test(id ?? "")) && made[0]![2] !== made[1]![2]);
  const again = [piece({ index: 0, id: "old", name: "one", arguments: "{}" }), finish("tool_calls")];
  const [fresh] = await callsOf(again, [functionCall("old"), output("old")]);
  assert.notEqual(fresh![2], "old");
});

test("a custom call whose arguments are not the JSON asked for is taken as it is", async () => {
  const got = await callsOf([
    piece({ index: 0, id: "p", name: "apply_patch", arguments: "*** Begin" }),
    finish("stop"),
  ]);
  assert.deepEqual(got, [["apply_patch", "*** Begin", "p"]]);
});

test("the end: no [DONE], usage beside the finish, usage after it, none at all", async () => {
  const counts = { prompt_tokens: 3, completion_tokens: 4 };
  const wanted = { input: 3, cachedInput: 0, output: 4, reasoningOutput: 0, total: 7 };
  const cases = [
    [[chunk({ content: "hi" }), finish("stop")], undefined],
    [[chunk({ content: "hi" }), finish("stop", { usage: counts })], wanted],
    [[chunk({ content: "hi" }), finish("stop"), `data: ${JSON.stringify({ choices: [], usage: counts })}\n\n`], wanted],
    [[chunk({ content: "hi" }, { usage: null }), finish("stop"), "data: [DONE]\n\n"], undefined],
  ] as const;
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    for (const [chunks, counted] of cases) {
      server.enqueue(raw(chunks.join("")));
      const events = await collect(model);
      assert.equal(said(events), "hi");
      assert.deepEqual(events.at(-1), { type: "completed", usage: counted });
    }
    server.enqueue([text("hi"), noDone()]);
    assert.equal((await collect(model)).at(-1)?.type, "completed");
  });
});

test("a finish without usage, [DONE] or end of the body still completes", async () => {
  await withModel({ wire: "chat", provider: { streamIdleTimeoutMs: 150 } }, async ({ server, model }) => {
    server.enqueue([raw(chunk({ content: "hi" }) + finish("stop")), stall()]);
    assert.equal((await collect(model)).at(-1)?.type, "completed");
    assert.equal(server.requests.length, 1);
  });
});

test("an end without a finish is an error; with [DONE] it is one where nothing was said", async () => {
  await withModel({ wire: "chat", provider: { streamMaxRetries: 0 } }, async ({ server, model }) => {
    server.enqueue(raw(chunk({ content: "half" })));
    const { events, error } = await collectFailure(model);
    assert.equal(error.kind, "stream");
    assert.equal(said(events), "half");
    server.enqueue(raw(`${chunk({ role: "assistant" })}data: [DONE]\n\n`));
    assert.equal((await collectFailure(model)).error.kind, "stream");
    server.enqueue(raw(`${chunk({ content: "all" })}data: [DONE]\n\n`));
    assert.equal(said(await collect(model)), "all");
  });
});

test("failures in the stream", async () => {
  await withModel({ wire: "chat", provider: { streamMaxRetries: 0 } }, async ({ server, model }) => {
    for (const [reply, kind] of [
      [incomplete("max_output_tokens"), "incomplete"],
      [incomplete("content_filter"), "incomplete"],
      [failed("context_length_exceeded", "long"), "context_window"],
      [failed("server_error", "boom"), "server"],
      [raw('data: {"error":{"code":400,"message":"exceeds the context size"}}\n\n'), "context_window"],
      [raw('data: {"error":"plain words"}\n\n'), "server"],
      [raw("data: {broken\n\n"), "stream"],
    ] as const) {
      server.enqueue([text("half"), reply]);
      assert.equal((await collectFailure(model)).error.kind, kind);
    }
  });
});
