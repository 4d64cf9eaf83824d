import assert from "node:assert/strict";
import { test } from "node:test";
import { readLenientValue, readLenientValues } from "../../src/base/index.js";
import fc from "../support/fast-check.js";

const only = (text: string): unknown => {
  const values = readLenientValues(text);
  return values?.length === 1 ? values[0]?.value : undefined;
};

test("what JSON can say is read as JSON reads it, with blanks anywhere", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4, noUnicodeString: false }), fc.constantFrom(0, 1, "\t"), (json, indent) => {
      const value: unknown = JSON.parse(json);
      const text = ` ${JSON.stringify(value, null, indent)}\r\n`;
      assert.deepEqual(
        readLenientValues(text)?.map((one) => one.value),
        [JSON.parse(text)],
      );
    }),
    { numRuns: 1000 },
  );
});

test("a torn object, list or string is never completed", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
      fc.boolean(),
      fc.nat(),
      (fields, quoted, cut) => {
        const whole = quoted ? JSON.stringify(JSON.stringify(fields)) : JSON.stringify(fields);
        assert.equal(readLenientValues(whole.slice(0, 1 + (cut % (whole.length - 1)))), undefined);
      },
    ),
    { numRuns: 1000 },
  );
});

test("what is written for JSON where it can mean one thing", () => {
  for (const [text, value] of [
    ["{'a': 'b \"c\"', \"d\": True, e: None, f: [False,],}", { a: 'b "c"', d: true, e: null, f: [false] }],
    ['{"a":"one\ntwo\tthree\u0001"}', { a: "one\ntwo\tthree\u0001" }],
    [String.raw`'it\'s'`, "it's"],
    [String.raw`"\u00e4\n\\\/"`, "ä\n\\/"],
    ['{"$a-b":-1.5e2}', { "$a-b": -150 }],
  ] as const) {
    assert.deepEqual(only(text), value, text);
  }
});

test("what can mean two things, or nothing, is not read", () => {
  for (const text of [
    ..."{ [ \" ' } ] , : {, [, [1 {'a' {'a': {a} {a:b} NaN Infinity undefined .5 5. +1 01 0x1 1_000 tRue TRUE".split(
      " ",
    ),
    ...['{"a":1 "b":2}', '["a" "b"]', "{'a': 'it's'}", "{,}", "[1,,2]", '"a" + "b"', "// a\n1", "{}}", "'a'b"],
    ...[String.raw`"\'"`, String.raw`"\d"`, String.raw`'\x41'`, String.raw`"\u12"`, '"a\\\nb"', "`a`", "\u201ca\u201d"],
    "[".repeat(100_000),
    "[".repeat(65) + "]".repeat(65),
  ]) {
    assert.equal(readLenientValues(text), undefined, text.slice(0, 100));
  }
});

test("a key with two values is named, also deep inside; names of the language's own are plain keys", () => {
  assert.equal(readLenientValue('{"a":{"b":[1],"b":[2]}}')?.doubled, "b");
  assert.equal(readLenientValue('{"a":{"b":[1],"b":[1]}}')?.doubled, undefined);
  const value = only('{"__proto__":{"x":1},"constructor":2}') as object;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
});

test("a value in a text ends where it ends", () => {
  assert.deepEqual(readLenientValue("call {a: [1]} and more", 5), { value: { a: [1] }, end: 13, doubled: undefined });
});
