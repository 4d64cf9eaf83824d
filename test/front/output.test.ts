import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { StreamOutput } from "../../src/front/host/output.js";

/** A pipe whose reader takes nothing until `take` is called. */
function heldPipe() {
  const waiting: (() => void)[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, taken) => void waiting.push(taken) });
  return { stream, take: () => waiting.shift()?.() };
}

test("a flush waits for its reader as long as nothing is in a hurry, and says that all was read", async () => {
  const { stream, take } = heldPipe();
  const output = new StreamOutput(stream, undefined);
  void output.write("all of it");
  const flushed = output.flush(new AbortController().signal);
  take();
  assert.equal(await flushed, true);
});

test("a flush in a hurry gives up a reader that takes nothing, and says so", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { stream } = heldPipe();
  const output = new StreamOutput(stream, undefined);
  void output.write("nobody reads this");
  const flushed = output.flush(AbortSignal.abort());
  t.mock.timers.tick(3000);
  assert.equal(await flushed, false);
});
