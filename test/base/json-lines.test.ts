import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Line, LineSplitter } from "../../src/base/index.js";
import fc from "../support/fast-check.js";

const BIG = 1 << 20;

/** Every line of `input`, which arrives cut before each of `cuts`. */
function split(input: string | Uint8Array, { limit = BIG, cuts = [] as readonly number[] } = {}): Line[] {
  const bytes = Buffer.from(input);
  const splitter = new LineSplitter(limit);
  const lines: Line[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    lines.push(...splitter.push(Uint8Array.from(bytes.subarray(start, cut))));
    start = cut;
  }
  lines.push(...splitter.end());
  return lines;
}

function texts(...lines: string[]): Line[] {
  return lines.map((text) => ({ type: "line", text }));
}

describe("line splitter", () => {
  test("splits on LF alone: U+2028, U+2029, U+0085, vertical tab and a lone CR belong to the text", () => {
    const odd = '{"a":"\u2028\u2029\u0085\v\f\r."}';
    assert.deepEqual(split(`${odd}\n{}\n`), texts(odd, "{}"));
  });

  test("a CR before the LF is dropped, one only, also when a chunk ends between the two", () => {
    assert.deepEqual(split("a\r\nb\r\r\n\r\nc\n", { cuts: [2] }), texts("a", "b\r", "c"));
  });

  test("a byte order mark is passed over before the first line alone, wherever chunks end", () => {
    const marked = "\ufeff";
    for (const cut of [1, 2, 3, 4]) {
      assert.deepEqual(split(`${marked}a\n${marked}b\n`, { cuts: [cut] }), texts("a", `${marked}b`));
    }
    assert.deepEqual(split(`${marked}\r\n${marked}a\n`), texts(`${marked}a`));
    assert.deepEqual(split(`\n${marked}a\n`), texts(`${marked}a`));
  });

  test("empty lines are skipped, a last line without its end is given by end()", () => {
    assert.deepEqual(split("\n\n a \n\nlast"), texts(" a ", "last"));
    assert.deepEqual(split(""), []);
  });

  test("characters of one to four bytes survive a cut at every byte", () => {
    const text = "aß€😀\r\n日本語😀\n";
    const size = Buffer.byteLength(text);
    const whole = texts("aß€😀", "日本語😀");
    for (let cut = 0; cut <= size; cut += 1) assert.deepEqual(split(text, { cuts: [cut] }), whole, `cut at ${cut}`);
    assert.deepEqual(split(text, { cuts: [...Array(size).keys()] }), whole);
  });

  test("a line over the limit is dropped whole with its length, and the next one is read", () => {
    const lines = split(`${"x".repeat(10)}\n${"y".repeat(11)}\nok\n${"z".repeat(30)}`, { limit: 10, cuts: [15, 20] });
    assert.deepEqual(lines, [
      { type: "line", text: "x".repeat(10) },
      { type: "too_long", bytes: 11 },
      { type: "line", text: "ok" },
      { type: "too_long", bytes: 30 },
    ]);
  });

  test("bytes that are no UTF-8 are told apart from text, line by line", () => {
    const input = Buffer.concat([
      Buffer.from("ok\n"),
      Buffer.from([0x61, 0xff]),
      Buffer.from("\nß\n"),
      Buffer.from([0xe2, 0x82]),
    ]);
    assert.deepEqual(split(input), [
      { type: "line", text: "ok" },
      { type: "not_utf8", bytes: 2 },
      { type: "line", text: "ß" },
      { type: "not_utf8", bytes: 2 },
    ]);
  });

  test("a splitter can go on after end()", () => {
    const splitter = new LineSplitter(4);
    assert.deepEqual(splitter.push(Buffer.from("abcde")), []);
    assert.deepEqual(splitter.end(), [{ type: "too_long", bytes: 5 }]);
    assert.deepEqual(splitter.push(Buffer.from("fg\n")), texts("fg"));
  });
});

/** Bytes with many line ends, cut characters and odd bytes among them. */
const bytes = fc
  .array(
    fc.oneof(
      fc.constantFrom("\n", "\r\n", "\r", "\u2028", "😀", "{}"),
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.uint8Array({ maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));

test("any chunking gives the lines of the plain model", () => {
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 10 }), fc.nat(20), (input, cutSeeds, limit) => {
      const cuts = cutSeeds.map((seed) => seed % (input.length + 1)).sort((a, b) => a - b);
      assert.deepEqual(split(input, { limit, cuts }), model(input, limit));
    }),
    { numRuns: 2000 },
  );
});

/** All at once, in the plainest way; latin1 keeps one character a byte. */
function model(input: Buffer, limit: number): Line[] {
  const lines: Line[] = [];
  for (const [at, raw] of input.toString("latin1").split("\n").entries()) {
    if (raw.length > limit) {
      lines.push({ type: "too_long", bytes: raw.length });
      continue;
    }
    const unmarked = at === 0 ? raw.replace(/^\xef\xbb\xbf/, "") : raw;
    const line = Buffer.from(unmarked.replace(/\r$/, ""), "latin1");
    if (line.length === 0) continue;
    const text = line.toString("utf8");
    if (Buffer.from(text).equals(line)) lines.push({ type: "line", text });
    else lines.push({ type: "not_utf8", bytes: line.length });
  }
  return lines;
}
