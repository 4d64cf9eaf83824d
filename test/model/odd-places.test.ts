import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EventBatch } from "../../src/model/event-batch.js";
import {
  chunk,
  completed,
  DONE,
  data,
  decode,
  decoderOf,
  ev,
  failureOf,
  message,
  type WireName,
} from "./decoder-fixture.js";
import { collectFailure, said } from "./model-fixture.js";
import { plainServer } from "./plain-server.js";

const STOP = chunk({}, "stop") + DONE;
const ARGS = '{"cmd":"ls"}';
const choice = (fields: object) => data({ choices: [fields] });
const fn = (more: object = {}) => ({ id: "a", function: { name: "shell", arguments: ARGS }, ...more });
const item = (raw: object) => ev("response.output_item.done", { output_index: 0, item: raw });
const text = (delta: string) => ev("response.output_text.delta", { output_index: 0, delta });

/** Items in short: a text, or a call's name and arguments; or why there are none. */
function told(wire: WireName, bytes: string): string {
  const { end, items } = decode(wire, bytes);
  if (end.type === "failed") return `failed: ${end.failure.message}`;
  const short = items.map((one) => {
    if (one.type === "message") return one.content.map((part) => ("text" in part ? part.text : part.type)).join("|");
    return one.type === "function_call" ? `${one.name}${one.arguments}` : one.type;
  });
  return short.join(" ");
}

describe("an answer in a place of its own is an answer", () => {
  const inChoices = (...choices: object[]) => data({ object: "chat.completion", choices });
  const cases: readonly (readonly [string, WireName, string, string])[] = [
    ["a delta that is the text", "chat", choice({ delta: "Hi" }) + STOP, "Hi"],
    ["`text` in the delta", "chat", chunk({ text: "Hi", content: "" }) + STOP, "Hi"],
    ["`text` beside an empty delta", "chat", choice({ delta: {}, text: "Hi" }) + STOP, "Hi"],
    [
      "a call beside the delta",
      "chat",
      choice({ delta: { content: "Hi" }, tool_calls: [fn()] }) + STOP,
      `Hi shell${ARGS}`,
    ],
    [
      "a call in a choice of its own",
      "chat",
      choice({ index: 0, delta: { content: "Hi" } }) + choice({ index: 1, delta: { tool_calls: [fn()] } }) + STOP,
      `Hi shell${ARGS}`,
    ],
    [
      "calls in choices without numbers",
      "chat",
      inChoices({ message: { content: "Hi" }, finish_reason: "stop" }, { message: { tool_calls: [fn()] } }),
      `Hi shell${ARGS}`,
    ],
    ["no choice but one with another number", "chat", choice({ index: 1, delta: { content: "Hi" } }) + DONE, "Hi"],
    [
      "a call among the parts",
      "chat",
      chunk({ content: [{ type: "tool_use", id: "a", name: "shell", input: { cmd: "ls" } }] }) + STOP,
      `shell${ARGS}`,
    ],
    [
      "a name behind its arguments",
      "chat",
      chunk({ tool_calls: [{ index: 0, id: "a", function: { arguments: ARGS } }] }) +
        chunk({ tool_calls: [{ index: 0, function: { name: "shell" } }] }) +
        STOP,
      `shell${ARGS}`,
    ],
    [
      "arguments called parameters",
      "chat",
      chunk({ tool_calls: [{ name: "shell", parameters: { cmd: "ls" } }] }) + STOP,
      `shell${ARGS}`,
    ],
    ["the text beside the list", "responses", completed({ output: [], output_text: "Hi" }), "Hi"],
    ["the text in both", "responses", completed({ output: [message("Hi")], output_text: "Hi" }), "Hi"],
    ["a text in place of the list", "responses", completed({ output: "Hi" }), "Hi"],
    ["an item in place of the list", "responses", completed({ output: message("Hi") }), "Hi"],
    ["a part in place of an item", "responses", item({ type: "output_text", text: "Hi" }) + completed(), "Hi"],
    ["`text` in place of content", "responses", item({ type: "message", text: "Hi" }) + completed(), "Hi"],
    ["the words of the realtime wire", "responses", ev("response.text.delta", { delta: "Hi" }) + completed(), "Hi"],
    [
      "a call of another protocol",
      "responses",
      item({ type: "tool_use", id: "a", name: "shell", input: { cmd: "ls" } }) + completed(),
      `shell${ARGS}`,
    ],
    [
      "calls within a message",
      "responses",
      item({ ...message("Hi"), tool_calls: [fn()] }) + completed(),
      `Hi shell${ARGS}`,
    ],
    [
      "pieces that nobody knows, and nothing else",
      "responses",
      ev("response.new.delta", { delta: "Hi" }) + completed(),
      "failed: nothing of the answer is known to Belay: an event `response.new.delta`",
    ],
  ];
  for (const [name, wire, bytes, wanted] of cases) test(name, () => assert.equal(told(wire, bytes), wanted));
});

test("a name that is streamed is put together where that makes a tool's name", () => {
  const tools = [{ type: "function" as const, name: "run_shell", description: "", parameters: {} }];
  const bytes =
    chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "run_" } }] }) +
    chunk({ tool_calls: [{ index: 0, function: { name: "shell", arguments: ARGS } }] }) +
    STOP;
  const [call] = decode("chat", bytes, { tools }).items;
  assert.equal(call?.type === "function_call" && call.name, "run_shell");
});

test("a second choice with a text of its own is no part of the answer, and is told of", () => {
  const both = {
    choices: [
      { index: 0, delta: { content: "A" } },
      { index: 1, delta: { content: "B" } },
    ],
  };
  const { items, notices } = decode("chat", data(both) + STOP);
  assert.equal(items.length, 1);
  assert.match(notices.join(), /a second choice/);
});

test("a bad end is one wherever it stands, and beside a good word of a router", () => {
  for (const end of [
    choice({ delta: { finish_reason: "length" } }),
    choice({ delta: {}, finishReason: "MAX_TOKENS" }),
    choice({ delta: {}, stop_reason: "max_tokens" }),
    data({ choices: [{ delta: {} }], finish_reason: "length" }),
    choice({ delta: {}, finish_reason: "stop", native_finish_reason: "MAX_TOKENS" }),
    choice({ delta: {}, finish_reason: "stop", native_finish_reason: "MALFORMED_FUNCTION_CALL" }),
  ]) {
    assert.equal(failureOf(decode("chat", chunk({ content: "Hi" }) + end + DONE)).kind, "incomplete", end);
  }
  for (const native of ["completed", "STOP", "end_turn", "stop_sequence", "new"]) {
    const end = choice({ delta: {}, finish_reason: "stop", native_finish_reason: native });
    assert.equal(told("chat", chunk({ content: "Hi" }) + end + DONE), "Hi");
  }
});

test("words that may be an error are one where no good end comes", () => {
  const half = { chat: chunk({ content: "Hi" }), responses: text("Hi") };
  const good = { chat: STOP, responses: completed() };
  for (const words of [
    { code: 7, msg: "zeta" },
    { success: false, message: "zeta" },
    { errors: [{ message: "zeta" }] },
  ]) {
    for (const wire of ["chat", "responses"] as const) {
      const bytes = half[wire] + data(words);
      assert.match(failureOf(decode(wire, bytes)).message, /zeta/);
      assert.match(failureOf(decode(wire, bytes + DONE)).message, /zeta/);
    }
  }
  for (const words of [
    { message: "queued" },
    { status: "processing", message: "queued" },
    { code: 0, message: "ok" },
  ]) {
    for (const wire of ["chat", "responses"] as const)
      assert.equal(told(wire, data(words) + half[wire] + good[wire]), "Hi");
  }
});

test("an error within a choice is told in its words", () => {
  for (const error of [{ delta: { error: "zeta" } }, { message: { error: { message: "zeta" } } }]) {
    assert.match(failureOf(decode("chat", choice({ ...error, finish_reason: "error" }))).message, /zeta/);
  }
  assert.match(
    failureOf(decode("chat", data({ choices: [{ delta: {} }], x_groq: { error: "zeta" } }))).message,
    /zeta/,
  );
});

test("words beside the events are the reason why a stream broke", async (t) => {
  for (const words of ["zeta upstream reset\n", "<title>zeta upstream reset</title>\n", "zeta upstream reset"]) {
    const site = await plainServer(t, (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(chunk({ content: "Hi" }) + words);
    });
    const { events, error } = await collectFailure(site.model({ wireApi: "chat", streamMaxRetries: 0 }));
    assert.match(error.message, /zeta upstream reset/);
    assert.equal(said(events), "Hi");
  }
});

describe("what was said is told as deltas when the answer fails", () => {
  const failed = ev("response.failed", { response: { status: "failed", error: { message: "zeta" } } });
  const cases: readonly (readonly [string, string, string])[] = [
    ["an item", item(message("Hi")) + failed, "Hi"],
    ["a whole text", ev("response.output_text.done", { text: "Hi" }) + failed, "Hi"],
    ["the list of the end", ev("response.incomplete", { response: { output: [message("Hi")] } }), "Hi"],
    ["the list of an end that is none", completed({ status: "in_progress", output: [message("Hi")] }), "Hi"],
    ["what goes beyond the pieces", text("H") + item(message("Hi")) + failed, "Hi"],
    ["pieces, told by all else too", text("Hi") + item(message("Hi")) + failed, "Hi"],
    ["beside a call that nobody knows", item(message("Hi")) + item({ type: "computer_call" }) + completed(), "Hi"],
    ["no end at all", item(message("Hi")), "Hi"],
  ];
  for (const [name, bytes, wanted] of cases) {
    test(name, () => {
      const decoder = decoderOf("responses");
      const batch = new EventBatch();
      for (const event of bytes.split("\n\n"))
        if (event !== "") decoder.accept(event.slice(event.indexOf("data: ") + 6), batch);
      assert.equal(decoder.finish(batch).type, "failed");
      decoder.tellRest(batch);
      const deltas = batch.take().flatMap((one) => (one.type === "text_delta" ? [one.delta] : []));
      assert.equal(deltas.join(""), wanted);
    });
  }
});

test("a failed response is told by whatever words it has", () => {
  for (const response of [
    { message: "zeta" },
    { incomplete_details: { reason: "zeta" } },
    { error: null, message: "zeta" },
  ]) {
    const failed = ev("response.failed", { response: { status: "failed", ...response } });
    assert.match(failureOf(decode("responses", failed)).message, /zeta/);
  }
});

test("signs of life in other words, and events without an empty line between, harm nothing", () => {
  const good = { chat: chunk({ content: "Hi" }) + STOP, responses: text("Hi") + completed() };
  for (const wire of ["chat", "responses"] as const) {
    for (const sign of [
      "event: ping\ndata: 2024-01-01 12:00:00\n\n",
      "data: : PROCESSING\n\n",
      "data: keep_alive\n\n",
    ]) {
      assert.equal(told(wire, sign + good[wire].replaceAll("\n\n", `\n\n${sign}`)), "Hi", sign);
    }
    assert.equal(told(wire, good[wire].replaceAll("\n\n", "\n")), "Hi");
    assert.equal(told(wire, good[wire].replaceAll(/event: .*\n/g, "").replaceAll("\n\n", "\n")), "Hi");
  }
  assert.equal(told("chat", `${chunk({ content: "Hi" })}data: DONE\n\n`), "Hi");
});

test("what is told again and again is no progress", () => {
  const again: readonly (readonly [WireName, string])[] = [
    ["chat", chunk({}, "stop")],
    ["chat", chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "shell", arguments: "" } }] })],
    ["chat", chunk({ tool_calls: [{ index: 0, function: { arguments: "" } }] })],
    ["responses", ev("response.output_item.added", { output_index: 0, item: message("", { id: "m" }) })],
    ["responses", ev("response.output_item.added", { output_index: 0, item: { type: "new", id: "n" } })],
  ];
  for (const [wire, bytes] of again) {
    const decoder = decoderOf(wire);
    const accept = () => decoder.accept(bytes.slice(bytes.indexOf("data: ") + 6).trim(), new EventBatch());
    accept();
    const { progress } = decoder;
    accept();
    assert.equal(decoder.progress, progress, bytes);
  }
});
