import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelRequest } from "../../src/model/index.js";
import type { Provider, ResponseItem } from "../../src/protocol/index.js";
import { text } from "../support/model-server.js";
import { collect, withModel } from "./model-fixture.js";

type Json = Record<string, unknown>;

const mine = { provider: "mock", model: "m1" };
const other = { provider: "elsewhere", model: "m9" };

const user = (said: string): ResponseItem => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text: said }],
});
const answer = (said: string, more: object = {}): ResponseItem => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: said }],
  ...more,
});
const called = (call_id: string, more: object = {}): ResponseItem => ({
  type: "function_call",
  name: "exec_command",
  arguments: "{}",
  call_id,
  ...more,
});
const output = (call_id: string): ResponseItem => ({ type: "function_call_output", call_id, output: "ok" });

/** The bodies that go out for one history after the other. */
async function bodies(
  wire: "responses" | "chat",
  inputs: readonly (readonly ResponseItem[])[],
  { provider, ...more }: Partial<ModelRequest> & { readonly provider?: Partial<Provider> } = {},
): Promise<Json[]> {
  let seen: Json[] = [];
  await withModel({ wire, ...(provider === undefined ? {} : { provider }) }, async ({ server, model }) => {
    for (const input of inputs) {
      server.enqueue(text("ok"));
      await collect(model, { input, ...more });
    }
    seen = server.requests.map(({ body }) => body);
    server.takeViolations();
  });
  return seen;
}

async function sent(
  wire: "responses" | "chat",
  input: readonly ResponseItem[],
  more: Parameters<typeof bodies>[2] = {},
): Promise<Json[]> {
  const [body] = await bodies(wire, [input], more);
  return (wire === "responses" ? body!.input : body!.messages) as Json[];
}

const calls = (messages: Json[]): Json[] => messages.flatMap((message) => (message.tool_calls as Json[]) ?? []);

test("ids of items that the server did not make, or that have not the form of their kind, are not its own", async () => {
  const items = await sent("responses", [
    user("go"),
    answer("one", { id: "msg_1", maker: mine }),
    answer("two", { id: "019f-a-uuid", maker: mine }),
    answer("three", { id: "msg_3", maker: other }),
    answer("four", { status: "incomplete" }),
    called("a", { id: "fc_1", maker: mine }),
    output("a"),
    called("b", { id: "fc_2", maker: other }),
    output("b"),
    called("c", { id: "x".repeat(400), maker: mine }),
    output("c"),
  ]);
  const [own, ...made] = items.filter(({ role }) => role === "assistant").map(({ id }) => String(id));
  assert.equal(own, "msg_1");
  assert.ok(made.every((id) => /^msg_b\d+_[a-z0-9]{9}$/.test(id)) && new Set(made).size === 3, made.join());
  assert.deepEqual(
    items.filter(({ type }) => type === "function_call").map(({ id }) => id),
    ["fc_1", undefined, undefined],
  );
});

test("answers, images and cut texts have all the fields that servers check", async () => {
  const image = { type: "input_image", image_url: "data:image/png;base64,AA==" } as const;
  const items = await sent("responses", [
    { type: "message", id: "u1", role: "user", status: "completed", content: [image] },
    answer("half", { status: "incomplete", phase: "commentary", maker: mine }),
    answer("theirs", { phase: "commentary", maker: other }),
  ]);
  assert.deepEqual(items, [
    { type: "message", role: "user", content: [{ ...image, detail: "auto" }] },
    {
      type: "message",
      id: items[1]!.id,
      role: "assistant",
      status: "incomplete",
      phase: "commentary",
      content: [{ type: "output_text", text: "half", annotations: [] }],
    },
    {
      type: "message",
      id: items[2]!.id,
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "theirs", annotations: [] }],
    },
  ]);
});

test("thoughts go back to who made them, and to no other", async () => {
  const thoughts = (more: object): ResponseItem => ({ type: "reasoning", id: "rs_1", summary: [], ...more });
  const input = [
    user("go"),
    thoughts({ encrypted_content: "SEALED-MINE", maker: mine }),
    thoughts({ encrypted_content: "SEALED-THEIRS", maker: other }),
    thoughts({ encrypted_content: "SEALED-OLDER", maker: { ...mine, model: "m0" } }),
    thoughts({ content: [{ type: "reasoning_text", text: "PLAIN" }], maker: mine }),
    thoughts({ summary: [{ type: "summary_text", text: "for showing" }], maker: mine }),
    answer("hi"),
  ];
  assert.deepEqual(
    (await sent("responses", input)).filter(({ type }) => type === "reasoning"),
    [
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "SEALED-MINE" },
      { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "PLAIN" }] },
    ],
  );
});

test("on Chat what a server needs back goes back with the answer it belongs to", async () => {
  const thought = (said: string, sealed: object, maker = mine): ResponseItem => ({
    type: "reasoning",
    summary: [],
    content: [{ type: "reasoning_text", text: said }],
    sealed: { ...sealed },
    maker,
  });
  const details = [{ type: "reasoning.encrypted", data: "SEALED" }];
  const signature = { extra_content: { google: { thought_signature: "SIGNED" } } };
  const input = [
    user("go"),
    thought("first", { field: "reasoning_content", reasoning_details: details }),
    called("a", { sealed: signature, maker: mine }),
    output("a"),
    called("b", { maker: mine }),
    output("b"),
    thought("theirs", { field: "reasoning_content" }, other),
    called("c", { sealed: signature, maker: other }),
    output("c"),
    thought("last", { field: "reasoning", reasoning_details: details }),
    answer("done", { maker: mine }),
  ];
  const plain = { type: "function", function: { name: "exec_command", arguments: "{}" } };
  const answers = (messages: Json[]) => messages.filter(({ role }) => role === "assistant");
  assert.deepEqual(answers(await sent("chat", input)), [
    {
      role: "assistant",
      content: null,
      reasoning_details: details,
      reasoning_content: "first",
      tool_calls: [{ ...signature, id: "a", ...plain }],
    },
    { role: "assistant", content: null, tool_calls: [{ id: "b", ...plain }] },
    { role: "assistant", content: null, tool_calls: [{ id: "c", ...plain }] },
    // Thoughts that led to no call are not asked for again; what is sealed is.
    { role: "assistant", content: "done", reasoning_details: details },
  ]);
  const required = answers(await sent("chat", input, { info: { needsThoughts: true } }));
  assert.deepEqual(
    required.map((message) => message.reasoning_content ?? message.reasoning),
    ["first", "", "", "last"],
  );
  const dropped = answers(await sent("chat", input, { provider: { compat: { thoughts: "dropped" } } }));
  assert.ok(dropped.every((message) => !("reasoning_content" in message) && !("reasoning_details" in message)));
  const signed = calls(await sent("chat", input, { info: { needsSignatures: true } }));
  const skip = { google: { thought_signature: "skip_thought_signature_validator" } };
  assert.deepEqual(
    signed.map((one) => one.extra_content),
    [signature.extra_content, skip, skip],
  );
});

test("what a model called that can be no call goes back as one that can", async () => {
  const broken = [
    ['{"cmd": "echo hi" "x"}', "functions.exec_command"],
    ['["a"]', "no name at all!"],
    ['"text"', ""],
    ["", "x".repeat(90)],
  ] as const;
  const input = broken.flatMap(([args, name], n): ResponseItem[] => [
    { type: "function_call", name, arguments: args, call_id: `c${n}` },
    output(`c${n}`),
  ]);
  const names = ["functions_exec_command", "no_name_at_all_", "unknown", "x".repeat(64)];
  const told = broken.map(([args]) => ({ unreadable_arguments: args }));
  const items = (await sent("responses", input)).filter(({ type }) => type === "function_call");
  const parsed = (text: unknown) => JSON.parse(String(text)) as unknown;
  assert.deepEqual(
    items.map(({ name, arguments: args }) => [name, parsed(args)]),
    names.map((name, n) => [name, told[n]]),
  );
  const functions = calls(await sent("chat", input)).map((one) => one.function as Json);
  assert.deepEqual(
    functions.map(({ name, arguments: args }) => [name, parsed(args)]),
    names.map((name, n) => [name, told[n]]),
  );
});

test("ids of calls obey the receiver, calls and outputs alike, and stay the same as the history grows", async () => {
  const long = `call_${"x".repeat(60)}`;
  const input = [
    user("go"),
    called("functions.exec:0", { maker: mine }),
    output("functions.exec:0"),
    called("functions.exec:1", { maker: other }),
    called("functions_exec_1", { maker: other }),
    output("functions.exec:1"),
    output("functions_exec_1"),
    called(long, { maker: other }),
    output(long),
  ];
  const idsOf = (messages: Json[]) => {
    const made = calls(messages).map(({ id }) => id);
    const answered = messages.filter(({ role }) => role === "tool").map(({ tool_call_id }) => tool_call_id);
    assert.deepEqual(answered, made);
    return made;
  };
  assert.deepEqual(idsOf(await sent("chat", input)), [
    "functions.exec:0",
    "functions_exec_1",
    "functions_exec_1_1",
    "x".repeat(40),
  ]);
  const short = { provider: { compat: { callIds: "short" } } } as const;
  const [first, second] = await bodies("chat", [input.slice(0, 3), input], short);
  const ids = idsOf(second!.messages as Json[]);
  assert.ok(ids.every((id) => /^[A-Za-z0-9]{9}$/.test(String(id))) && new Set(ids).size === 4, String(ids));
  assert.deepEqual(idsOf(first!.messages as Json[]), ids.slice(0, 1));
  // Nothing is remembered that a new start would not find again.
  assert.deepEqual(idsOf(await sent("chat", input, short)), ids);
});

test("user and assistant take turns where a server may want it, and stay apart where it does not", async () => {
  const image = { type: "input_image", image_url: "data:image/png;base64,AA==" } as const;
  const input: ResponseItem[] = [
    user("rules"),
    user('the "place"'),
    user("go"),
    called("a"),
    output("a"),
    user("stop"),
    { type: "message", role: "user", content: [image] },
    answer("one"),
    answer("two"),
    answer(" "),
  ];
  const roles = (messages: Json[]) => messages.map(({ role }) => role);
  const strict = await sent("chat", input);
  assert.deepEqual(roles(strict), ["system", "user", "assistant", "tool", "assistant", "user", "assistant"]);
  assert.equal(strict[1]!.content, 'rules\n\nthe "place"\n\ngo');
  const parts = [
    { type: "text", text: "stop" },
    { type: "image_url", image_url: { url: image.image_url } },
  ];
  assert.deepEqual(strict[5]!.content, parts);
  const free = await sent("chat", input, { provider: { compat: { roles: "free" } } });
  assert.deepEqual(roles(free), ["system", "user", "user", "user", "assistant", "tool", "user", "user", "assistant"]);
  const noSystem = await sent("chat", input, { provider: { compat: { system: "user" } } });
  assert.deepEqual(roles(noSystem).slice(0, 2), ["user", "assistant"]);
  assert.equal(noSystem[0]!.content, 'Be brief.\n\nrules\n\nthe "place"\n\ngo');
});

test("half a surrogate pair never goes out", async () => {
  const torn = "a\ud83d";
  const input = [user(torn), answer(torn), called("a", { arguments: JSON.stringify({ cmd: torn }) }), output("a")];
  for (const wire of ["responses", "chat"] as const) {
    const [body] = await bodies(wire, [input]);
    assert.ok(!JSON.stringify(body).includes("\\ud83d"), wire);
  }
});

test("fields of the user's own lie over the body, fields that are never sent are left out", async () => {
  const provider = {
    extraBody: { chat_template_kwargs: { enable_thinking: true }, store: true },
    compat: { without: ["stream_options", "reasoning.summary", "prompt_cache_key"] },
  };
  const settings = { effort: "high", summary: "auto", verbosity: "low", serviceTier: "flex" } as const;
  const [body] = await bodies("responses", [[user("hi")]], { provider, ...settings });
  assert.deepEqual(body!.chat_template_kwargs, { enable_thinking: true });
  assert.deepEqual([body!.store, body!.reasoning, body!.text], [true, { effort: "high" }, { verbosity: "low" }]);
  assert.deepEqual([body!.service_tier, "prompt_cache_key" in body!], ["flex", false]);
  const [chat] = await bodies("chat", [[user("hi")]], { provider, ...settings });
  assert.deepEqual([chat!.reasoning_effort, chat!.verbosity, chat!.service_tier], ["high", "low", "flex"]);
  assert.ok(!("stream_options" in chat!));
});

test("a custom call is a function call for a model that has no custom tools", async () => {
  const input: ResponseItem[] = [
    user("go"),
    { type: "custom_tool_call", id: "ctc_1", name: "apply_patch", input: "*** x", call_id: "p", maker: other },
    { type: "custom_tool_call_output", call_id: "p", output: "done" },
  ];
  const [, call, result] = await sent("responses", input);
  assert.deepEqual(call, {
    type: "function_call",
    name: "apply_patch",
    arguments: '{"input":"*** x"}',
    call_id: "p",
  });
  assert.deepEqual(result, { type: "function_call_output", call_id: "p", output: "done" });
});
