import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { newId, sleep } from "../../src/base/index.js";
import fc from "../support/fast-check.js";

describe("sleep", () => {
  test("waits, and leaves no listener behind", async () => {
    const { signal } = new AbortController();
    const before = performance.now();
    await sleep(20, signal);
    // Timers may fire up to a millisecond early.
    assert.ok(performance.now() - before >= 18);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  test("is cut by the signal with the signal's own reason", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const sleeping = sleep(60_000, controller.signal);
    controller.abort(reason);
    await assert.rejects(sleeping, reason);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  });

  test("does not begin under a cancelled signal", async () => {
    const reason = new Error("stop");
    await assert.rejects(sleep(0, AbortSignal.abort(reason)), reason);
  });

  test("a cut sleep leaves no timer that keeps the process alive", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const controller = new AbortController();
    const sleeping = sleep(60_000, controller.signal);
    assert.equal(timers(), before + 1);
    controller.abort(new Error("stop"));
    await assert.rejects(sleeping);
    assert.equal(timers(), before);
  });
});

describe("newId", () => {
  const at = (now: number, fill: number) =>
    newId({ clock: { now: () => now, monotonic: () => 0 }, random: (n) => new Uint8Array(n).fill(fill) });

  test("is a UUID of version 7 and variant 2 with the time in its first 48 bits, whatever the random bytes", () => {
    assert.equal(at(0x0123456789ab, 0xff), "01234567-89ab-7fff-bfff-ffffffffffff");
    assert.equal(at(0x0123456789ab, 0x00), "01234567-89ab-7000-8000-000000000000");
  });

  test("sorts by time of making", () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(time, time, fc.nat(255), fc.nat(255), (a, b, fillA, fillB) => {
        fc.pre(a !== b);
        assert.equal(at(a, fillA) < at(b, fillB), a < b);
      }),
    );
  });

  test("no two are the same with real random bytes", async () => {
    const { randomBytes } = await import("node:crypto");
    const clock = { now: () => 1, monotonic: () => 0 };
    const ids = Array.from({ length: 1000 }, () => newId({ clock, random: randomBytes }));
    assert.equal(new Set(ids).size, 1000);
  });
});
