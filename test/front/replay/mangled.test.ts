import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Event } from "../../../src/protocol/index.js";
import fc from "../../support/fast-check.js";
import { checkStopContract } from "../../support/stop-contract.js";
import { scratch } from "../../support/talk.js";
import { type Recording, recordConversation } from "./recording.js";
import { type Lines, linesOf, replay, sessionFile, summaryOf, textOfLines } from "./stage.js";

const RUNS = process.env.BELAY_SOAK === undefined ? 15 : 1000;

/** What may have happened to a record: lines lost, doubled, changed places, or said something else. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom("lose", "double", "swap", "retype", "recall", "cut" as const),
    at: fc.nat(200),
    to: fc.nat(200),
  }),
  { minLength: 1, maxLength: 6 },
);

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function mangle(whole: Lines, all: Damage): Lines {
  let lines = structuredClone(whole);
  for (const { kind, at, to } of all) {
    const [one, other] = [at % lines.length, to % lines.length];
    const line = lines[one];
    if (line === undefined) break;
    if (kind === "lose") lines.splice(one, 1);
    else if (kind === "double") lines.splice(other, 0, structuredClone(line));
    else if (kind === "swap") [lines[one], lines[other]] = [lines[other]!, line];
    else if (kind === "retype") line.payload.type = String(lines[other]?.payload.type);
    else if (kind === "recall")
      line.payload.call_id = lines.find(({ payload }) => payload.call_id !== undefined)?.payload.call_id;
    else lines = lines.slice(0, Math.max(1, lines.length - (to % 20)));
    // Ordinals would put all of it right again.
    lines = lines.map((each) => ({ ...each, ordinal: undefined }));
  }
  return lines;
}

describe("a mangled record", () => {
  let recording: Recording;
  const folder = scratch();
  before(async () => {
    recording = await recordConversation();
  });
  after(async () => {
    folder.dispose();
    await recording.dispose();
  });

  test("is played to an end that is told, whatever happened to it", async () => {
    const whole = linesOf(sessionFile(recording.home));
    const path = join(folder.path, "mangled.jsonl");
    await fc.assert(
      fc.asyncProperty(damage, async (all) => {
        writeFileSync(path, textOfLines(mangle(whole, all)));
        const played = await replay(path, { home: recording.home, json: true });
        assert.deepEqual([[0, 1, 2].includes(played.code), played.left], [true, []], played.stderr);
        if (played.code === 2) return;
        const { events, summary } = summaryOf(played);
        assert.deepEqual([summary.stopped, summary.same], [false, played.code === 0]);
        checkStopContract(events as Event[]);
      }),
      { numRuns: RUNS },
    );
  });
});
