import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Capture } from "../../src/process/capture.js";
import { launch } from "../../src/process/launch.js";
import { fixture, folder, marked, read, sh, start, text, until } from "./commands.js";

const LIMIT = { timeout: 30_000 };
const FLOOD_BYTES = 12_000_000;

test("a flood is delivered whole and in order, and kept within bounds", LIMIT, async () => {
  const hash = createHash("sha256");
  let bytes = 0;
  const flood = marked(process.execPath, fixture("flood.mjs"), String(FLOOD_BYTES));
  const exit = await start(flood.command, {
    keep: { head: 1000, tail: 1000 },
    onOutput: (stream, chunk) => {
      if (stream === "stderr") return;
      bytes += chunk.length;
      hash.update(chunk);
    },
  });
  assert.equal(bytes, FLOOD_BYTES);
  assert.equal(hash.digest("hex"), exit.stderr.parts().head);
  assert.deepEqual(
    [exit.stdout.total, exit.stdout.cut, exit.output.total],
    [FLOOD_BYTES, FLOOD_BYTES - 2000, FLOOD_BYTES + 64],
  );
});

test("a chunk under a promise stays as it is, and nothing else comes meanwhile", LIMIT, async () => {
  const hash = createHash("sha256");
  let open = 0;
  const flood = marked(process.execPath, fixture("flood.mjs"), "3000000");
  const exit = await start(flood.command, {
    onOutput: async (stream, chunk) => {
      open += 1;
      assert.equal(open, 1);
      await new Promise((done) => setImmediate(done));
      if (stream === "stdout") hash.update(chunk);
      open -= 1;
    },
  });
  assert.equal(hash.digest("hex"), exit.stderr.parts().head);
});

test("a chunk still in use when the command is cancelled is not written over", LIMIT, async (t) => {
  const enough = join(folder(t), "enough");
  const controller = new AbortController();
  const held: { chunk: Uint8Array; copy: Uint8Array }[] = [];
  const exit = await start(sh(`trap '' TERM; echo first; until [ -e ${enough} ]; do echo more; done`).command, {
    signal: controller.signal,
    graceMs: 8000,
    onOutput: (_stream, chunk) => {
      held.push({ chunk, copy: Uint8Array.from(chunk) });
      controller.abort();
      if (held.length > 4) writeFileSync(enough, "");
      return held.length > 3 ? undefined : new Promise<void>(() => undefined);
    },
  });
  assert.ok(held.length > 4 && exit.end === "cancelled");
  for (const { chunk, copy } of held.slice(0, 3)) assert.equal(Buffer.compare(chunk, copy), 0);
});

test("both streams are kept in the order they came", LIMIT, async (t) => {
  const path = folder(t);
  const seen: string[] = [];
  const exit = await start(marked(fixture("turns.sh"), path).command, {
    onOutput: (stream, chunk) => {
      const line = Buffer.from(chunk).toString();
      seen.push(`${stream} ${line}`);
      writeFileSync(join(path, line.trim()), "");
    },
  });
  const turns = [1, 2, 3, 4, 5];
  assert.equal(text(exit), turns.map((n) => `out ${n}\nerr ${n}\n`).join(""));
  assert.deepEqual(
    seen,
    turns.flatMap((n) => [`stdout out ${n}\n`, `stderr err ${n}\n`]),
  );
  assert.equal(exit.stderr.parts().head, turns.map((n) => `err ${n}\n`).join(""));
});

test("bytes that are no text arrive untouched", LIMIT, async () => {
  const chunks: Buffer[] = [];
  await start(sh("printf '\\xff\\x00\\xc3'; sleep 0.02; printf '\\xa9\\r\\n\\xed\\xa0\\x80'").command, {
    onOutput: (_stream, chunk) => {
      chunks.push(Buffer.from(chunk));
    },
  });
  assert.equal(Buffer.concat(chunks).toString("hex"), "ff00c3a90d0aeda080");
});

test("a slow consumer stops the producer, and loses nothing", LIMIT, async (t) => {
  const file = join(folder(t), "progress");
  let resume: () => void = () => undefined;
  let bytes = 0;
  const running = start(marked(fixture("progress.sh"), file).command, {
    onOutput: (_stream, chunk) => {
      bytes += chunk.length;
      return bytes > chunk.length ? undefined : new Promise<void>((done) => (resume = done));
    },
  });
  let last = "";
  let still = 0;
  await until(() => {
    const now = read(file);
    still = now === last ? still + 1 : 0;
    last = now;
    return bytes > 0 && still > 20;
  });
  assert.ok(Number(last) < 8, `${last} pieces were written`);
  resume();
  const exit = await running;
  assert.deepEqual([exit.end, bytes], ["exited", 128 * 65536]);
});

test("a pause holds the end back, until cancellation lets go", LIMIT, async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  let resolved = false;
  const running = start(sh("echo one; sleep 0.05; echo two").command, {
    signal: controller.signal,
    drainMs: 50,
    onOutput: (_stream, chunk) => {
      seen.push(Buffer.from(chunk).toString());
      return new Promise<void>(() => undefined);
    },
  }).then((exit) => {
    resolved = true;
    return exit;
  });
  await start(sh("sleep 0.3").command);
  assert.deepEqual([resolved, seen], [false, ["one\n"]]);
  controller.abort();
  const exit = await running;
  assert.deepEqual([exit.end, exit.code, seen], ["exited", 0, ["one\n", "two\n"]]);
});

test("what is handed to commands does not lie in the temporary folder, where they may write", LIMIT, async (t) => {
  const before = process.env.TMPDIR;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const { command } = sh("test -p /dev/stdout && cat <&4");
  const temporary = folder(t);
  process.env.TMPDIR = temporary;
  // What comes into a folder, or goes, changes its time.
  utimesSync(temporary, 1, 1);
  // More than pipes are made at a time.
  const contents = Array.from({ length: 9 }, (_, at) => `content ${at}`);
  const exits = await Promise.all(contents.map((one) => start({ ...command, passed: [Buffer.from(one)] })));
  assert.deepEqual([exits.map(text), statSync(temporary).mtimeMs], [contents, 1000]);
});

test("/dev/stdout and /dev/stderr can be opened, as on any pipe", LIMIT, async () => {
  const exit = await start(sh("echo a > /dev/stdout; echo b | tee /dev/stderr").command);
  assert.deepEqual([exit.stdout.parts().head, exit.stderr.parts().head, exit.code], ["a\nb\n", "b\n", 0]);
});

test("without true pipes, Node's socket pairs are read the same way", LIMIT, async () => {
  const { command } = marked(process.execPath, fixture("flood.mjs"), "2000000");
  const launched = await launch(command, { pipes: undefined, input: false });
  assert.ok("pid" in launched);
  const hash = createHash("sha256");
  const capture = new Capture({
    keep: { head: 1000, tail: 1000 },
    onFailure: (error) => assert.fail(String(error)),
    onOutput: async (stream, chunk) => {
      await new Promise((done) => setImmediate(done));
      if (stream === "stdout") hash.update(chunk);
    },
  });
  capture.read("stdout", launched.stdout);
  capture.read("stderr", launched.stderr);
  await new Promise((done) => launched.child.once("exit", done));
  await capture.finish(2000);
  assert.equal(hash.digest("hex"), capture.stderr.parts().head);
});

test("a consumer that throws or rejects stops the command, and run throws the same", LIMIT, async () => {
  for (const onOutput of [() => assert.fail("mine"), () => Promise.reject(new Error("mine"))]) {
    const tree = marked(fixture("busy-tree.sh"));
    await assert.rejects(start(tree.command, { onOutput }), /mine/);
    assert.deepEqual(tree.alive(), []);
  }
  const tree = marked(fixture("busy-tree.sh"));
  await assert.rejects(start(tree.command, { onStart: () => assert.fail("mine") }), /mine/);
  assert.deepEqual(tree.alive(), []);
});
