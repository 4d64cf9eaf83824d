import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { journalsOf, makePlace, readTree, runPatch } from "./trees.js";

const FOLDER = join("test", "fixtures", "patch");
const REFUSED = new Set(["005", "006", "007", "008", "009", "012", "013", "015"]);

describe("cases shared with other programs", () => {
  for (const name of readdirSync(FOLDER).filter((entry) => /^\d/.test(entry))) {
    test(name, async (t) => {
      const place = makePlace(t);
      const input = join(FOLDER, name, "input");
      if (existsSync(input)) cpSync(input, place.cwd, { recursive: true });
      const outcome = await runPatch(readFileSync(join(FOLDER, name, "patch.txt"), "utf8"), place);
      assert.equal(outcome.ok, !REFUSED.has(name.slice(0, 3)), outcome.ok ? "applied" : outcome.message);
      const expected = join(FOLDER, name, "expected");
      assert.deepEqual(readTree(place.cwd), existsSync(expected) ? readTree(expected) : {});
      assert.deepEqual(journalsOf(place), []);
    });
  }
});
