import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { findSession, RolloutWriter, readTurns } from "../../src/rollout/index.js";
import { checkPairs, type HomePlace, item, makeHome, restored, turnOf, words } from "./place.js";

/** Sessions recorded by other programs and by earlier selves: test/fixtures/rollout/README.md. */
const FIXTURES = {
  "belay-0": ["u:cmd:echo belay zero", "a:I will run it.", "a:It ran, 1"],
  "belay-1": ["u:cmd:echo belay one", "a:I will run it.", "a:It ran, 3", "u:second question", "a:answer 4"],
  "codex-0.23-call": ["u:cmd:printf 'one\\ntwo\\n'", "a:I will run it.", "a:It ran, 1"],
  "codex-0.169-killed": ["u:cmd:echo started; sleep 77", "a:I will run it."],
  // Behind the compaction there are the messages that it kept, and what was said since.
  "codex-0.169-compacted": [
    "u:cmd:printf 'one\\ntwo\\n'",
    "u:second question",
    "u:question that compacts",
    "a:answer 5",
  ],
  "codex-0.169-fork": [
    "u:cmd:printf 'one\\ntwo\\n'",
    "a:I will run it.",
    "a:It ran, 1",
    "u:second question",
    "a:answer 2",
    "u:question in the fork",
    "a:answer 3",
  ],
} as const;

function putFixture(place: HomePlace, name: string): { readonly id: string; readonly path: string } {
  const content = readFileSync(`test/fixtures/rollout/${name}.jsonl`, "utf8");
  const head = JSON.parse(content.split("\n", 1)[0]!) as { id?: string; payload?: { id: string } };
  const id = head.id ?? head.payload?.id ?? "";
  return { id, path: place.put(id, content) };
}

/** What was said; context texts and summaries begin with a tag or are a text's length. */
function spoken(list: readonly string[]): string[] {
  return list.filter((word) => /^[ua]:(?![<[#])/.test(word));
}

describe("a session recorded by", () => {
  for (const [name, said] of Object.entries(FIXTURES)) {
    test(`${name} opens, shows, and goes on`, async (t) => {
      const place = makeHome(t);
      putFixture(place, "codex-0.169-compacted");
      const { id, path } = putFixture(place, name);
      const before = await restored(place, path);
      checkPairs(before.items);
      assert.equal(before.id, id);
      assert.deepEqual(spoken(words(before.items)), said);
      assert.deepEqual(before.damage, { skipped: [], missingBlobs: 0, missingBase: undefined });
      const found = findSession(place.home, id.slice(0, 13));
      assert.ok(found.ok);
      assert.equal(found.session.cwd, "/home/user/project");
      const shown = name === "codex-0.169-fork" ? "question in the fork" : said[0].slice(2).replace(/\s+/g, " ");
      assert.equal(found.session.preview, shown);
      const turns = await readTurns(path, { home: place.home, signal: new AbortController().signal });
      assert.equal(turns.at(-1)?.n, turns.length);
      assert.equal(turns[0]?.text, said[0].slice(2).replace(/\s+/g, " "));

      const writer = RolloutWriter.continue({ home: place.home, clock: place.clock, start: before.start });
      writer.expect(before.supplied.map((output) => output.call_id));
      writer.append([...before.supplied.map(item), ...turnOf(7)]);
      writer.close();
      const after = await restored(place, path);
      checkPairs(after.items);
      assert.deepEqual(spoken(words(after.items)), [...said, "u:question 7", "a:answer 7"]);
      assert.equal(after.cutTurn, undefined);
    });
  }

  test("codex 0.169 and killed: the open call gets an output, the cut turn is known", async (t) => {
    const place = makeHome(t);
    const { items, cutTurn, context } = await restored(place, putFixture(place, "codex-0.169-killed").path);
    assert.match(words(items).at(-1) ?? "", /^out:call_\d+_2:KILLED$/);
    assert.deepEqual(
      cutTurn?.calls.map(({ item: call, done }) => [call.name, done]),
      [["exec_command", false]],
    );
    assert.deepEqual(
      [context?.cwd, context?.model, context?.sandbox_policy],
      ["/home/user/project", "mock-model", { mode: "danger-full-access" }],
    );
  });

  test("codex 0.169 tells its own model of its tools: ours is not told", async (t) => {
    const place = makeHome(t);
    const { items } = await restored(place, putFixture(place, "codex-0.169-killed").path);
    assert.equal(
      items.some((one) => one.type === "message" && one.role === "developer"),
      false,
    );
  });
});
