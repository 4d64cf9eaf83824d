import assert from "node:assert/strict";
import { test } from "node:test";
import { modelInfo } from "../../src/model/index.js";
import type { ResponseItem } from "../../src/protocol/index.js";
import { call, customCall, failed, incomplete, raw, reasoning, status, text, usage } from "../support/model-server.js";
import { collect, collectFailure, itemsOf, said, withModel } from "./model-fixture.js";

const shell = { type: "function", name: "shell", description: "Runs.", parameters: { type: "object" } } as const;
const grammar = { type: "grammar", syntax: "lark", definition: "start: X" } as const;
const patch = { type: "custom", name: "apply_patch", description: "Patches.", format: grammar } as const;

test("the body and headers of a request", async () => {
  await withModel(
    { provider: { headers: { "X-Org": "o1" }, queryParams: { "api-version": "2 5" } } },
    async ({ server, model }) => {
      server.enqueue(text("ok"));
      const input: ResponseItem[] = [
        { type: "message", id: null, role: "user", content: [{ type: "input_text", text: "hé" }] },
        { type: "reasoning", id: "rs_1", summary: [], content: null, encrypted_content: "abc" },
        { type: "reasoning", id: "rs_2", summary: [{ type: "summary_text", text: "s" }] },
        { type: "function_call", id: "fc_1", name: "shell", arguments: "{}", call_id: "c1" },
        { type: "function_call_output", call_id: "c1", output: "done" },
      ];
      const outputSchema = { type: "object" };
      await collect(model, { input, tools: [shell, patch], effort: "high", summary: "auto", outputSchema });
      const got = server.requests[0]!;
      assert.equal(got.path, "/v1/responses?api-version=2+5");
      assert.deepEqual(got.body, {
        model: "m1",
        instructions: "Be brief.",
        input: [
          { type: "message", role: "user", content: [{ type: "input_text", text: "hé" }] },
          { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "abc" },
          { type: "function_call", id: "fc_1", name: "shell", arguments: "{}", call_id: "c1" },
          { type: "function_call_output", call_id: "c1", output: "done" },
        ],
        tools: [{ ...shell, strict: false }, patch],
        tool_choice: "auto",
        parallel_tool_calls: true,
        reasoning: { effort: "high", summary: "auto" },
        store: false,
        stream: true,
        include: ["reasoning.encrypted_content"],
        prompt_cache_key: "conv-1",
        text: { format: { type: "json_schema", name: "belay_output_schema", strict: true, schema: outputSchema } },
      });
      const { host, connection, "content-length": length, ...headers } = got.headers;
      assert.ok(host !== undefined && connection !== undefined && Number(length) > 0);
      assert.deepEqual(headers, {
        accept: "text/event-stream",
        "content-type": "application/json",
        "user-agent": "belay/test",
        "session-id": "conv-1",
        authorization: "Bearer test-key",
        "x-org": "o1",
      });
    },
  );
});

test("without key, reasoning and schema nothing of them is sent", async () => {
  await withModel({ provider: { apiKey: undefined } }, async ({ server, model }) => {
    server.enqueue(text("ok"));
    await collect(model);
    const { body, headers } = server.requests[0]!;
    assert.equal(headers.authorization, undefined);
    assert.ok(!("reasoning" in body) && !("text" in body));
    assert.deepEqual(body.include, []);
  });
});

test("models that think unasked are asked for their thoughts, which the next step has to carry", async () => {
  await withModel({}, async ({ server, model }) => {
    const asked = async (name: string) => {
      server.enqueue(text("ok"));
      await collect(model, { model: name, info: modelInfo(name) });
      const { body } = server.requests.at(-1)!;
      assert.ok(!("reasoning" in body));
      return body.include;
    };
    for (const name of ["gpt-5", "gpt-5-codex", "gpt-5.1", "o3", "o4-mini", "codex-mini-latest"]) {
      assert.deepEqual(await asked(name), ["reasoning.encrypted_content"], name);
    }
    for (const name of ["gpt-4.1", "gpt-4o", "gpt-5-chat-latest", "gpt-oss:20b", "my-o3"]) {
      assert.deepEqual(await asked(name), [], name);
    }
  });
});

test("each item is turned into JSON once, however many requests carry it", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(text("one"), text("two"));
    let reads = 0;
    const content = [{ type: "input_text" as const, text: "hello" }];
    const item: ResponseItem = {
      type: "message",
      role: "user",
      get content() {
        reads += 1;
        return content;
      },
    };
    await collect(model, { input: [item] });
    const first = reads;
    await collect(model, { input: [item, { type: "message", role: "user", content }] });
    assert.equal(reads, first);
    assert.deepEqual(server.requests[1]!.userTexts(), ["hello", "hello"]);
  });
});

test("text, reasoning, calls and usage become events; items come bare, at the end", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue([
      reasoning({ summary: ["First.", "Second."], raw: "hm", encrypted: "xyz" }),
      text("Hello there", { chunks: 3 }),
      call("shell", { command: ["ls"] }, "c1"),
      customCall("apply_patch", "*** Begin", "c2"),
      usage({ input: 100, cached: 40, output: 20, reasoning: 7 }),
    ]);
    const events = await collect(model);
    assert.equal(said(events), "Hello there");
    assert.equal(said(events, "reasoning_delta"), "First.Second.");
    assert.equal(said(events, "raw_reasoning_delta"), "hm");
    assert.equal(events.filter((event) => event.type === "reasoning_section").length, 2);
    const summary = ["First.", "Second."].map((part) => ({ type: "summary_text", text: part }));
    assert.deepEqual(itemsOf(events), [
      {
        type: "reasoning",
        id: "item_0_0",
        summary,
        content: [{ type: "reasoning_text", text: "hm" }],
        encrypted_content: "xyz",
      },
      {
        type: "message",
        id: "item_0_1",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Hello there" }],
      },
      { type: "function_call", id: "item_0_2", name: "shell", arguments: '{"command":["ls"]}', call_id: "c1" },
      { type: "custom_tool_call", id: "item_0_3", name: "apply_patch", input: "*** Begin", call_id: "c2" },
    ]);
    assert.deepEqual(events.at(-1), {
      type: "completed",
      usage: { input: 100, cachedInput: 40, output: 20, reasoningOutput: 7, total: 120 },
    });
  });
});

test("what is not known is passed over: event types without a word, types of items with one", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(
      raw(
        [
          'data: {"type":"response.new_thing"}\n\n',
          'data: {"type":"response.output_item.done","item":{"type":"web_search_call","id":"w"}}\n\n',
          'data: {"type":"response.output_item.done","item":{"type":"message","content":"hi"}}\n\n',
          'data: {"type":"response.completed","response":{"id":"r"}}\n\n',
          'data: {"type":"response.output_text.delta","delta":"late"}\n\n',
        ].join(""),
      ),
    );
    const events = await collect(model);
    assert.deepEqual(
      events.map((event) => event.type),
      ["notice", "item", "completed"],
    );
    assert.match(events[0]?.type === "notice" ? events[0].text : "", /`web_search_call`/);
    assert.deepEqual(itemsOf(events), [
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi" }] },
    ]);
  });
});

test("items that stand in response.completed alone are taken from there", async () => {
  await withModel({}, async ({ server, model }) => {
    const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi" }] }];
    server.enqueue(raw(`data: ${JSON.stringify({ type: "response.completed", response: { output } })}\n\n`));
    assert.deepEqual(itemsOf(await collect(model)), output);
  });
});

test("failures that no retry helps fail at once, by kind", async () => {
  const cases = [
    [failed("context_length_exceeded", "too long"), "context_window", /too long/],
    [failed("insufficient_quota", "no money"), "rate_limit", /no money/],
    [failed("invalid_prompt", "bad words"), "bad_request", /bad words/],
    [incomplete("max_output_tokens"), "incomplete", /max_output_tokens/],
    [raw('data: {"type":"error","code":"invalid_request_error","message":"odd"}\n\n'), "bad_request", /odd/],
    [status(200, "<html>portal</html>", { "content-type": "text/html" }), "bad_request", /portal/],
  ] as const;
  await withModel({}, async ({ server, model }) => {
    for (const [n, [reply, kind, message]] of cases.entries()) {
      server.enqueue(reply);
      const { events, error } = await collectFailure(model);
      assert.deepEqual([error.kind, events], [kind, []]);
      assert.match(error.message, message);
      assert.ok(error.message.includes(new URL(server.url).host), error.message);
      assert.equal(server.requests.length, n + 1);
    }
  });
});
