import assert from "node:assert/strict";
import { test } from "node:test";
import { Cancelled, Scope } from "../../src/base/index.js";
import fc from "../support/fast-check.js";

/** When something happens: after some microtasks, in the next round of the event loop, or after some ms. */
type Moment = { readonly micro: number } | "immediate" | { readonly ms: number };

interface TaskPlan {
  readonly moment: Moment;
  /** How long it goes on after it was told to stop. */
  readonly deaf: Moment;
  readonly ending: "returns" | "throws";
  /** Work it tries to start once its moment has come. */
  readonly starts: NodePlan | undefined;
}

interface CleanupPlan {
  readonly moment: Moment;
  readonly throws: boolean;
}

interface NodePlan {
  readonly tasks: readonly TaskPlan[];
  readonly cleanups: readonly CleanupPlan[];
  readonly children: readonly NodePlan[];
  /** The owner's own cancel or end of this scope, when there is one before the root's. */
  readonly stop: { readonly how: "cancel" | "end"; readonly at: Moment } | undefined;
}

async function pass(moment: Moment): Promise<void> {
  if (moment === "immediate") return new Promise((resolve) => setImmediate(resolve));
  if ("ms" in moment) return new Promise((resolve) => setTimeout(resolve, moment.ms));
  for (let n = 0; n < moment.micro; n += 1) await undefined;
}

/** The moment, or the signal if it comes first. */
function passOrStop(moment: Moment, signal: AbortSignal): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return Promise.race([pass(moment), stopped]);
}

/** What the test saw of one scope. */
interface Seen {
  readonly scope: Scope;
  readonly parent: Seen | undefined;
  readonly registered: string[];
  readonly ran: string[];
  readonly failed: string[];
  running: number;
  /** Cleanups of this scope and of those below that have run. */
  ended: boolean;
}

class Run {
  readonly all: Seen[] = [];
  readonly faults: string[] = [];
  readonly owners: Promise<unknown>[] = [];

  open(scope: Scope, plan: NodePlan, parent: Seen | undefined): void {
    const seen: Seen = { scope, parent, registered: [], ran: [], failed: [], running: 0, ended: false };
    this.all.push(seen);
    for (const [index, cleanup] of plan.cleanups.entries())
      this.#cleanup(seen, cleanup, `${scope.name}.cleanup${index}`);
    for (const child of plan.children) this.open(scope.child(`c${this.all.length}`), child, seen);
    for (const [index, task] of plan.tasks.entries()) this.#task(seen, task, `${scope.name}.task${index}`);
    if (plan.stop !== undefined) this.owners.push(this.#stop(seen, plan.stop));
  }

  #cleanup(seen: Seen, { moment, throws }: CleanupPlan, name: string): void {
    seen.registered.push(name);
    seen.scope.onEnd(name, async () => {
      if (seen.running > 0) this.faults.push(`${name} ran beside ${seen.running} tasks`);
      const early = this.all.filter((other) => other.parent === seen && !other.ended);
      if (early.length > 0) this.faults.push(`${name} ran before ${early.length} children had ended`);
      seen.ran.push(name);
      await pass(moment);
      if (seen.ran.at(-1) !== name) this.faults.push(`${name} ran beside another cleanup`);
      if (seen.ran.length === seen.registered.length) seen.ended = true;
      if (throws) {
        seen.failed.push(name);
        throw new Error(name);
      }
    });
  }

  #task(seen: Seen, plan: TaskPlan, name: string): void {
    const task = async (signal: AbortSignal): Promise<void> => {
      seen.running += 1;
      try {
        await passOrStop(plan.moment, signal);
        if (plan.starts !== undefined) this.#tryToStart(seen, plan.starts);
        if (!signal.aborted) return;
        await pass(plan.deaf);
        if (plan.ending === "returns") throw signal.reason;
        seen.failed.push(name);
        throw new Error(name);
      } finally {
        seen.running -= 1;
      }
    };
    seen.scope.spawn(name, task).catch(() => {});
  }

  #tryToStart(seen: Seen, plan: NodePlan): void {
    const cancelled = seen.scope.reason !== undefined;
    try {
      this.open(seen.scope.child(`late${this.all.length}`), plan, seen);
      if (cancelled) this.faults.push("a cancelled scope took new work");
    } catch (error) {
      // Refusal is what the scope promises, when it is cancelled.
      if (!(error instanceof Cancelled) || !cancelled) this.faults.push(`refused wrongly: ${String(error)}`);
    }
  }

  async #stop(seen: Seen, stop: NonNullable<NodePlan["stop"]>): Promise<void> {
    await pass(stop.at);
    if (stop.how === "cancel") seen.scope.cancel({ kind: "cancelled" });
    else {
      await seen.scope.end({ reason: { kind: "ended" } });
      this.check(seen);
    }
  }

  /** Holds from the moment a scope's end has resolved. */
  check(top: Seen): void {
    for (const seen of this.all) {
      if (!isWithin(seen, top)) continue;
      if (seen.running > 0) this.faults.push(`${seen.running} tasks outlive ${seen.scope.name}`);
      assert.deepEqual(seen.ran, [...seen.registered].reverse());
    }
  }
}

function isWithin(seen: Seen | undefined, top: Seen): boolean {
  return seen !== undefined && (seen === top || isWithin(seen.parent, top));
}

const moment: fc.Arbitrary<Moment> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ micro: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.constant("immediate" as const) },
  { weight: 1, arbitrary: fc.record({ ms: fc.nat(2) }) },
);

const stop = fc.option(fc.record({ how: fc.constantFrom("cancel" as const, "end" as const), at: moment }), {
  nil: undefined,
  freq: 2,
});

function nodes(depth: number): fc.Arbitrary<NodePlan> {
  const below = depth === 0 ? undefined : nodes(depth - 1);
  const starts = below === undefined ? fc.constant(undefined) : fc.option(below, { nil: undefined, freq: 3 });
  const task = fc.record({
    moment,
    deaf: moment,
    ending: fc.constantFrom("returns" as const, "throws" as const),
    starts,
  });
  return fc.record({
    tasks: fc.array(task, { maxLength: 3 }),
    // At least one, so that the test sees when a scope has come to its end.
    cleanups: fc.array(fc.record({ moment, throws: fc.boolean() }), { minLength: 1, maxLength: 3 }),
    children: below === undefined ? fc.constant([]) : fc.array(below, { maxLength: 3 }),
    stop,
  });
}

test("random trees: nothing outlives its scope, every cleanup once and in order, every failure reported", async () => {
  const numRuns = process.env.BELAY_SOAK === undefined ? 200 : 5000;
  await fc.assert(
    fc.asyncProperty(nodes(3), moment, async (plan, endAt) => {
      const run = new Run();
      run.open(Scope.root("root"), plan, undefined);
      const root = run.all[0]!;
      await pass(endAt);
      const end = await root.scope.end({ reason: { kind: "over" } });
      run.check(root);
      await Promise.all(run.owners);
      assert.deepEqual(run.faults, []);
      assert.deepEqual(end.lingering, []);
      for (const seen of run.all) {
        const { errors } = await seen.scope.end();
        const own = errors.map((error) => error.name).filter((name) => name.startsWith(`${seen.scope.name}.`));
        assert.deepEqual(own.sort(), seen.failed.sort());
      }
      assert.throws(() => root.scope.child("late"), Cancelled);
    }),
    { numRuns },
  );
});
