import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { type Expected, SCRIPTS, TABLE_RULES } from "./command-table.js";
import { homeRules, makeFolder, verdictOf, wordFor } from "./verdicts.js";

const folder = makeFolder();
after(() => folder.dispose());
const rules = await homeRules(TABLE_RULES);
const none = await homeRules("");

test("the rules of the table have no mistake, and it has more than 200 command lines", () => {
  assert.deepEqual(rules.problems, []);
  assert.ok(Object.values(SCRIPTS).flat().length > 200);
});

describe("what comes of a script", () => {
  for (const [expected, scripts] of Object.entries(SCRIPTS)) {
    test(`${expected}: ${scripts.length} scripts`, async () => {
      const wrong: string[] = [];
      for (const script of scripts) {
        const verdict = await verdictOf(script, rules, folder.path);
        const got = wordFor(verdict);
        if (got !== expected) wrong.push(`${JSON.stringify(script.slice(0, 100))}: ${got} (${verdict.reason})`);
      }
      assert.deepEqual(wrong, []);
    });
  }
});

test("a shell more or less, and another shell, change nothing", async () => {
  const wrong: string[] = [];
  for (const [expected, scripts] of Object.entries(SCRIPTS)) {
    for (const script of scripts) {
      for (const argv of wrappings(script)) {
        const got = wordFor(await verdictOf(argv, rules, folder.path));
        if (got !== expected) wrong.push(`${JSON.stringify(argv).slice(0, 150)}: ${got}, not ${expected}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

/** The same script otherwise called; within quotes only what has none, and nothing that quotes would end. */
function wrappings(script: string): string[][] {
  const plain = [["/bin/sh", "-c", script]];
  if (script.trim() === "" || /['\r]|^#/.test(script) || script.length > 10_000) return plain;
  return [...plain, ["bash", "-c", `sh -lc '${script}'`]];
}

test("without rules, what a rule allowed or forbade is covered by nothing", async () => {
  for (const expected of ["allow", "ask", "forbid"] satisfies Expected[]) {
    for (const script of SCRIPTS[expected]) {
      assert.equal(wordFor(await verdictOf(script, none, folder.path)), "none", script);
    }
  }
});
