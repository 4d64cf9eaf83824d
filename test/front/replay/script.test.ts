import assert from "node:assert/strict";
import { test } from "node:test";
import { writeScript } from "../../../src/front/replay/script.js";
import { decodeRolloutLine, type RolloutLine } from "../../../src/protocol/index.js";

function lineOf(type: string, payload: object): RolloutLine {
  const decoded = decodeRolloutLine({ timestamp: "2026-01-01T00:00:00.000Z", type, payload });
  assert.ok(decoded?.kind === "line");
  return decoded.line;
}

test("a turn runs with what the record said last", () => {
  const turn = (model?: string) => [
    lineOf("event_msg", { type: "task_started", turn_id: "t" }),
    ...(model === undefined ? [] : [lineOf("turn_context", { cwd: "/w", model })]),
    lineOf("response_item", { type: "message", role: "user", content: [{ type: "input_text", text: "go" }] }),
    lineOf("event_msg", { type: "task_complete", turn_id: "t" }),
  ];
  const lines = [...turn("one"), ...turn(), ...turn("two"), ...turn()];
  const damage = { skipped: [], missingBlobs: 0, missingBase: undefined };
  const turns = writeScript({ meta: undefined, lines, damage, reordered: false });
  assert.deepEqual(
    turns.map(({ context }) => context?.model),
    ["one", "one", "two", "two"],
  );
});
