import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeFileOps, parsePatch, planPatch } from "../../src/patch/index.js";
import type { Case } from "./case.js";
import { BYTES } from "./cases-bytes.js";
import { FILES } from "./cases-files.js";
import { FINDING } from "./cases-finding.js";
import { WRITING } from "./cases-writing.js";
import { bytesOf, journalsOf, makePlace, patchOf, readTree, runPatch, WAYS } from "./trees.js";

const GROUPS: Readonly<Record<string, readonly Case[]>> = {
  writing: WRITING,
  finding: FINDING,
  bytes: BYTES,
  files: FILES,
};

for (const [group, cases] of Object.entries(GROUPS)) {
  describe(group, () => {
    for (const { name, before, patch, after, refused } of cases) {
      test(name, async (t) => {
        for (const way of WAYS) {
          const place = makePlace(t, before);
          const outcome = await runPatch(patch, place, nodeFileOps, way);
          if (refused === undefined) assert.ok(outcome.ok, outcome.ok ? "" : outcome.message);
          else assert.match(outcome.ok ? "applied" : outcome.message, refused);
          assert.deepEqual(readTree(place.cwd), bytesOf(after ?? before), way);
          assert.deepEqual(journalsOf(place), []);
        }
      });
    }
  });
}

test("the summary lists added, changed, deleted, as written", async (t) => {
  const place = makePlace(t, { a: "1\n", b: "1\n", c: "1\n" });
  const outcome = await runPatch(
    patchOf(
      "*** Delete File: ./c",
      "*** Update File: a",
      "*** Move to: m",
      "*** Update File: b",
      "@@",
      "-1",
      "+2",
      "*** Add File: n",
      "+1",
    ),
    place,
  );
  assert.deepEqual(outcome, { ok: true, summary: "Success. Updated the following files:\nA n\nM m\nM b\nD ./c\n" });
});

test("planning writes nothing, and tells every path", async (t) => {
  const place = makePlace(t, { a: "1\n", b: "1\n" });
  const parsed = parsePatch(patchOf("*** Update File: a", "*** Move to: x/m", "*** Delete File: b"));
  assert.ok(parsed.ok);
  const planned = await planPatch(parsed.patch, { cwd: place.cwd });
  assert.ok(planned.ok);
  assert.deepEqual(
    [...planned.plan.paths].sort(),
    ["a", "b", "x/m"].map((path) => `${place.cwd}/${path}`),
  );
  assert.deepEqual(readTree(place.cwd), { a: "1\n", b: "1\n" });
});
