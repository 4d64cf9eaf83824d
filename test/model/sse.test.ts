import assert from "node:assert/strict";
import { test } from "node:test";
import { type SseEvent, SseParser } from "../../src/model/sse.js";
import fc from "../support/fast-check.js";

function parseEvents(chunks: readonly Buffer[], limit = 1024): SseEvent[] {
  const parser = new SseParser(limit);
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
}

function parse(chunks: readonly Buffer[], limit = 1024): string[] {
  return parseEvents(chunks, limit).map((event) => event.data);
}

test("fields, comments, line ends and the space after the colon", () => {
  const text =
    ": hi\r\nevent: x\r\nid: 1\r\ndata: one\r\n\r\ndata:two\n\ndata:  three\n\ndatax: no\ndata\n\n\n\ndata:\n\n";
  assert.deepEqual(parse([Buffer.from(text)]), ["one", "two", " three", ""]);
});

test("several data lines are one event with line feeds between", () => {
  assert.deepEqual(parse([Buffer.from("data: {\ndata: }\n\n")]), ["{\n}"]);
});

test("a byte order mark at the start is skipped, U+2028 belongs to the text", () => {
  assert.deepEqual(parse([Buffer.from("\ufeffdata: a\u2028b\n\n")]), ["a\u2028b"]);
});

test("a CR alone ends a line, also where a chunk ends between it and its LF", () => {
  assert.deepEqual(parse([Buffer.from("data: one\r\rdata: two\r\r")]), ["one", "two"]);
  for (const text of ["data: one\r\n\r\ndata: two\r\n\r\n", "data: one\r\rdata: two\n\ndata: three\r\n\r\n"]) {
    const bytes = Buffer.from(text);
    const each = [...bytes].map((byte) => Buffer.of(byte));
    assert.deepEqual(parse(each), parse([bytes]), JSON.stringify(text));
    assert.equal(parse(each).length, text.split("data:").length - 1);
  }
});

test("an event has its name, and only the event at hand", () => {
  assert.deepEqual(
    parseEvents([Buffer.from("event: error\ndata: x\n\ndata: y\n\nevent:ping\n\ndata: z\nevent: late\n\n")]),
    [
      { data: "x", event: "error" },
      { data: "y", event: undefined },
      { data: "z", event: "late" },
    ],
  );
  assert.equal(parseEvents([Buffer.from(`event: ${"n".repeat(101)}\ndata: x\n\n`)])[0]?.event, undefined);
});

test("bare JSON, in one line or many, is data; no other line without a field is", () => {
  assert.deepEqual(parse([Buffer.from('{"error":1}\n')]), ['{"error":1}']);
  assert.deepEqual(parse([Buffer.from('{"error":1}')]), ['{"error":1}']);
  assert.deepEqual(parse([Buffer.from('data: a\n\n{\n  "error": 1\n}\n\ndata: b\n\n')]), [
    "a",
    '{\n  "error": 1\n}',
    "b",
  ]);
  assert.deepEqual(parse([Buffer.from("Internal error\n\n<html>\n\n")]), []);
});

test("at the end whole lines count, a line that was cut does not", () => {
  assert.deepEqual(parse([Buffer.from("data: last\n")]), ["last"]);
  assert.deepEqual(parse([Buffer.from("data: last\n\ndata: cu")]), ["last"]);
  assert.deepEqual(parse([Buffer.from('data: last\n\ndata: {"a":{}')]), ["last"]);
});

test("a last line that shows itself to be whole counts without its end", () => {
  assert.deepEqual(parse([Buffer.from('data: {"a":{}}\n\ndata: {"b":1}')]), ['{"a":{}}', '{"b":1}']);
  assert.deepEqual(parse([Buffer.from("data: a\n\ndata: [DONE]")]), ["a", "[DONE]"]);
});

test("events are the same wherever the bytes are cut", () => {
  const event = fc.record({
    lines: fc.array(
      fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, " ")),
      { minLength: 1 },
    ),
    end: fc.constantFrom("\n", "\r\n", "\r"),
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
    assert.deepEqual(
      before.map((event) => event.data),
      ["ok"],
    );
    assert.equal(parser.overflowed, true);
    assert.deepEqual(parser.push(Buffer.from("\n\ndata: after\n\n")), []);
    assert.deepEqual(parser.end(), []);
  }
});
