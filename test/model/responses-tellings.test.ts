import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { call, completed, DONE, data, decode, ev, failureOf, message } from "./decoder-fixture.js";

const ARGS = '{"cmd":"ls"}';
const added = (item: object, more: object = { output_index: 0 }) => ev("response.output_item.added", { ...more, item });
const done = (item: object, more: object = { output_index: 0 }) => ev("response.output_item.done", { ...more, item });
const text = (delta: string, more: object = { output_index: 0 }) =>
  ev("response.output_text.delta", { ...more, delta });
const args = (delta: string, more: object = { output_index: 0 }) =>
  ev("response.function_call_arguments.delta", { ...more, delta });

/** Items in short: a text, or a call's name, arguments and id. */
function told(bytes: string): readonly string[] {
  const decoded = decode("responses", bytes);
  assert.equal(decoded.end.type, "completed", JSON.stringify(decoded.end));
  return decoded.items.map((item) => {
    if (item.type === "message") return item.content.map((part) => ("text" in part ? part.text : part.type)).join("|");
    if (item.type === "function_call") return `${item.name}${item.arguments}`;
    if (item.type === "custom_tool_call") return `${item.name}:${item.input}`;
    return item.type;
  });
}

describe("a text is told once, and whole, by whatever tells it", () => {
  const whole = message("Hello", { id: "m" });
  const place = { item_id: "m", output_index: 0 };
  const numbered = (delta: string, sequence_number: number) => text(delta, { ...place, sequence_number });
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["pieces alone", text("Hel") + text("lo") + completed({ output: [] }), ["Hello"]],
    ["pieces without any place", text("Hel", {}) + text("lo", {}) + completed(), ["Hello"]],
    ["a whole text alone", ev("response.output_text.done", { ...place, text: "Hello" }) + completed(), ["Hello"]],
    [
      "a whole part alone",
      ev("response.content_part.done", { ...place, part: { type: "output_text", text: "Hello" } }) + completed(),
      ["Hello"],
    ],
    ["the announcement alone", added(whole) + completed(), ["Hello"]],
    ["the item alone", done(whole) + completed(), ["Hello"]],
    ["the final list alone", completed({ output: [whole] }), ["Hello"]],
    [
      "all of them",
      added(message("", { id: "m" })) +
        text("Hel", place) +
        text("lo", place) +
        ev("response.output_text.done", { ...place, text: "Hello" }) +
        done(whole) +
        completed({ output: [whole] }),
      ["Hello"],
    ],
    [
      "ids that differ with each telling",
      text("Hello", { item_id: "x", output_index: 0 }) +
        done(message("Hello", { id: "y" })) +
        completed({ output: [message("Hello", { id: "z" })] }),
      ["Hello"],
    ],
    ["an item told twice", done(whole) + done(whole) + completed(), ["Hello"]],
    [
      "an item without id and place told twice",
      done(message("Hello"), {}) + done(message("Hello"), {}) + completed(),
      ["Hello"],
    ],
    [
      "two items with one index",
      done(message("One", { id: "a" })) + done(message("Two", { id: "b" })) + completed(),
      ["One", "Two"],
    ],
    ["two nameless items with one index", done(message("One")) + done(message("Two")) + completed(), ["One", "Two"]],
    [
      "pieces of two items with one index",
      text("One") + done(message("One")) + text("Two") + done(message("Two")) + completed(),
      ["One", "Two"],
    ],
    ["each piece twice, by number", numbered("ha", 1) + numbered("ha", 1) + numbered("ha", 2) + completed(), ["haha"]],
    ["all pieces twice, by number", [1, 2, 1, 2].map((n) => numbered(`w${n}`, n)).join("") + completed(), ["w1w2"]],
    [
      "one number for all is none",
      ev("response.created", { sequence_number: 0 }) + numbered("ha", 0) + numbered("ha", 0) + completed(),
      ["haha"],
    ],
    [
      "one number for all, found out late",
      numbered("ha", 0) + numbered("ha", 0) + numbered("!", 0) + completed(),
      ["haha!"],
    ],
    [
      "each piece twice beside a whole",
      text("Hel") + text("Hel") + text("lo") + text("lo") + done(whole) + completed(),
      ["Hello"],
    ],
    ["all pieces twice beside a whole", text("Hello") + text("Hello") + done(whole) + completed(), ["Hello"]],
    ["a piece lost beside a whole", text("lo") + completed({ output: [whole] }), ["Hello"]],
    [
      "pieces behind their item, again",
      text("Hello") + done(message("Hello")) + text("Hel") + text("lo") + completed(),
      ["Hello"],
    ],
    [
      "pieces go beyond the whole",
      text("Hello") + text(" world") + done(whole) + completed({ output: [whole] }),
      ["Hello world"],
    ],
    ["the final list is fuller", done(message("Hel", { id: "m" })) + completed({ output: [whole] }), ["Hello"]],
    ["the final list is shorter", done(whole) + completed({ output: [message("Hel", { id: "m" })] }), ["Hello"]],
    [
      "the beginning in the announcement, the rest in pieces",
      added(message("Hel", { id: "m" })) + text("lo", place) + completed(),
      ["Hello"],
    ],
    [
      "two parts",
      ["One", "Two"].map((delta, content_index) => text(delta, { ...place, content_index })).join("") + completed(),
      ["One|Two"],
    ],
    [
      "two parts without a number",
      ["One", "Two"].map((t) => text(t, {}) + ev("response.output_text.done", { text: t })).join("") + completed(),
      ["One|Two"],
    ],
    [
      "the type in the event's name alone",
      `event: response.output_text.delta\ndata: {"delta":"Hello"}\n\n${completed()}`,
      ["Hello"],
    ],
  ];
  for (const [name, bytes, wanted] of cases) test(name, () => assert.deepEqual(told(bytes), wanted));
});

describe("a call is told once, and whole, by whatever tells it", () => {
  const empty = (more: object = {}) => call("", { id: "f", ...more });
  const place = { item_id: "f", output_index: 0 };
  const argsDone = (value: unknown) => ev("response.function_call_arguments.done", { ...place, arguments: value });
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["the announcement alone", added(call(ARGS, { id: "f" })) + completed(), [`shell${ARGS}`]],
    ["pieces alone", added(empty()) + args('{"cmd"', place) + args(':"ls"}', place) + completed(), [`shell${ARGS}`]],
    ["whole arguments alone", added(empty()) + argsDone(ARGS) + completed(), [`shell${ARGS}`]],
    ["whole arguments as an object", added(empty()) + argsDone({ cmd: "ls" }) + completed(), [`shell${ARGS}`]],
    [
      "pieces with the name",
      ev("response.function_call_arguments.done", { arguments: ARGS, name: "shell" }) + completed(),
      [`shell${ARGS}`],
    ],
    ["the final list alone", completed({ output: [call(ARGS)] }), [`shell${ARGS}`]],
    [
      "empty arguments in the item",
      added(empty()) + args(ARGS, place) + argsDone(ARGS) + done(empty()) + completed({ output: [] }),
      [`shell${ARGS}`],
    ],
    [
      "{} in the item",
      added(empty()) + args(ARGS, place) + done(call("{}", { id: "f" })) + completed(),
      [`shell${ARGS}`],
    ],
    [
      "an object in the final list",
      args(ARGS, place) + completed({ output: [{ ...call(""), id: "f", arguments: { cmd: "ls" } }] }),
      [`shell${ARGS}`],
    ],
    ["no arguments", done(call("")) + completed(), ["shell{}"]],
    ["pieces twice", added(empty()) + args(ARGS, place) + args(ARGS, place) + completed(), [`shell${ARGS}`]],
    ["{} before the pieces", added(empty()) + args("{}", place) + args(ARGS, place) + completed(), [`shell${ARGS}`]],
    [
      "the same call twice",
      done(call(ARGS)) + done(call(ARGS), { output_index: 3 }) + completed({ output: [call(ARGS)] }),
      [`shell${ARGS}`],
    ],
    [
      "two calls with one id and one index",
      done(call(ARGS)) + done(call('{"cmd":"pwd"}')) + completed(),
      [`shell${ARGS}`, 'shell{"cmd":"pwd"}'],
    ],
    [
      "two calls of one kind",
      done(call(ARGS)) + done(call(ARGS, { call_id: "c2" }), { output_index: 1 }) + completed(),
      [`shell${ARGS}`, `shell${ARGS}`],
    ],
    [
      "a message as an item, the call in the final list",
      done(message("Look")) + completed({ output: [message("Look"), call(ARGS)] }),
      ["Look", `shell${ARGS}`],
    ],
    [
      "the final list gives the order",
      done(call(ARGS), { output_index: 0 }) + completed({ output: [message("Look"), call(ARGS)] }),
      ["Look", `shell${ARGS}`],
    ],
    [
      "items in the order of their indexes",
      done(call(ARGS), { output_index: 1 }) + done(message("Look")) + completed(),
      ["Look", `shell${ARGS}`],
    ],
    [
      "a custom tool's input in pieces",
      added({ type: "custom_tool_call", id: "f", name: "patch", call_id: "c", input: "" }) +
        ["*** Be", "gin"].map((delta) => ev("response.custom_tool_call_input.delta", { ...place, delta })).join("") +
        completed(),
      ["patch:*** Begin"],
    ],
  ];
  for (const [name, bytes, wanted] of cases) test(name, () => assert.deepEqual(told(bytes), wanted));

  test("ids: the item's own for want of a call's, else one that is made", () => {
    const { call_id: _, ...bare } = call(ARGS);
    const [first, second] = decode(
      "responses",
      done({ ...bare, id: "fc_9" }) + done({ ...bare, name: "two", call_id: "" }, { output_index: 1 }) + completed(),
    ).items;
    assert.equal(first?.type === "function_call" && first.call_id, "fc_9");
    assert.match(second?.type === "function_call" ? second.call_id : "", /^call_[0-9a-f]{24}$/);
  });

  test("what is missing of a call fails the attempt, and another may do better", () => {
    for (const [name, bytes] of [
      ["cut", added(empty()) + args('{"cmd":"l', place) + completed()],
      ["did not come", added(empty()) + completed()],
      ["without its name", args(ARGS, place) + completed()],
    ] as const) {
      const failed = failureOf(decode("responses", bytes));
      assert.deepEqual([failed.kind, failed.retry], ["stream", true], name);
      assert.ok(failed.message.includes(name), failed.message);
    }
  });

  test("arguments that the model wrote badly are the model's to hear of", () => {
    assert.deepEqual(told(done(call('{"cmd":"l')) + completed()), ['shell{"cmd":"l']);
    assert.deepEqual(told(added(empty()) + args('{"a" 1}', place) + completed()), ['shell{"a" 1}']);
  });
});

test("the content of a message in its shapes", () => {
  const T = "seven";
  const output = (content: unknown, more: object = {}) =>
    completed({ output: [{ type: "message", content, ...more }] });
  for (const content of [
    T,
    [T],
    [{ type: "text", text: T }],
    [
      { type: "output_text", text: T, annotations: [1] },
      { type: "reasoning_text", text: "x" },
    ],
    [
      { type: "thinking", thinking: "x" },
      { type: "new", text: T },
    ],
    [{ type: "new", output_text: T }],
    [{ type: "text", text: { value: T } }],
    { type: "output_text", text: T },
  ]) {
    assert.deepEqual(told(output(content)), [T], JSON.stringify(content));
  }
  assert.deepEqual(told(output(T, { role: null, status: null, id: null })), [T]);
  assert.deepEqual(told(completed({ output: [{ content: T }] })), [T]);
  const odd = decode(
    "responses",
    output([
      { type: "output_text", text: T },
      { type: "output_image", data: "x" },
    ]),
  );
  assert.match(odd.notices.join(), /`output_image`/);
});

test("a refusal is a part of its own, streamed or whole", () => {
  const refusal = [{ type: "refusal", refusal: "No." }];
  for (const bytes of [
    ev("response.refusal.delta", { delta: "N" }) + ev("response.refusal.delta", { delta: "o." }) + completed(),
    ev("response.refusal.done", { refusal: "No." }) + completed(),
    ev("response.refusal.delta", { delta: "No." }) + completed({ output: [{ type: "message", content: refusal }] }),
  ]) {
    assert.deepEqual(decode("responses", bytes).items, [{ type: "message", role: "assistant", content: refusal }]);
  }
});

test("nothing of a server's passes but what is known; the phase does", () => {
  const extra = {
    id: "m",
    phase: "commentary",
    maker: { provider: "p", model: "m" },
    sealed: { a: 1 },
    x: 1,
    status: "odd",
  };
  assert.deepEqual(decode("responses", completed({ output: [message("Hi", extra)] })).items, [
    {
      type: "message",
      id: "m",
      role: "assistant",
      phase: "commentary",
      content: [{ type: "output_text", text: "Hi" }],
    },
  ]);
  const { type, name, arguments: args, call_id } = call(ARGS);
  assert.deepEqual(decode("responses", done(call(ARGS, { maker: {}, sealed: {}, x: 1 })) + completed()).items, [
    { type, name, arguments: args, call_id },
  ]);
  const reasoning = {
    type: "reasoning",
    id: "r",
    summary: ["S"],
    content: [{ type: "reasoning_text", text: "T", x: 1 }],
  };
  assert.deepEqual(
    decode("responses", completed({ output: [{ ...reasoning, maker: {}, encrypted_content: "E" }] })).items,
    [
      {
        type: "reasoning",
        id: "r",
        summary: [{ type: "summary_text", text: "S" }],
        content: [{ type: "reasoning_text", text: "T" }],
        encrypted_content: "E",
      },
    ],
  );
});

test("thoughts told in pieces alone, with a section for each part of the summary, once", () => {
  const at = { item_id: "r", output_index: 0 };
  const part = ev("response.reasoning_summary_part.added", { ...at, summary_index: 0 });
  const decoded = decode(
    "responses",
    part +
      part +
      ev("response.reasoning_summary_text.delta", { ...at, summary_index: 0, delta: "Sum" }) +
      ev("response.reasoning_summary_text.done", { ...at, summary_index: 0, text: "Sum" }) +
      ev("response.reasoning_text.delta", { ...at, delta: "Thi" }) +
      ev("response.reasoning_text.delta", { ...at, delta: "nk" }) +
      done({ type: "reasoning", id: "r", summary: [], encrypted_content: "E" }) +
      completed({ output: [{ type: "reasoning", id: "r", summary: [] }, message("Hi")] }),
  );
  assert.equal(decoded.events.filter((event) => event.type === "reasoning_section").length, 1);
  assert.deepEqual(decoded.items[0], {
    type: "reasoning",
    id: "r",
    summary: [{ type: "summary_text", text: "Sum" }],
    content: [{ type: "reasoning_text", text: "Think" }],
    encrypted_content: "E",
  });
  assert.equal(decoded.items.length, 2);
});

test("items of other types are named; a call that waits for an answer fails, and so does an answer of nothing known", () => {
  const search = { type: "web_search_call", id: "w", status: "completed" };
  const named = decode(
    "responses",
    done(search) + done(message("Hi"), { output_index: 1 }) + completed({ output: [search] }),
  );
  assert.deepEqual([named.notices.length, named.items.length, named.end.type], [1, 1, "completed"]);
  assert.match(named.notices[0]!, /`web_search_call`/);
  const answered = { type: "local_shell_call", call_id: "l", output: "done" };
  assert.equal(decode("responses", done(answered) + done(message("Hi"), {}) + completed()).end.type, "completed");
  for (const item of [
    { type: "computer_call", id: "k" },
    { type: "tool_use", call_id: "k" },
    { type: "mcp_approval_request", id: "k" },
    { type: "image_generation_call", id: "k", result: "AA" },
  ]) {
    const failed = failureOf(decode("responses", done(item) + completed()));
    assert.deepEqual([failed.kind, failed.retry], ["bad_request", false]);
    assert.ok(failed.message.includes(item.type), failed.message);
  }
});

test("more items than any answer has end the attempt", () => {
  const many = Array.from({ length: 600 }, (_, n) => done(message(`${n}`, { id: `m${n}` }), { output_index: n }));
  assert.equal(failureOf(decode("responses", many.join("") + completed())).retry, false);
});

test("a whole answer as JSON is one event", () => {
  const response = { object: "response", status: "completed", error: null, output: [message("Hi"), call(ARGS)] };
  for (const bytes of [JSON.stringify(response), JSON.stringify(response, null, 2), data(response)]) {
    assert.deepEqual(told(bytes), ["Hi", `shell${ARGS}`]);
  }
  const bad = decode("responses", data({ ...response, status: "incomplete", incomplete_details: { reason: "max" } }));
  assert.equal(failureOf(bad).kind, "incomplete");
});

test("[DONE] is a good end of what is whole alone", () => {
  assert.deepEqual(told(done(message("Hi")) + DONE), ["Hi"]);
  assert.deepEqual(told(text("Hi") + DONE), ["Hi"]);
  assert.deepEqual(told(added(call("", { id: "f" })) + args(ARGS, { item_id: "f" }) + DONE), [`shell${ARGS}`]);
  for (const bytes of [
    "",
    ev("response.created"),
    added(message("", { id: "m" })) + text("Ha", { item_id: "m" }),
    added(call("")) + args("{"),
  ]) {
    const failed = failureOf(decode("responses", bytes + DONE));
    assert.deepEqual([failed.kind, failed.retry], ["stream", true], bytes);
  }
});
