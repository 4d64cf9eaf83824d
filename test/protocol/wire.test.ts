import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LineSplitter } from "../../src/base/index.js";
import { decodeEvent, decodeSubmission, type Event, encodeEvent } from "../../src/protocol/index.js";
import fc from "../support/fast-check.js";
import { eventSamples, opSamples } from "./samples.js";

/** Lines that Codex 0.23 wrote and read; paths replaced by names in angle brackets. */
function fixture(name: string): string[] {
  const lines = readFileSync(`test/fixtures/protocol/${name}.jsonl`, "utf8").trimEnd().split("\n");
  assert.ok(lines.length > 10);
  return lines;
}

function reread(event: Event): unknown {
  const line = encodeEvent(event);
  const splitter = new LineSplitter(1 << 20);
  const lines = splitter.push(Buffer.from(`${line}\n`));
  assert.deepEqual(lines, [{ type: "line", text: line }]);
  return JSON.parse(line);
}

describe("what Codex 0.23 wrote", () => {
  test("every event line decodes, and is written again field by field", () => {
    for (const line of fixture("events")) {
      const decoded = decodeEvent(JSON.parse(line));
      assert.ok(decoded.ok, decoded.ok ? "" : `${decoded.message}: ${line}`);
      assert.deepEqual(reread(decoded.value), JSON.parse(line));
    }
  });

  test("every submission line decodes", () => {
    for (const line of fixture("submissions")) {
      const decoded = decodeSubmission(JSON.parse(line));
      assert.ok(decoded.ok, decoded.ok ? "" : `${decoded.message}: ${line}`);
    }
  });

  test("the lines cover what could be seen of it", () => {
    const seen = new Set(fixture("events").map((line) => JSON.parse(line).msg.type));
    const unseen = Object.keys(eventSamples).filter((type) => !seen.has(type));
    const newer = ["terminal_interaction", "background_terminals_response"];
    const rare = ["agent_reasoning_raw_content_delta", "agent_reasoning_raw_content"];
    const undo = ["undo_started", "undo_completed"];
    assert.deepEqual(unseen, [...rare, ...newer, "view_image_tool_call", "plan_update", ...undo]);
    const ops = new Set(fixture("submissions").map((line) => JSON.parse(line).op.type));
    assert.deepEqual(
      Object.keys(opSamples).filter((type) => !ops.has(type)),
      [
        ...["patch_approval", "list_background_terminals", "terminate_background_terminal"],
        ...["clean_background_terminals", "undo"],
      ],
    );
  });
});

describe("encodeEvent", () => {
  test("every sample comes back as it was", () => {
    for (const [type, samples] of Object.entries(eventSamples)) {
      for (const sample of samples) {
        const wire = { id: "1", msg: { type, ...sample } };
        const decoded = decodeEvent(wire);
        assert.ok(decoded.ok);
        assert.deepEqual(reread(decoded.value), wire);
      }
    }
  });

  test("any bytes and any ids make one JSON line that reads the same", () => {
    const ids = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(ids, ids, fc.uint8Array({ maxLength: 300 }), fc.boolean(), (id, call_id, chunk, isError) => {
        const stream = isError ? "stderr" : "stdout";
        const event: Event = { id, msg: { type: "exec_command_output_delta", call_id, stream, chunk } };
        assert.deepEqual(reread(event), { id, msg: { ...event.msg, chunk: [...chunk] } });
      }),
    );
  });

  test("any text in a message makes one JSON line that reads the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (message) => {
        const event: Event = { id: "1", msg: { type: "agent_message", message } };
        assert.deepEqual(reread(event), event);
      }),
    );
  });
});
