import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope } from "../../src/base/index.js";
import type { Settings } from "../../src/engine/settings.js";
import { Turn, type TurnHost } from "../../src/engine/turn.js";
import type { EventMsg } from "../../src/protocol/index.js";

/** A conversation that notes, in order, what the exit of a turn asks of it. */
function noting(notes: string[]): TurnHost {
  return {
    clock: { now: () => 0, monotonic: () => 0 },
    emit: (_, msg) => void notes.push(`event ${msg.type}`),
    changedFiles: async () => [],
    keep: () => [],
    settle: () => void notes.push("history settled"),
    record: async (_, terminal) => void notes.push(`on record ${terminal.type}`),
    release: () => void notes.push("slot free"),
  };
}

const SETTINGS: Settings = {
  cwd: "/",
  model: "m",
  approvalPolicy: "never",
  sandboxPolicy: { mode: "danger-full-access" },
  effort: undefined,
  summary: undefined,
  outputSchema: undefined,
};

test("the exit keeps its order, and what a part that lingers says later is dropped", async () => {
  const notes: string[] = [];
  const turn = new Turn(noting(notes), { id: "1", scope: Scope.root("turn 1"), settings: SETTINGS });
  turn.onEnded(({ status }) => void notes.push(`told ${status}`));
  const late: EventMsg = { type: "background_event", message: "still here" };
  await turn.drive(async () => {
    turn.ledger.owed = { type: "token_count", input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    turn.stop("interrupted");
    return { status: "completed", message: "too late" };
  });
  assert.equal(turn.emit(late), undefined);
  assert.deepEqual(notes, [
    "history settled",
    "event token_count",
    "on record turn_aborted",
    "slot free",
    "event turn_aborted",
    "told interrupted",
  ]);
});
