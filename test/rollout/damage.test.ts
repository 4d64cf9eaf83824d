import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { RolloutWriter } from "../../src/rollout/index.js";
import fc from "../support/fast-check.js";
import {
  called,
  checkPairs,
  gave,
  type HomePlace,
  idOf,
  item,
  makeHome,
  restored,
  said,
  turnOf,
  words,
  writerOf,
} from "./place.js";

/** A session of three turns, the last of them in the middle of a call. */
function recorded(place: HomePlace): { readonly path: string; readonly bytes: Buffer } {
  const writer = writerOf(place, idOf(1));
  writer.append([...turnOf(1), ...turnOf(2), ...turnOf(3).slice(0, 4)]);
  writer.close();
  return { path: writer.path, bytes: readFileSync(writer.path) };
}

/** What of the file's lines is whole when only its first `size` bytes are there. */
function wholeLines(bytes: Buffer, size: number): string[] {
  return bytes
    .subarray(0, size)
    .toString("utf8")
    .split("\n")
    .filter((line) => isWhole(line));
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return line !== "";
  } catch {
    return false;
  }
}

function saidIn(lines: readonly string[]): number {
  return lines.filter((line) => line.includes('"type":"response_item"')).length;
}

/** The file reads, is well-formed, and another turn can be written and read behind it. */
async function checkGoesOn(place: HomePlace, path: string): Promise<string[]> {
  const before = await restored(place, path);
  checkPairs(before.items);
  const writer = RolloutWriter.continue({ home: place.home, clock: place.clock, start: before.start });
  writer.expect(before.supplied.map((output) => output.call_id));
  writer.append([...before.supplied.map(item), ...turnOf(9)]);
  writer.close();
  const after = await restored(place, path);
  checkPairs(after.items);
  assert.deepEqual(words(after.items), [
    ...words(before.items),
    "u:question 9",
    "call:call-9",
    "out:call-9:output 9",
    "a:answer 9",
  ]);
  assert.equal(after.cutTurn, undefined);
  return words(before.items);
}

describe("a power cut at every byte of a session", () => {
  const tails: Readonly<Record<string, (rest: number) => Buffer>> = {
    torn: () => Buffer.alloc(0),
    "zero-filled": (rest) => Buffer.alloc(rest),
    "with a block that never came": () => Buffer.from('\0\0\0\0{"timestamp":"2026'),
  };
  for (const [name, tail] of Object.entries(tails)) {
    test(`${name}: every whole line is kept, and it goes on`, async (t) => {
      const place = makeHome(t);
      const { path, bytes } = recorded(place);
      // Every byte of the last two turns; what stands before is the same over and over.
      const from = bytes.indexOf("question 2");
      for (let size = from; size <= bytes.length; size += 3) {
        writeFileSync(path, Buffer.concat([bytes.subarray(0, size), tail(bytes.length - size)]));
        const kept = await checkGoesOn(place, path);
        const supplied = kept.filter((word) => word.endsWith(":KILLED")).length;
        assert.equal(kept.length - supplied, saidIn(wholeLines(bytes, size)), `cut at byte ${size}`);
      }
    });
  }
});

test("whatever happens to lines in the middle or at the end, what is whole and has its pair is read", async (t) => {
  const place = makeHome(t);
  const { path, bytes } = recorded(place);
  const lines = bytes.toString("utf8").trimEnd().split("\n");
  const damage = fc.record({
    at: fc.nat({ max: lines.length - 1 }),
    kind: fc.constantFrom(
      "torn",
      "doubled",
      "zeros",
      "zeros behind",
      "foreign",
      "swapped",
      "lost",
      "glued",
      "not text",
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 6 }), async (damages) => {
      const out = [...lines];
      const broken = new Set<string>();
      for (const { at, kind } of damages) {
        const line = out[at]!;
        if (kind === "torn" || kind === "lost") for (const text of textsIn(line)) broken.add(text);
        if (kind === "torn") out[at] = line.slice(0, line.length / 2);
        else if (kind === "doubled") out[at] = `${line}\n${line}`;
        else if (kind === "zeros") out[at] = `${"\0".repeat(100)}${line}`;
        else if (kind === "zeros behind") out[at] = `${line}${"\0".repeat(100)}{"timestamp":"20`;
        else if (kind === "foreign") out[at] = `${line}\n{"some":"thing"}\n[1]\nnot json at all`;
        else if (kind === "swapped" && at > 0) [out[at - 1], out[at]] = [out[at]!, out[at - 1]!];
        else if (kind === "lost") out[at] = "";
        else if (kind === "glued") out[at] = `${line.slice(0, 40)}${line}${lines[0]}`;
        else if (kind === "not text") out[at] = `${line}\n\u00ff\u00fe\u0080`;
      }
      // The recorded lines are ASCII: what is not is written as single bytes, which are no UTF-8.
      writeFileSync(path, Buffer.from(`${out.join("\n")}\n`, "latin1"));
      const { items } = await restored(place, path);
      checkPairs(items);
      for (const text of lines.flatMap(textsIn)) {
        if (broken.has(text)) continue;
        assert.equal(words(items).filter((word) => word.slice(2) === text).length, 1, text);
      }
      await checkGoesOn(place, path);
    }),
    { numRuns: 150 },
  );
});

/** What was said in a line. */
function textsIn(line: string): string[] {
  return [...line.matchAll(/"text":"((?:question|answer) \d)"/g)].map(([, text = ""]) => text);
}

describe("what a damaged or foreign order of lines comes to", () => {
  test("a call whose output is lost in the middle is given one; the killed one at the end another", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append([...turnOf(1), ...turnOf(2).slice(0, 4)]);
    writer.close();
    const text = readFileSync(writer.path, "utf8");
    writeFileSync(
      writer.path,
      text
        .split("\n")
        .filter((line) => !line.includes('"output 1"'))
        .join("\n"),
    );
    const { items, supplied, cutTurn } = await restored(place, writer.path);
    assert.deepEqual(words(items), [
      "u:question 1",
      "call:call-1",
      "a:answer 1",
      "out:call-1:LOST",
      "u:question 2",
      "call:call-2",
      "out:call-2:KILLED",
    ]);
    assert.deepEqual(
      supplied.map((output) => output.call_id),
      ["call-2"],
    );
    assert.deepEqual(
      [cutTurn?.turnId, cutTurn?.calls.map(({ item: call, done }) => [call.call_id, done])],
      ["turn-2", [["call-2", false]]],
    );
  });

  test("lines that changed places are put in order by their ordinals", async (t) => {
    const place = makeHome(t);
    const { path, bytes } = recorded(place);
    const before = await restored(place, path);
    const lines = bytes.toString("utf8").trimEnd().split("\n");
    writeFileSync(path, `${[lines[0], ...lines.slice(8), ...lines.slice(1, 8)].join("\n")}\n`);
    const after = await restored(place, path);
    assert.deepEqual([before.reordered, after.reordered], [false, true]);
    assert.deepEqual(words(after.items), words(before.items));
  });

  test("a user's message between call and output waits for the output", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    const user = item({ type: "message", role: "user", content: [{ type: "input_text", text: "steer" }] });
    writer.append([item(called("a")), user, item(gave("a", "x")), item(said("y"))]);
    writer.close();
    assert.deepEqual(words((await restored(place, writer.path)).items), ["call:a", "out:a:x", "u:steer", "a:y"]);
  });

  test("a line longer than any real one is passed over without being held", async (t) => {
    const place = makeHome(t);
    const { path, bytes } = recorded(place);
    const huge = Buffer.alloc(70 * 1024 * 1024, 0x61);
    huge[huge.length - 1] = 0x0a;
    const end = bytes.indexOf("\n", bytes.indexOf("answer 1")) + 1;
    writeFileSync(path, Buffer.concat([bytes.subarray(0, end), huge, bytes.subarray(end)]));
    const { items, damage } = await restored(place, path);
    assert.deepEqual(
      damage.skipped.map(({ at, bytes: size, why }) => [at, size, why]),
      [[end, huge.length - 1, "not text"]],
    );
    assert.equal(items.length, 11);
  });
});
