import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { userMessage } from "../../src/protocol/index.js";
import { type FileSystem, RolloutWriter } from "../../src/rollout/index.js";
import { called, gave, idOf, item, linesOf, makeHome, restored, said, turnOf, words, writerOf } from "./place.js";

describe("a session file", () => {
  test("has one whole line a record, numbered, in the folder of its day, and is its owner's alone", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append(turnOf(1));
    await writer.flush();
    writer.close();
    assert.match(writer.path, /sessions\/2026\/01\/02\/rollout-2026-01-02T03-04-05-019b7c00-.*\.jsonl$/);
    assert.equal(statSync(writer.path).mode & 0o777, 0o600);
    const lines = linesOf(writer.path).map((line) => JSON.parse(line) as { ordinal: number; type: string });
    assert.deepEqual(
      lines.map(({ ordinal }) => ordinal),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
    assert.equal(lines[0]?.type, "session_meta");
  });

  test("goes on behind a torn line with a line of its own", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append(turnOf(1));
    writer.close();
    appendFileSync(writer.path, '{"timestamp":"2026-01-02T03:04:05.000Z","ordinal":8,"type":"resp');
    const before = await restored(place, writer.path);
    assert.deepEqual(
      before.damage.skipped.map(({ why, bytes }) => [why, bytes]),
      [["torn", 64]],
    );
    assert.equal(before.start.torn, true);
    const next = RolloutWriter.continue({ home: place.home, clock: place.clock, start: before.start });
    next.append(turnOf(2));
    next.close();
    // Codex, which does not take lines apart, must find it too.
    const [torn, ...rest] = linesOf(writer.path).slice(8);
    assert.equal(torn?.endsWith('"resp'), true);
    assert.deepEqual(
      rest.map((line) => (JSON.parse(line) as { ordinal: number }).ordinal),
      [8, 9, 10, 11, 12, 13, 14],
    );
    const after = await restored(place, writer.path);
    assert.deepEqual(words(after.items).slice(-4), [
      "u:question 2",
      "call:call-2",
      "out:call-2:output 2",
      "a:answer 2",
    ]);
    assert.equal(after.items.length, 8);
    assert.deepEqual(
      after.damage.skipped.map(({ why }) => why),
      ["torn"],
    );
  });

  test("refuses an output without its call, and a call whose id is open", (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append([item(called("a"))]);
    assert.throws(() => writer.append([item(called("a"))]), /has no output yet/);
    assert.throws(() => writer.append([item(gave("b", "x"))]), /no call on record/);
    writer.append([item(gave("a", "x"))]);
    assert.throws(() => writer.append([item(gave("a", "x"))]), /no call on record/);
    writer.close();
    assert.equal(linesOf(writer.path).length, 3);
  });

  test("keeps a clock that goes backwards from mixing anything up", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append(turnOf(1));
    place.clock.time -= 3_600_000;
    writer.append(turnOf(2));
    writer.close();
    const { items, reordered } = await restored(place, writer.path);
    assert.equal(reordered, false);
    assert.deepEqual(
      words(items).filter((word) => word.startsWith("u:")),
      ["u:question 1", "u:question 2"],
    );
  });
});

/** Node's own, but for a disk that takes so many bytes more, and where truncating can be made to fail. */
function smallDisk(): FileSystem & { room: number; canTruncate: boolean } {
  const disk: FileSystem & { room: number; canTruncate: boolean } = {
    room: Number.POSITIVE_INFINITY,
    canTruncate: true,
    open: openSync,
    write: (fd, bytes, offset) => {
      const taken = Math.min(disk.room, bytes.length - offset);
      if (taken === 0) throw new Error("ENOSPC: no space left on device, write");
      disk.room -= taken;
      return writeSync(fd, bytes, offset, taken);
    },
    size: (fd) => fstatSync(fd).size,
    truncate: (fd, size) => {
      if (!disk.canTruncate) throw new Error("EIO");
      ftruncateSync(fd, size);
    },
    sync: async () => {},
    close: closeSync,
  };
  return disk;
}

describe("a disk that is full", () => {
  for (const canTruncate of [true, false]) {
    test(`damages nothing, and gets what it did not take later (half lines ${canTruncate ? "can" : "can't"} be taken back)`, async (t) => {
      const place = makeHome(t);
      const disk = smallDisk();
      disk.canTruncate = canTruncate;
      const writer = writerOf(place, idOf(1), disk);
      writer.append(turnOf(1));
      await writer.flush();
      assert.equal(writer.failure, undefined);
      disk.room = 30;
      writer.append(turnOf(2));
      assert.match(writer.failure ?? "", /ENOSPC/);
      assert.equal((await restored(place, writer.path)).items.length, 4);
      disk.room = Number.POSITIVE_INFINITY;
      await writer.flush();
      assert.equal(writer.failure, undefined);
      writer.append(turnOf(3));
      writer.close();
      const { items, damage } = await restored(place, writer.path);
      assert.deepEqual(
        words(items).filter((word) => word.startsWith("u:")),
        ["u:question 1", "u:question 2", "u:question 3"],
      );
      assert.equal(damage.skipped.length, canTruncate ? 0 : 1);
    });
  }

  test("and a home that can't be made: the failure says why, nothing throws", (t) => {
    const place = makeHome(t);
    place.put(idOf(9), "");
    rmSync(join(place.home, "sessions"), { recursive: true });
    // A file where the folder should be: no right helps, not even root's.
    const fd = openSync(join(place.home, "sessions"), "w");
    closeSync(fd);
    const writer = writerOf(place, idOf(1));
    writer.append(turnOf(1));
    assert.match(writer.failure ?? "", /ENOTDIR|EEXIST/);
    writer.close();
  });

  test("and a file that was removed under the writer's hands: a flush says so", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    rmSync(place.home, { recursive: true });
    writer.append(turnOf(1));
    await writer.flush();
    assert.match(writer.failure ?? "", /is gone$/);
    writer.close();
  });
});

describe("large texts", () => {
  const large = `begin ${"x".repeat(40_000)} end`;

  test("are stored once, whatever says them, and come back whole", async (t) => {
    const place = makeHome(t);
    const image = { type: "input_image" as const, image_url: `data:image/png;base64,${"A".repeat(50_000)}` };
    const sizes: number[] = [];
    for (const n of [1, 2, 3]) {
      const writer = writerOf(place, idOf(n));
      writer.append([
        item(called("a")),
        item(gave("a", large)),
        item({ type: "message", role: "user", content: [{ type: "input_text", text: "see" }, image] }),
        {
          type: "compacted",
          payload: { message: "", replacement_history: [userMessage(large), userMessage("short")] },
        },
        item(called("b")),
        item(gave("b", large)),
      ]);
      writer.close();
      sizes.push(statSync(writer.path).size);
      const { items } = await restored(place, writer.path);
      assert.deepEqual(words(items), [`u:${large}`, "u:short", "call:b", `out:b:${large}`]);
    }
    assert.ok(Math.max(...sizes) < 16_000, `lines hold the texts: ${sizes.join(", ")}`);
    const blobs = readdirSync(join(place.home, "session_blobs"), { recursive: true }).filter(
      (name) => String(name).length > 40,
    );
    assert.equal(blobs.length, 2);
  });

  test("that a person typed or the model said stay in their lines: they are there once anyhow", (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append([{ ...item(userMessage(large)), submission: "0" }, item(said(large)), item(called("a", large))]);
    writer.close();
    assert.equal(existsSync(join(place.home, "session_blobs")), false);
    assert.equal(readFileSync(writer.path, "utf8").split(large).length, 4);
  });

  test("whose blob is gone leave their beginning and end, and are counted", async (t) => {
    const place = makeHome(t);
    const writer = writerOf(place, idOf(1));
    writer.append([item(called("a")), item(gave("a", large))]);
    writer.close();
    rmSync(join(place.home, "session_blobs"), { recursive: true });
    const { items, damage } = await restored(place, writer.path);
    assert.equal(damage.missingBlobs, 1);
    const [, output = ""] = words(items);
    assert.match(
      output,
      /^out:a:begin x+\n\[… the whole text, 40010 bytes, is in session_blobs\/[0-9a-f]{2}\/[0-9a-f]{64} …\]\nx+ end$/,
    );
  });

  test("that can't be stored apart stay in their lines", async (t) => {
    const place = makeHome(t);
    closeSync(openSync(join(place.home, "session_blobs"), "w"));
    const writer = writerOf(place, idOf(1));
    writer.append([item(called("a")), item(gave("a", large))]);
    writer.close();
    assert.deepEqual(words((await restored(place, writer.path)).items), ["call:a", `out:a:${large}`]);
  });
});
