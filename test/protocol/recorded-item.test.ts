import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRolloutLine } from "../../src/protocol/index.js";

/** The item that a recorded payload comes to. */
function itemOf(payload: object): unknown {
  const line = { timestamp: "2026-01-01T00:00:00Z", type: "response_item", payload };
  const decoded = decodeRolloutLine(line);
  return decoded?.kind === "line" ? decoded.line.item.payload : decoded;
}

test("text that another program recorded in another shape is text", () => {
  const said = { type: "message", role: "assistant", content: [{ type: "output_text", text: "hi" }] };
  const asked = { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] };
  const image = { type: "input_image", image_url: "data:," };
  for (const [payload, item] of [
    [{ type: "message", role: "assistant", content: "hi" }, said],
    [{ type: "message", role: "assistant", content: [{ type: "text", text: "hi" }] }, said],
    [{ type: "message", role: "assistant", status: "odd", content: ["hi", { type: "audio" }] }, said],
    [
      { type: "message", role: "user", content: [{ type: "text", text: "hi" }, image] },
      { ...asked, content: [...asked.content, image] },
    ],
  ] as const) {
    assert.deepEqual(itemOf(payload), item);
  }
});

test("an output that is an object is its content, or its JSON", () => {
  const output = (value: unknown) => ({ type: "function_call_output", call_id: "c", output: value });
  assert.deepEqual(itemOf(output({ content: "ok", success: true })), output("ok"));
  assert.deepEqual(itemOf(output({ exit: 1 })), output('{"exit":1}'));
  assert.deepEqual(itemOf(output([{ type: "text", text: "seen" }])), output([{ type: "input_text", text: "seen" }]));
});
