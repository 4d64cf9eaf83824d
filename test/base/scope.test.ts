import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cancelled, Scope } from "../../src/base/index.js";

const FIRST = { kind: "interrupted" };
const SECOND = { kind: "replaced", detail: "another op" };

/** A promise settled from outside. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Ends when the signal says so, as a well-behaved task does. */
function untilCancelled(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** The promise a test does not look at; its failure is looked at elsewhere. */
function ignored(promise: Promise<unknown>): void {
  promise.catch(() => {});
}

describe("cancel", () => {
  test("the first reason wins, for signal, reason and end", async () => {
    const scope = Scope.root("turn");
    scope.cancel(FIRST);
    scope.cancel(SECOND);
    assert.equal(scope.reason, FIRST);
    assert.equal((await scope.end({ reason: SECOND })).reason, FIRST);
  });

  test("a reason is data on a Cancelled, not text", () => {
    const scope = Scope.root("turn");
    assert.equal(scope.reason, undefined);
    scope.cancel(SECOND);
    const cause: unknown = scope.signal.reason;
    assert.ok(cause instanceof Cancelled);
    assert.equal(cause.reason, SECOND);
    assert.equal(cause.message, "cancelled: another op");
    assert.equal(new Cancelled(FIRST).message, "cancelled: interrupted");
  });

  test("reaches every descendant before it returns, with one and the same cause", () => {
    const root = Scope.root("root");
    const leaf = root.child("a").child("b").child("c");
    let heard = false;
    leaf.signal.addEventListener("abort", () => (heard = true));
    root.cancel(FIRST);
    assert.ok(heard);
    assert.equal(leaf.signal.reason, root.signal.reason);
  });

  test("of a child leaves its parent and siblings running", () => {
    const root = Scope.root("root");
    const [one, other] = [root.child("one"), root.child("other")];
    one.cancel(FIRST);
    root.cancel(SECOND);
    assert.equal(one.reason, FIRST);
    assert.equal(other.reason, SECOND);
  });

  test("refuses new work, with the cause, and starts nothing", () => {
    const scope = Scope.root("turn");
    scope.cancel(FIRST);
    let started = false;
    const task = async () => {
      started = true;
    };
    const refusal = (error: unknown) => error === scope.signal.reason;
    assert.throws(() => scope.child("call"), refusal);
    assert.throws(() => ignored(scope.spawn("task", task)), refusal);
    assert.throws(() => scope.onEnd("cleanup", () => {}), refusal);
    assert.equal(started, false);
  });

  test("no listener of any signal finds a scope of the tree open for work", () => {
    const root = Scope.root("root");
    const [older, younger] = [root.child("older"), root.child("younger")];
    const all = [root, older, younger];
    let refused = 0;
    for (const scope of all) {
      scope.signal.addEventListener("abort", () => {
        for (const other of all) assert.throws(() => other.child("late"), Cancelled);
        refused += 1;
      });
    }
    root.cancel(FIRST);
    assert.equal(refused, 3);
  });
});

describe("tasks", () => {
  test("spawn gives the task the scope's signal and its caller the value", async () => {
    const scope = Scope.root("turn");
    const value = await scope.spawn("task", async (signal) => signal === scope.signal);
    assert.equal(value, true);
    assert.deepEqual(await scope.end(), { reason: { kind: "done" }, lingering: [], errors: [] });
  });

  test("end waits for every task, also one that ignores the signal for a while", async () => {
    const scope = Scope.root("turn");
    const held = gate();
    let done = false;
    ignored(scope.spawn("polite", untilCancelled));
    ignored(
      scope.spawn("slow", async () => {
        await held.opened;
        done = true;
      }),
    );
    const ending = scope.end();
    setImmediate(held.open);
    assert.deepEqual((await ending).lingering, []);
    assert.equal(done, true);
  });

  test("what fails by cancellation is no error; what fails otherwise is one, also for the caller", async () => {
    const scope = Scope.root("turn");
    const broken = new Error("disk full");
    const failing = scope.spawn("write", async () => {
      throw broken;
    });
    await assert.rejects(failing, broken);
    ignored(scope.spawn("wait", untilCancelled));
    const end = await scope.end({ reason: FIRST });
    assert.deepEqual(end.errors, [{ name: "write", error: broken }]);
  });

  test("one that throws before it returns a promise is the caller's error and not waited for", async () => {
    const scope = Scope.root("turn");
    const broken = new Error("bad argument");
    assert.throws(
      () =>
        scope.spawn("task", () => {
          throw broken;
        }),
      broken,
    );
    assert.deepEqual((await scope.end({ within: 30_000 })).lingering, []);
  });

  test("what does not stop within the bound is named by its path", async () => {
    const root = Scope.root("turn");
    const held = gate();
    ignored(root.child("call").spawn("drain", () => held.opened));
    ignored(root.spawn("model", () => held.opened));
    root.onEnd("socket", () => held.opened);
    const end = await root.end({ within: 20 });
    assert.deepEqual(end.lingering, ["turn/call/drain", "turn/model", "turn/socket"]);
    held.open();
  });
});

describe("cleanups", () => {
  test("run once, last in first out, one after the other, when all tasks have ended", async () => {
    const scope = Scope.root("turn");
    const log: string[] = [];
    ignored(scope.spawn("task", (signal) => untilCancelled(signal).finally(() => log.push("task"))));
    scope.onEnd("first", () => void log.push("first"));
    scope.onEnd("second", async () => {
      log.push("second begins");
      await new Promise((resolve) => setImmediate(resolve));
      log.push("second ends");
    });
    await Promise.all([scope.end(), scope.end()]);
    await scope.end();
    assert.deepEqual(log, ["task", "second begins", "second ends", "first"]);
  });

  test("one that throws, or rejects, does not stop the rest and is reported", async () => {
    const scope = Scope.root("turn");
    const log: string[] = [];
    const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
    scope.onEnd("last", () => void log.push("last"));
    scope.onEnd("rejects", () => Promise.reject(rejected));
    scope.onEnd("throws", () => {
      throw thrown;
    });
    const end = await scope.end();
    assert.deepEqual(log, ["last"]);
    assert.deepEqual(end.errors, [
      { name: "throws", error: thrown },
      { name: "rejects", error: rejected },
    ]);
  });

  test("a slow one is named after its own bound and the rest still run", async () => {
    const scope = Scope.root("turn");
    const held = gate();
    const log: string[] = [];
    scope.onEnd("rest", () => void log.push("rest"));
    scope.onEnd("slow", () => held.opened);
    assert.deepEqual((await scope.end({ within: 20 })).lingering, ["turn/slow"]);
    assert.deepEqual(log, ["rest"]);
    held.open();
  });

  test("can be taken back, before the end and by another cleanup during it", async () => {
    const scope = Scope.root("turn");
    const log: string[] = [];
    const takeBackEarly = scope.onEnd("early", () => void log.push("early"));
    const takeBackLate = scope.onEnd("late", () => void log.push("late"));
    scope.onEnd("taker", takeBackLate);
    takeBackEarly();
    await scope.end();
    assert.deepEqual(log, []);
  });
});

describe("trees", () => {
  test("a parent waits for its children, cleans up after them, and hands up what they came to", async () => {
    const root = Scope.root("conversation");
    const child = root.child("turn");
    const log: string[] = [];
    const broken = new Error("pipe");
    root.onEnd("outer", () => void log.push("outer"));
    child.onEnd("inner", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      log.push("inner");
      throw broken;
    });
    const end = await root.end({ reason: FIRST });
    assert.deepEqual(log, ["inner", "outer"]);
    assert.deepEqual(end, { reason: FIRST, lingering: [], errors: [{ name: "inner", error: broken }] });
  });

  test("a child that ended is its owner's business: the parent keeps nothing of it", async () => {
    const root = Scope.root("conversation");
    const child = root.child("turn");
    child.onEnd("inner", () => {
      throw new Error("pipe");
    });
    assert.equal((await child.end()).errors.length, 1);
    assert.deepEqual((await root.end()).errors, []);
  });

  test("asked again, end is the same end", async () => {
    const scope = Scope.root("turn");
    const ending = scope.end({ reason: FIRST });
    assert.equal(scope.end({ reason: SECOND }), ending);
    assert.equal(await scope.end(), await ending);
  });

  test("also when a listener asks for it while end itself cancels", async () => {
    const scope = Scope.root("turn");
    let inner: Promise<unknown> | undefined;
    scope.signal.addEventListener("abort", () => (inner = scope.end()));
    ignored(scope.spawn("task", untilCancelled));
    const ending = scope.end({ reason: FIRST });
    assert.equal(inner, ending);
    assert.deepEqual(await ending, { reason: FIRST, lingering: [], errors: [] });
  });

  test("a scope of no work ends at once", async () => {
    assert.deepEqual(await Scope.root("idle").end(), { reason: { kind: "done" }, lingering: [], errors: [] });
  });
});
