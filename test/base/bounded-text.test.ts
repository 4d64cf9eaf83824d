import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BoundedText } from "../../src/base/index.js";
import fc from "../support/fast-check.js";

function bounded(limits: { head: number; tail: number }, ...chunks: (string | Uint8Array)[]): BoundedText {
  const text = new BoundedText(limits);
  for (const chunk of chunks) text.push(Buffer.from(chunk));
  return text;
}

describe("bounded text", () => {
  test("nothing is cut while head and tail hold it all", () => {
    const text = bounded({ head: 3, tail: 3 }, "ab", "cdef");
    assert.deepEqual(text.parts(), { head: "abcdef", tail: "", cut: 0 });
    assert.equal(text.total, 6);
  });

  test("one byte more, and one is cut between head and tail", () => {
    const text = bounded({ head: 3, tail: 3 }, "abcd", "efg");
    assert.deepEqual(text.parts(), { head: "abc", tail: "efg", cut: 1 });
    assert.equal(text.cut, 1);
    assert.equal(text.total, 7);
  });

  test("no head, no tail, or neither", () => {
    assert.deepEqual(bounded({ head: 0, tail: 2 }, "abc").parts(), { head: "", tail: "bc", cut: 1 });
    assert.deepEqual(bounded({ head: 2, tail: 0 }, "abc").parts(), { head: "ab", tail: "", cut: 1 });
    assert.deepEqual(bounded({ head: 0, tail: 0 }, "abc").parts(), { head: "", tail: "", cut: 3 });
  });

  test("a character that the cut goes through is left out on both sides, and counted", () => {
    // Each emoji has four bytes; the head's limit goes through the first, the tail's through the last.
    assert.deepEqual(bounded({ head: 3, tail: 3 }, "a😀😀b").parts(), { head: "a", tail: "b", cut: 8 });
  });

  test("a character across the border of head and tail is whole when nothing is cut", () => {
    assert.deepEqual(bounded({ head: 2, tail: 10 }, "a😀b").parts(), { head: "a😀b", tail: "", cut: 0 });
  });

  test("a chunk's buffer may be used again by its owner", () => {
    const text = new BoundedText({ head: 2, tail: 2 });
    const chunk = Buffer.from("abcd");
    text.push(chunk);
    chunk.fill("x");
    assert.equal(text.parts().head, "abcd");
  });

  test("parts may be asked for at any time", () => {
    const text = bounded({ head: 1, tail: 1 }, "ab");
    assert.equal(text.parts().head, "ab");
    text.push(Buffer.from("cd"));
    assert.deepEqual(text.parts(), { head: "a", tail: "d", cut: 2 });
  });
});

const limits = fc.record({ head: fc.nat(40), tail: fc.nat(40) });

test("any chunks: head exact, tail exact, every byte counted", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 });
  // Plain bytes as ASCII, so that what is kept can be compared byte for byte.
  const ascii = chunks.map((parts) => parts.map((part) => part.map((byte) => 0x20 + (byte % 0x5f))));
  fc.assert(
    fc.property(limits, ascii, ({ head, tail }, parts) => {
      const all = Buffer.concat(parts).toString("latin1");
      const text = bounded({ head, tail }, ...parts);
      assert.equal(text.total, all.length);
      if (all.length <= head + tail) assert.deepEqual(text.parts(), { head: all, tail: "", cut: 0 });
      else {
        const cut = all.length - head - tail;
        assert.equal(text.cut, cut);
        assert.deepEqual(text.parts(), { head: all.slice(0, head), tail: all.slice(all.length - tail), cut });
      }
    }),
    { numRuns: 2000 },
  );
});

test("any text of any characters, cut into any bytes: only whole characters, as many as fit, and every byte counted", () => {
  const letters = fc.array(fc.constantFrom("a", "ß", "€", "😀"), { maxLength: 60 });
  fc.assert(
    fc.property(limits, letters, fc.integer({ min: 1, max: 9 }), ({ head, tail }, characters, step) => {
      const bytes = Buffer.from(characters.join(""));
      const chunks = [];
      for (let at = 0; at < bytes.length; at += step) chunks.push(bytes.subarray(at, at + step));
      const kept = bounded({ head, tail }, ...chunks).parts();
      if (bytes.length <= head + tail) assert.deepEqual(kept, { head: bytes.toString(), tail: "", cut: 0 });
      else {
        const first = whole(characters, head);
        const last = whole([...characters].reverse(), tail).reverse();
        assert.equal(kept.head, first.join(""));
        assert.equal(kept.tail, last.join(""));
        assert.equal(kept.cut, bytes.length - Buffer.byteLength(kept.head) - Buffer.byteLength(kept.tail));
      }
    }),
    { numRuns: 2000 },
  );
});

/** The first characters that fit in `limit` bytes. */
function whole(characters: readonly string[], limit: number): string[] {
  let count = 0;
  for (let size = 0; count < characters.length; count += 1) {
    size += Buffer.byteLength(characters[count]!);
    if (size > limit) break;
  }
  return characters.slice(0, count);
}

test("a long stream holds no more than its limits", () => {
  const text = new BoundedText({ head: 1000, tail: 1000 });
  const chunk = Buffer.alloc(64 * 1024, "x");
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 2000; n += 1) text.push(chunk);
  assert.equal(text.total, 2000 * chunk.length);
  assert.equal(text.cut, text.total - 2000);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
});
