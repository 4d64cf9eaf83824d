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

const HI = chunk({ content: "Hi" });
const ITEM = ev("response.output_item.done", { output_index: 0, item: message("Hi") });

/** In short: `good`, or the failure's kind and whether it is tried again. */
function endOf(wire: WireName, bytes: string): string {
  const decoded = decode(wire, bytes);
  if (decoded.end.type === "completed") return "good";
  return `${decoded.end.failure.kind}${decoded.end.failure.retry ? ", again" : ""}`;
}

describe("reasons of Chat servers", () => {
  const reasons: Readonly<Record<string, readonly string[]>> = {
    good: [
      "stop",
      "STOP",
      "end_turn",
      "eos",
      "eos_token",
      "stop_sequence",
      "COMPLETE",
      "FINISH_REASON_STOP",
      "End-Turn",
    ],
    incomplete: [
      "length",
      "max_tokens",
      "MAX_TOKENS",
      "model_length",
      "content_filter",
      "SAFETY",
      "recitation",
      "malformed_function_call",
      "odd",
    ],
    "incomplete, again": [
      "network_error",
      "insufficient_system_resource",
      "abort",
      "aborted",
      "error",
      "cancelled",
      "engine_overloaded",
    ],
    "stream, again": ["", " "],
  };
  for (const [wanted, words] of Object.entries(reasons)) {
    test(wanted, () => {
      for (const word of words) {
        assert.equal(endOf("chat", HI + chunk({}, word)), wanted, word);
        // The word of the server's end makes up for one that is missing, for no other.
        assert.equal(endOf("chat", HI + chunk({}, word) + DONE), word.trim() === "" ? "good" : wanted, word);
      }
    });
  }

  test("the failure has the server's word", () => {
    const failed = failureOf(decode("chat", HI + chunk({}, "malformed_function_call")));
    assert.match(failed.message, /malformed_function_call/);
  });

  test("the latest reason counts", () => {
    assert.equal(endOf("chat", HI + chunk({}, "odd") + chunk({}, "stop") + DONE), "good");
    assert.equal(endOf("chat", HI + chunk({}, "odd") + chunk({}, "") + DONE), "incomplete");
    assert.equal(endOf("chat", chunk({ content: "Hi" }, "stop") + chunk({}, "error") + DONE), "incomplete, again");
  });

  test("nothing at all with a good reason is complete, without one it is not", () => {
    assert.equal(endOf("chat", chunk({}, "stop") + DONE), "good");
    assert.equal(endOf("chat", chunk({ role: "assistant", content: "" }) + DONE), "stream, again");
    assert.equal(endOf("chat", chunk({ reasoning_content: "hm" }) + DONE), "stream, again");
  });
});

test("a reason settles an answer only where it stands alone behind something said", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1 };
  const after = (...frames: string[]) => {
    const decoder = decoderOf("chat");
    const batch = new EventBatch();
    const ends = frames.map((frame) => decoder.accept(frame.slice("data: ".length).trim(), batch));
    return [decoder.settled, decoder.finished, ends.at(-1)?.type];
  };
  assert.deepEqual(after(HI), [false, false, undefined]);
  assert.deepEqual(after(HI, chunk({}, "stop")), [true, true, undefined]);
  assert.deepEqual(after(HI, chunk({}, "")), [false, false, undefined]);
  assert.deepEqual(after(chunk({}, "stop")), [false, true, undefined]);
  assert.deepEqual(after(chunk({ content: "Hi" }, "stop")), [false, true, undefined]);
  assert.deepEqual(after(HI, chunk({}, "stop"), HI), [false, true, undefined]);
  assert.deepEqual(after(HI, chunk({}, "stop"), chunk({}, "error")), [false, false, undefined]);
  assert.deepEqual(after(HI, chunk({}, "stop"), data({ choices: [], usage })), [true, true, "completed"]);
  assert.deepEqual(after(chunk({ content: "Hi" }, "stop"), data({ choices: [], usage })), [false, true, undefined]);
  assert.deepEqual(after(chunk({ role: "assistant" }, "stop"), data({ choices: [], usage })), [false, true, undefined]);
});

test("ends of Responses servers", () => {
  const response = (type: string, fields: object, more: object = {}) => ITEM + ev(type, { response: fields, ...more });
  const done = "response.done";
  const cases: readonly (readonly [string, string])[] = [
    [response("response.completed", {}), "good"],
    [response("response.completed", { status: null, error: null, incomplete_details: null }), "good"],
    [response("response.completed", { status: "" }), "good"],
    [response("response.completed", { status: "Completed", error: {}, incomplete_details: {} }), "good"],
    [ITEM + ev("response.completed"), "good"],
    [response(done, { status: "completed" }), "good"],
    [
      response("response.completed", { status: "failed", error: { code: "server_error", message: "x" } }),
      "server, again",
    ],
    [response("response.completed", { error: { code: "invalid_prompt", message: "x" } }), "bad_request"],
    [response("response.completed", { status: "incomplete" }), "incomplete"],
    [response("response.completed", { incomplete_details: { reason: "max_output_tokens" } }), "incomplete"],
    [response("response.completed", { status: "cancelled" }), "incomplete, again"],
    [response(done, { status: "incomplete" }), "incomplete"],
    [response(done, { status: "failed", status_details: { error: { code: "invalid_prompt" } } }), "bad_request"],
    [response("response.failed", {}, { error: { code: "invalid_prompt" } }), "bad_request"],
    [response("response.cancelled", {}), "incomplete, again"],
    [response("response.incomplete", { incomplete_details: { reason: "content_filter" } }), "incomplete"],
    [response("response.completed", { status: "in_progress" }), "stream, again"],
    [response("response.completed", { status: "in_progress" }) + DONE, "stream, again"],
    [response("response.completed", { status: "odd" }) + DONE, "incomplete"],
    [response("response.completed", { status: "queued" }) + completed(), "good"],
    [ITEM, "stream, again"],
    [completed(), "good"],
  ];
  for (const [bytes, wanted] of cases) assert.equal(endOf("responses", bytes), wanted, bytes);
  assert.match(failureOf(decode("responses", response("response.completed", { status: "odd" }))).message, /"odd"/);
});

test("an error inside a good answer is that failure, with the server's words, on both wires", () => {
  const words = "zeta is gone";
  const frames = [
    data({ error: { message: words, code: 400 } }),
    data({ error: words }),
    data({ error: true, message: words }),
    data({ error: "overloaded", message: words, code: 529 }).replace('"overloaded"', `"${words}"`),
    data({ object: "error", message: words, type: "BadRequestError", code: 400 }),
    data({ type: "error", message: words }),
    data({ type: "error", error: { type: "overloaded_error", message: words } }),
    data([{ error: { message: words } }]),
    data({ message: words, code: "x" }),
    data({ detail: words }),
    `event: error\n${data(words)}`,
    `event: error\n${data({ message: words })}`,
    `event: error\n${data({ code: "x", message: words })}`,
    JSON.stringify({ error: { message: words } }),
    `${JSON.stringify({ error: { message: words } }, null, 2)}\n`,
  ];
  for (const frame of frames) {
    for (const [wire, before, after] of [
      ["chat", HI, chunk({}, "stop") + DONE],
      ["responses", ITEM, completed()],
    ] as const) {
      const failed = failureOf(decode(wire, before + (frame.endsWith("\n\n") ? frame + after : frame)));
      assert.ok(failed.message.includes(words), `${wire} ${frame}: ${failed.message}`);
    }
  }
  assert.ok(
    failureOf(decode("chat", data({ choices: [{ index: 0, error: { message: words } }] }))).message.includes(words),
  );
  assert.ok(failureOf(decode("responses", ev("response.error", { message: words }))).message.includes(words));
});

test("an event that is no JSON is damage; known signs of life are not", () => {
  for (const [wire, before, after] of [
    ["chat", HI, chunk({}, "stop") + DONE],
    ["responses", ITEM, completed()],
  ] as const) {
    for (const life of ["", " ", "{}", "null", "[]", "ping", "[HEARTBEAT]", '"keep-alive"']) {
      assert.equal(endOf(wire, before + data(life) + after), "good", life);
    }
    for (const damage of ["{", '{"choices":[{"del', "Internal error", "<html>", "[1,2]"]) {
      assert.equal(endOf(wire, before + data(damage) + after), "stream, again", damage);
    }
  }
});

test("progress is what an answer brings, not signs of life", () => {
  const rises = (wire: WireName, frames: readonly string[]) => {
    const decoder = decoderOf(wire);
    const batch = new EventBatch();
    return frames.map((frame) => {
      const before = decoder.progress;
      decoder.accept(/^data: (.*)$/m.exec(frame)?.[1] ?? "", batch);
      return decoder.progress > before;
    });
  };
  const brought = [
    HI,
    chunk({ reasoning: "a" }),
    chunk({ tool_calls: [{ index: 0, function: { name: "a" } }] }),
    chunk({}, "stop"),
  ];
  const nothing = [
    data(""),
    data("{}"),
    chunk({}),
    chunk({ role: "assistant", content: "" }),
    chunk({}, ""),
    data({ choices: [] }),
  ];
  assert.deepEqual(
    rises("chat", brought),
    brought.map(() => true),
  );
  assert.deepEqual(
    rises("chat", nothing),
    nothing.map(() => false),
  );
  const delta = { output_index: 0, delta: "a" };
  const told = [
    ev("response.output_text.delta", delta),
    ev("response.reasoning_text.delta", delta),
    ev("response.reasoning_summary_text.delta", delta),
    ev("response.function_call_arguments.delta", { output_index: 1, delta: "a" }),
    ev("response.code_interpreter_call_code.delta", { delta: "a" }),
    ITEM,
    completed(),
  ];
  const idle = [
    "response.created",
    "response.in_progress",
    "response.output_text.delta",
    "response.odd",
    "ping",
    "keepalive",
  ];
  assert.deepEqual(
    rises("responses", told),
    told.map(() => true),
  );
  assert.deepEqual(
    rises(
      "responses",
      idle.map((type) => ev(type, { delta: "" })),
    ),
    idle.map(() => false),
  );
});

test("after an end nothing is taken, and the end stays", () => {
  for (const [wire, good] of [
    ["chat", HI + chunk({}, "stop") + DONE],
    ["responses", ITEM + completed()],
  ] as const) {
    const once = decode(wire, good);
    assert.deepEqual(decode(wire, good + data({ error: "late" }) + good).items, once.items);
    const decoder = decoderOf(wire);
    const batch = new EventBatch();
    for (const frame of good.split("\n\n")) decoder.accept(/^data: (.*)$/m.exec(frame)?.[1] ?? "", batch);
    batch.take();
    assert.equal(decoder.finish(batch).type, "completed");
    assert.deepEqual(batch.take(), []);
  }
});
