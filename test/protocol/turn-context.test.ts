import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRolloutLine, reasoningEffortSchema } from "../../src/protocol/index.js";

function contextWith(effort: unknown) {
  const payload = { cwd: "/work", approval_policy: "never", sandbox_policy: { type: "read-only" }, model: "m", effort };
  const decoded = decodeRolloutLine({ timestamp: "2026-01-01T00:00:00.000Z", type: "turn_context", payload });
  assert.ok(decoded?.kind === "line" && decoded.line.item.type === "turn_context");
  return decoded.line.item.payload;
}

test("an effort on record that is not known is no effort: the rest of the line holds", () => {
  for (const effort of reasoningEffortSchema.options) assert.equal(contextWith(effort).effort, effort);
  for (const effort of ["turbo", "", 5, null, {}, undefined]) {
    const context = contextWith(effort);
    assert.deepEqual([context.effort, context.model, context.cwd], [undefined, "m", "/work"]);
  }
});
