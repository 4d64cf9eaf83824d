import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isTerminal } from "../../src/protocol/index.js";
import fc from "../support/fast-check.js";
import { call, type ModelServer, partial, pause, type Reply, type Step, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, type Talk } from "../support/talk.js";

/** Turns in the suite, and in the soak. */
const TURNS = process.env.BELAY_SOAK === "1" ? 10_000 : 200;
const TURNS_PER_RUN = 3;

interface PlannedCall {
  readonly sleepMs: number;
  readonly deaf: boolean;
}

/** One response: text in pieces, then calls; `late` calls come after a pause in which the cut is likely. */
interface PlannedStep {
  readonly chunks: number;
  readonly delayMs: number;
  readonly pauseMs: number;
  readonly calls: readonly PlannedCall[];
}

/** When to interrupt: at the n-th event of the turn, or after some ms; `as` an op or by the method. */
interface PlannedInterrupt {
  readonly at: { readonly event: number } | { readonly ms: number };
  readonly as: "op" | "method";
}

interface PlannedTurn {
  readonly steps: readonly PlannedStep[];
  readonly interrupts: readonly PlannedInterrupt[];
  readonly steer: boolean;
}

const plannedCall = fc.record({ sleepMs: fc.integer({ min: 0, max: 40 }), deaf: fc.boolean() });
const plannedStep = fc.record({
  chunks: fc.integer({ min: 1, max: 4 }),
  delayMs: fc.integer({ min: 0, max: 2 }),
  pauseMs: fc.constantFrom(0, 0, 5),
  calls: fc.array(plannedCall, { maxLength: 3 }),
});
const plannedInterrupt: fc.Arbitrary<PlannedInterrupt> = fc.record({
  at: fc.oneof(
    fc.record({ event: fc.integer({ min: 0, max: 14 }) }),
    fc.record({ ms: fc.integer({ min: 0, max: 60 }) }),
  ),
  as: fc.constantFrom("op", "method"),
});
const plannedTurn: fc.Arbitrary<PlannedTurn> = fc.record({
  steps: fc.array(plannedStep, { minLength: 1, maxLength: 3 }),
  interrupts: fc.array(plannedInterrupt, { minLength: 1, maxLength: 3 }),
  steer: fc.boolean(),
});

test("interrupts at any moment: one terminal event and last, one answer each after it, no effect after it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plannedTurn, { minLength: TURNS_PER_RUN, maxLength: TURNS_PER_RUN }), runTurns),
    { numRuns: Math.ceil(TURNS / TURNS_PER_RUN), interruptAfterTimeLimit: 30 * 60_000 },
  );
});

async function runTurns(turns: readonly PlannedTurn[]): Promise<void> {
  const { server, talk } = await openTalk();
  const ops: string[] = [];
  const marks = new Map<string, Map<string, string>>();
  talk.conversation.subscribe((event) => {
    if (isTerminal(event.msg)) marks.set(event.id, effects(talk));
  });
  for (const [n, turn] of turns.entries()) ops.push(...(await runTurn(server, talk, turn, n)));
  server.script(() => text("still here"));
  const last = await talk.end(talk.say("are you there?"));
  assert.equal(last.type === "task_complete" && last.last_agent_message, "still here");
  checkStopContract(talk.events, ops);
  // What a turn had done by its terminal event is all it ever did.
  const final = effects(talk);
  for (const seen of marks.values()) {
    for (const [name, content] of seen)
      assert.equal(final.get(name), content, `${name} was written to after its turn ended`);
  }
  checkNothingNew(marks, final);
  await talk.close();
  await server.close();
}

/** Files appear only while their own turn runs: names are `turn-call`. */
function checkNothingNew(
  marks: ReadonlyMap<string, ReadonlyMap<string, string>>,
  final: ReadonlyMap<string, string>,
): void {
  const ends = [...marks.values()];
  for (const name of final.keys()) {
    const turn = Number(name.split("-")[0]);
    assert.ok(ends[turn]?.has(name), `${name} came into being after its turn ended`);
  }
}

/** Runs one planned turn to its end and until all its interrupts are answered; the ids of interrupts by op. */
async function runTurn(server: ModelServer, talk: Talk, plan: PlannedTurn, n: number): Promise<string[]> {
  const replies = plan.steps.map((step, at) => reply(step, `${n}-${at}`));
  let served = 0;
  server.script(() => replies[served++] ?? text("the end"));
  const ops: string[] = [];
  const answers: Promise<void>[] = [];
  const turn = talk.say(`turn ${n}`);
  const fire = (planned: PlannedInterrupt) => {
    if (planned.as === "op") ops.push(talk.conversation.submit({ type: "interrupt" }));
    else answers.push(talk.conversation.interrupt().then((end) => checkEnd(talk, end?.turnId)));
  };
  const timers = plan.interrupts.map((planned) => schedule(talk, turn, planned, fire));
  if (plan.steer) talk.say(`also ${n}`);
  await talk.end(turn);
  await Promise.all(timers);
  await Promise.all(answers);
  for (const id of ops) await talk.answer(id);
  // Input that came too late for the turn has started its own: let it end.
  const own = talk.events.filter((event) => event.msg.type === "task_started").at(-1);
  if (own !== undefined) await talk.end(own.id);
  return ops;
}

function reply(step: PlannedStep, name: string): Reply {
  const steps: Step[] = [partial(`text ${name} `, { chunks: step.chunks, delayMs: step.delayMs })];
  if (step.pauseMs > 0) steps.push(pause(step.pauseMs));
  steps.push(text("and done"));
  for (const [k, planned] of step.calls.entries()) {
    const file = `${name}-${k}`;
    const trap = planned.deaf ? "trap '' TERM; " : "";
    const cmd = `${trap}echo b >> ${file}; sleep ${planned.sleepMs / 1000}; echo e >> ${file}`;
    steps.push(call("exec_command", { cmd, login: false }));
  }
  return steps;
}

/** Fires at the planned moment, or when the turn has ended without it coming: then the interrupt finds nothing to stop. */
async function schedule(talk: Talk, turn: string, planned: PlannedInterrupt, fire: (p: PlannedInterrupt) => void) {
  const { at } = planned;
  if ("ms" in at) {
    await new Promise((resolve) => setTimeout(resolve, at.ms));
    fire(planned);
    return;
  }
  await new Promise<void>((resolve) => {
    let seen = 0;
    const done = () => {
      unsubscribe();
      fire(planned);
      resolve();
    };
    const unsubscribe = talk.conversation.subscribe((event) => {
      if (event.id !== turn) return;
      seen += 1;
      if (seen > at.event || isTerminal(event.msg)) done();
    });
  });
}

function checkEnd(talk: Talk, turnId: string | undefined): void {
  if (turnId === undefined) return;
  assert.ok(
    talk.events.some((event) => event.id === turnId && isTerminal(event.msg)),
    `interrupt answered before turn ${turnId} ended`,
  );
}

/** Every file the commands wrote, with its content. */
function effects(talk: Talk): Map<string, string> {
  return new Map(readdirSync(talk.cwd).map((name) => [name, readFileSync(join(talk.cwd, name), "utf8")]));
}
