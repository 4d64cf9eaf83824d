import assert from "node:assert/strict";
import { test } from "node:test";
import { SseParser } from "../../src/model/sse.js";
import fc from "../support/fast-check.js";

function parse(chunks: readonly Buffer[], limit = 1024): string[] {
  const parser = new SseParser(limit);
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
}

test("fields, comments, line ends and the space after the colon", () => {
  const text =
    ": hi\r\nevent: x\r\nid: 1\r\ndata: one\r\n\r\ndata:two\n\ndata:  three\n\ndatax: no\ndata\n\n\n\ndata:\n\n";
  assert.deepEqual(parse([Buffer.from(text)]), ["one", "two", " three", ""]);
});

test("several data lines are one event with line feeds between", () => {
  assert.deepEqual(parse([Buffer.from("data: {\ndata: }\n\n")]), ["{\n}"]);
});

test("a byte order mark at the start is skipped, U+2028 and a lone CR belong to the text", () => {
  assert.deepEqual(parse([Buffer.from("\ufeffdata: a\u2028b\rc\n\n")]), ["a\u2028b\rc"]);
});

test("at the end whole lines count, a line that was cut does not", () => {
  assert.deepEqual(parse([Buffer.from("data: last\n")]), ["last"]);
  assert.deepEqual(parse([Buffer.from("data: last\n\ndata: cu")]), ["last"]);
});

test("events are the same wherever the bytes are cut", () => {
  const event = fc.record({
    lines: fc.array(
      fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, " ")),
      { minLength: 1 },
    ),
    end: fc.constantFrom("\n", "\r\n"),
  });
  const cuts = fc.array(fc.nat(2000), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), cuts, (events, at) => {
      const bytes = Buffer.from(
        events.map(({ lines, end }) => lines.map((line) => `data: ${line}${end}`).join("") + end).join(""),
      );
      const points = [0, ...at.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
      const chunks = points.slice(1).map((to, n) => bytes.subarray(points[n], to));
      assert.deepEqual(
        parse(chunks, 1 << 20),
        events.map(({ lines }) => lines.join("\n")),
      );
    }),
    { numRuns: 200 },
  );
});

test("an event over the limit ends the parsing, held in one line or in many", () => {
  for (const text of [`data: ${"x".repeat(2000)}`, "data: 0123456789\n".repeat(100)]) {
    const parser = new SseParser(1024);
    const before = parser.push(Buffer.from("data: ok\n\n"));
    for (const byte of Buffer.from(text)) parser.push(Buffer.of(byte));
    assert.deepEqual(before, ["ok"]);
    assert.equal(parser.overflowed, true);
    assert.deepEqual(parser.push(Buffer.from("\n\ndata: after\n\n")), []);
    assert.deepEqual(parser.end(), []);
  }
});
