import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chunk, DONE, data, decode, failureOf } from "./decoder-fixture.js";

const STOP = chunk({}, "stop") + DONE;
const ARGS = '{"cmd":"ls"}';
const choice = (fields: object) => data({ choices: [{ index: 0, ...fields }] });
const piece = (fields: object) => chunk({ tool_calls: [fields] });
const fn = (args: unknown, name: string | undefined = "shell") => ({ function: { name, arguments: args } });

function itemsIn(bytes: string) {
  const decoded = decode("chat", bytes);
  assert.equal(decoded.end.type, "completed", JSON.stringify(decoded.end));
  return decoded.items;
}

/** Items in short: a text, `?` and a thought, or a call's name and arguments. */
function told(bytes: string): readonly string[] {
  return itemsIn(bytes).map((item) => {
    if (item.type === "message") return item.content.map((part) => ("text" in part ? part.text : part.type)).join("|");
    if (item.type === "reasoning") return `?${item.content?.map((part) => part.text).join("") ?? ""}`;
    return item.type === "function_call" ? `${item.name}${item.arguments}` : item.type;
  });
}

describe("a text is told once, in whatever shape", () => {
  const text = (value: string) => ({ type: "text", text: value });
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["deltas", chunk({ content: "Hel" }) + chunk({ content: "lo" }) + STOP, ["Hello"]],
    [
      "a message in the place of a delta",
      choice({ message: { content: "Hello" }, finish_reason: "stop" }) + DONE,
      ["Hello"],
    ],
    [
      "messages as pieces",
      choice({ message: { content: "Hel" } }) + choice({ message: { content: "lo" } }) + STOP,
      ["Hello"],
    ],
    ["messages of one text as pieces", choice({ message: { content: "ha" } }).repeat(2) + STOP, ["haha"]],
    [
      "deltas, and a message that says all of it again",
      chunk({ content: "Hel" }) +
        chunk({ content: "lo" }) +
        choice({ message: { content: "Hello" }, finish_reason: "stop" }) +
        DONE,
      ["Hello"],
    ],
    [
      "a message that is fuller than the deltas",
      chunk({ content: "Hel" }) + choice({ message: { content: "Hello" }, finish_reason: "stop" }) + DONE,
      ["Hello"],
    ],
    ["a list of parts", chunk({ content: [text("Hel")] }) + chunk({ content: [text("lo"), "!"] }) + STOP, ["Hello!"]],
    ["one part", chunk({ content: text("Hello") }) + STOP, ["Hello"]],
    ["an unknown part with a text", chunk({ content: [{ type: "new", text: "Hello" }] }) + STOP, ["Hello"]],
    [
      "thoughts among the parts",
      chunk({ content: [{ type: "thinking", thinking: [text("hm")] }, text("Hi")] }) + STOP,
      ["?hm", "Hi"],
    ],
    [
      "thoughts nested deeper",
      chunk({ content: [{ type: "thinking", thinking: [{ type: "x", content: [text("hm")] }] }, text("Hi")] }) + STOP,
      ["?hm", "Hi"],
    ],
    [
      "the older completions",
      choice({ text: "Hel" }) + choice({ text: "lo", finish_reason: "stop" }) + DONE,
      ["Hello"],
    ],
    ["a refusal", chunk({ refusal: "N" }) + chunk({ refusal: "o" }) + STOP, ["refusal"]],
    [
      "a choice that was not asked for",
      data({ choices: [{ index: 1, delta: { content: "B" } }] }) +
        chunk({ content: "A" }) +
        data({
          choices: [
            { index: 1, delta: {}, finish_reason: "length" },
            { index: 0, delta: { content: "!" } },
          ],
        }) +
        STOP,
      ["A!"],
    ],
    [
      "signs of life between",
      chunk({ content: "Hel" }) +
        data("") +
        data("{}") +
        data("null") +
        data("ping") +
        data({ choices: [] }) +
        chunk({ content: "lo" }) +
        STOP,
      ["Hello"],
    ],
  ];
  for (const [name, bytes, wanted] of cases) test(name, () => assert.deepEqual(told(bytes), wanted));
});

describe("a call is told once, in whatever shape", () => {
  const named = { index: 0, id: "a" };
  const rest = (args: unknown, more: object = { index: 0 }) => piece({ ...more, function: { arguments: args } });
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["an object", piece({ ...named, ...fn({ cmd: "ls" }) }) + STOP, [`shell${ARGS}`]],
    ["one call in the place of a list", chunk({ tool_calls: { ...named, ...fn(ARGS) } }) + STOP, [`shell${ARGS}`]],
    ["calls by number", chunk({ tool_calls: { 0: { ...named, ...fn(ARGS) } } }) + STOP, [`shell${ARGS}`]],
    [
      "the older function_call",
      chunk({ function_call: { name: "shell", arguments: '{"cmd"' } }) +
        chunk({ function_call: { arguments: ':"ls"}' } }) +
        chunk({}, "function_call") +
        DONE,
      [`shell${ARGS}`],
    ],
    [
      "both ways at once",
      chunk({ function_call: { name: "shell", arguments: ARGS }, tool_calls: [{ ...named, ...fn(ARGS) }] }) + STOP,
      [`shell${ARGS}`],
    ],
    [
      "without a function",
      chunk({ tool_calls: [{ id: "a", name: "shell", arguments: ARGS }] }) + STOP,
      [`shell${ARGS}`],
    ],
    [
      "all again in the last chunk",
      piece({ ...named, ...fn('{"cmd"') }) + rest(':"ls"}') + rest(ARGS) + STOP,
      [`shell${ARGS}`],
    ],
    [
      "all again with its name and its index",
      piece({ ...named, ...fn(ARGS) }) + piece({ ...named, ...fn(ARGS) }) + STOP,
      [`shell${ARGS}`],
    ],
    [
      "all again with its name, without its index",
      piece({ ...named, ...fn(ARGS) }) + piece({ id: "a", ...fn(ARGS) }) + STOP,
      [`shell${ARGS}`],
    ],
    ["{} first", piece({ ...named, ...fn("{}") }) + rest('{"cmd"') + rest(':"ls"}') + STOP, [`shell${ARGS}`]],
    [
      "a message that says both calls again",
      piece({ ...named, ...fn(ARGS) }) +
        piece({ index: 1, id: "b", ...fn("{}", "two") }) +
        choice({
          message: {
            tool_calls: [
              { id: "a", ...fn(ARGS) },
              { id: "b", ...fn("{}", "two") },
            ],
          },
          finish_reason: "tool_calls",
        }) +
        DONE,
      [`shell${ARGS}`, "two{}"],
    ],
    [
      "one id for several",
      piece({ ...named, ...fn(ARGS) }) + piece({ index: 1, id: "a", ...fn("{}", "two") }) + STOP,
      [`shell${ARGS}`, "two{}"],
    ],
    [
      "one index for several, without ids",
      piece({ index: 0, ...fn(ARGS) }) + piece({ index: 0, ...fn('{"n":1}', "two") }) + STOP,
      [`shell${ARGS}`, 'two{"n":1}'],
    ],
    [
      "id and name with each piece",
      ['{"cmd"', ':"ls"', "}"].map((args) => piece({ id: "a", ...fn(args) })).join("") + STOP,
      [`shell${ARGS}`],
    ],
    ["no arguments", piece({ ...named, ...fn("") }) + STOP, ["shell{}"]],
    ["badly written", piece({ ...named, ...fn('{"cmd": "a" "b"}') }) + STOP, ['shell{"cmd": "a" "b"}']],
  ];
  for (const [name, bytes, wanted] of cases) test(name, () => assert.deepEqual(told(bytes), wanted));

  test("ids are never shared", () => {
    const items = itemsIn(piece({ ...named, ...fn(ARGS) }) + piece({ index: 1, id: "a", ...fn(ARGS) }) + STOP);
    const ids = items.map((item) => (item.type === "function_call" ? item.call_id : ""));
    assert.equal(ids[0], "a");
    assert.equal(new Set(ids).size, 2);
  });

  test("what is missing of a call fails the attempt, and another may do better", () => {
    for (const [name, bytes] of [
      ["cut", piece({ ...named, ...fn('{"cmd":"l') }) + STOP],
      ["cut", piece({ ...named, ...fn('{"cmd":"l') }) + DONE],
      ["without its name", piece({ index: 0, function: { arguments: ARGS } }) + STOP],
      ["no call came", chunk({ content: "I run it." }) + chunk({}, "tool_calls") + DONE],
    ] as const) {
      const failed = failureOf(decode("chat", bytes));
      assert.deepEqual([failed.kind, failed.retry], ["stream", true], name);
      assert.ok(failed.message.includes(name), failed.message);
    }
  });
});

describe("what only the server can read is kept as it came", () => {
  test("where thoughts came from, and fields beside them", () => {
    const sealed = (bytes: string) => {
      const [first] = itemsIn(bytes + STOP);
      return first?.type === "reasoning" ? first.sealed : first?.type;
    };
    assert.deepEqual(sealed(chunk({ reasoning: "a" }) + chunk({ reasoning: "b" })), { field: "reasoning" });
    assert.deepEqual(sealed(chunk({ reasoning_content: "a", reasoning: "a" })), { field: "reasoning_content" });
    assert.deepEqual(sealed(chunk({ reasoning_opaque: "O", extra_content: { a: 1 } })), {
      reasoning_opaque: "O",
      extra_content: { a: 1 },
    });
    assert.equal(sealed(chunk({ content: [{ type: "thinking", thinking: "hm" }] })), undefined);
  });

  test("pieces of details are joined by index, type and id", () => {
    const detail = (...details: object[]) => chunk({ reasoning_details: details });
    const [item] = itemsIn(
      detail({ type: "reasoning.text", index: 0, text: "a" }) +
        detail({ type: "reasoning.text", index: 0, text: "b" }, { type: "reasoning.summary", index: 1, summary: "s" }) +
        detail({ type: "reasoning.text", index: 0, text: "", signature: "sig", format: "f" }) +
        detail({ type: "reasoning.encrypted", index: 2, id: "p", data: "P" }) +
        detail({ type: "reasoning.encrypted", index: 2, id: "q", data: "Q" }) +
        detail({ type: "reasoning.encrypted", id: "e", data: "X" }) +
        detail(
          { type: "reasoning.encrypted", id: "e", data: "Y" },
          { type: "reasoning.encrypted", id: "g", data: "Z" },
        ) +
        STOP,
    );
    assert.deepEqual(item, {
      type: "reasoning",
      summary: [],
      content: [{ type: "reasoning_text", text: "abs" }],
      sealed: {
        reasoning_details: [
          { type: "reasoning.text", index: 0, text: "ab", signature: "sig", format: "f" },
          { type: "reasoning.summary", index: 1, summary: "s" },
          { type: "reasoning.encrypted", index: 2, id: "p", data: "P" },
          { type: "reasoning.encrypted", index: 2, id: "q", data: "Q" },
          { type: "reasoning.encrypted", id: "e", data: "XY" },
          { type: "reasoning.encrypted", id: "g", data: "Z" },
        ],
      },
    });
  });

  test("blocks of thoughts end with their signature", () => {
    const block = (thinking: string, signature: string | null) =>
      chunk({ reasoning_content: thinking, thinking_blocks: [{ type: "thinking", thinking, signature }] });
    const [item] = itemsIn(block("a", null) + block("b", null) + block("", "s1") + block("c", "s2") + STOP);
    assert.deepEqual(item?.type === "reasoning" && item.sealed, {
      field: "reasoning_content",
      thinking_blocks: [
        { type: "thinking", thinking: "ab", signature: "s1" },
        { type: "thinking", thinking: "c", signature: "s2" },
      ],
    });
  });

  test("fields of a call and of its function", () => {
    const target = { name: "shell", arguments: ARGS, thought_signature: "T" };
    const extra = { extra_content: { google: { thought_signature: "G" } }, note: null };
    const [item] = itemsIn(piece({ index: 0, id: "a", type: "function", function: target, ...extra }) + STOP);
    assert.deepEqual(item?.type === "function_call" && item.sealed, {
      extra_content: extra.extra_content,
      function: { thought_signature: "T" },
    });
    const proto = data(
      '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","__proto__":{"x":1},"function":{"name":"shell","arguments":"{}"}}]}}]}',
    );
    const [odd] = itemsIn(proto + STOP);
    assert.equal(Object.getPrototypeOf(odd?.type === "function_call" && odd.sealed), Object.prototype);
  });

  test("over the bound all of it is left out, with a word", () => {
    const big = chunk({
      reasoning_content: "hm",
      reasoning_details: [{ type: "reasoning.encrypted", data: "x".repeat(200_000) }],
    });
    const decoded = decode("chat", big + big + piece({ index: 0, id: "a", ...fn(ARGS), extra_content: 1 }) + STOP);
    assert.equal(decoded.notices.length, 1);
    const [first, second] = decoded.items;
    assert.deepEqual(first?.type === "reasoning" && first.sealed, { field: "reasoning_content" });
    assert.ok(second !== undefined && !("sealed" in second));
  });
});

test("what is no text is named, and an answer of it alone fails", () => {
  const image = chunk({ content: [{ type: "image_url", image_url: { url: "x" } }] });
  const named = decode("chat", chunk({ content: "Look" }) + image + chunk({ images: [1] }) + STOP);
  assert.deepEqual(named.notices.length, 2);
  assert.match(named.notices.join(), /`image_url`.*`images`/);
  const failed = failureOf(decode("chat", image + STOP));
  assert.deepEqual([failed.kind, failed.retry], ["bad_request", false]);
});

test("a whole answer as JSON is one event", () => {
  const whole = (finish_reason: string | null) => ({
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Hi", tool_calls: [{ id: "a", ...fn(ARGS) }] },
        finish_reason,
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2 },
  });
  for (const reason of ["tool_calls", null]) {
    assert.deepEqual(told(JSON.stringify(whole(reason), null, 2)), ["Hi", `shell${ARGS}`]);
  }
  assert.equal(failureOf(decode("chat", JSON.stringify(whole("length")))).kind, "incomplete");
  assert.deepEqual(told(JSON.stringify({ choices: whole("stop").choices })), ["Hi", `shell${ARGS}`]);
});
