import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, isTerminal } from "../../src/protocol/index.js";
import fc from "../support/fast-check.js";
import { call, type Step, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, type Talk } from "../support/talk.js";
import { living } from "./desk.js";

/** Schedules in the suite, and in the soak. */
const RUNS = process.env.BELAY_SOAK === "1" ? 300 : 12;

/** What the model does in a turn; `nth` picks a terminal among those that were started. */
type Planned =
  | { readonly do: "start"; readonly kind: number; readonly tty: boolean }
  | { readonly do: "write" | "close" | "eof"; readonly nth: number };

/** What happens meanwhile, at the n-th event of the turn. */
interface Disturbance {
  readonly event: number;
  readonly what: "interrupt" | "clean" | "terminate" | "list";
}

interface PlannedTurn {
  readonly calls: readonly Planned[];
  readonly disturbances: readonly Disturbance[];
}

/** Commands that end at once, soon, on input, never, and only by force. */
const COMMANDS = [
  "echo at once",
  "echo soon; sleep 0.3; echo over",
  "cat; echo over",
  "echo up; sleep 60",
  "(trap '' TERM; setsid sleep 60) & trap '' TERM HUP INT; echo up; while :; do sleep 1; done",
];

const nth = fc.nat({ max: 3 });
const planned: fc.Arbitrary<Planned> = fc.oneof(
  fc.record({ do: fc.constant("start" as const), kind: fc.nat({ max: COMMANDS.length - 1 }), tty: fc.boolean() }),
  fc.record({ do: fc.constantFrom("write" as const, "close" as const, "eof" as const), nth }),
);
const plannedTurn: fc.Arbitrary<PlannedTurn> = fc.record({
  calls: fc.array(planned, { minLength: 1, maxLength: 3 }),
  disturbances: fc.array(
    fc.record({
      event: fc.nat({ max: 10 }),
      what: fc.constantFrom(
        "interrupt" as const,
        "interrupt" as const,
        "clean" as const,
        "terminate" as const,
        "list" as const,
      ),
    }),
    { maxLength: 2 },
  ),
});

let runs = 0;

test("whatever is started, typed, stopped and interrupted: receipts are true, and nothing lives in the end", async () => {
  await fc.assert(fc.asyncProperty(fc.array(plannedTurn, { minLength: 1, maxLength: 4 }), runSchedule), {
    numRuns: RUNS,
    interruptAfterTimeLimit: 30 * 60_000,
  });
});

async function runSchedule(turns: readonly PlannedTurn[]): Promise<void> {
  runs += 1;
  const mark = `fuzz.${process.pid}.${runs}`;
  const { server, talk } = await openTalk({
    commandEnv: { PATH: process.env.PATH ?? "/usr/bin:/bin", SHELL: "/bin/sh", BELAY_TEST_DESK: mark },
  });
  const asked: string[] = [];
  const interrupts: string[] = [];
  for (const [n, turn] of turns.entries()) {
    const steps = turn.calls.map((one, at) => stepOf(one, `${n}-${at}`, talk));
    let served = false;
    server.script(() => {
      if (served) return text("the end");
      served = true;
      return steps;
    });
    const id = talk.say(`turn ${n}`);
    const disturbed = turn.disturbances.map((one) => disturb(talk, id, one, { asked, interrupts }));
    await talk.end(id);
    await Promise.all(disturbed);
    for (const op of [...asked, ...interrupts]) await talk.answer(op);
  }
  // The model server checks that each call has one output; `list` must know what the last receipt and the ends say.
  const list = talk.conversation.submit({ type: "list_background_terminals" });
  const { msg } = await talk.answer(list);
  const at = talk.events.findIndex((event) => event.id === list);
  assert.ok(msg.type === "background_terminals_response");
  assert.deepEqual(msg.terminals.map(({ call_id }) => call_id).sort(), running(talk.events.slice(0, at)).sort());
  await talk.close();
  checkStopContract(talk.events, interrupts);
  for (const op of asked)
    assert.equal(talk.events.filter((event) => event.id === op).length, 1, `${op} has one answer`);
  assert.deepEqual(running(talk.events), []);
  assert.deepEqual(living(`BELAY_TEST_DESK=${mark}`), []);
  await server.close();
}

/** The terminals that have begun and not ended. */
function running(events: readonly Event[]): string[] {
  const open = new Set<string>();
  for (const { msg } of events) {
    if (msg.type === "exec_command_begin" && msg.process_id != null) open.add(msg.call_id);
    if (msg.type === "exec_command_end") open.delete(msg.call_id);
  }
  return [...open];
}

function stepOf(one: Planned, name: string, talk: Talk): Step {
  if (one.do === "start") {
    const args = { cmd: COMMANDS[one.kind]!, login: false, tty: one.tty, yield_time_ms: 250 };
    return call("exec_command", args, `run-${name}`);
  }
  const session_id = ids(talk)[one.nth] ?? 1;
  const how = { write: { chars: "hello\n" }, eof: { eof: true }, close: { close: true } }[one.do];
  return call("write_stdin", { session_id, ...how }, `use-${name}`);
}

function ids(talk: Talk): number[] {
  return talk.events.flatMap(({ msg }) =>
    msg.type === "exec_command_begin" && msg.process_id != null ? [Number(msg.process_id)] : [],
  );
}

/** Comes at its event, or with the end of the turn. */
async function disturb(
  talk: Talk,
  turn: string,
  { event, what }: Disturbance,
  told: { readonly asked: string[]; readonly interrupts: string[] },
): Promise<void> {
  await new Promise<void>((resolve) => {
    let seen = 0;
    const unsubscribe = talk.conversation.subscribe((one) => {
      if (one.id !== turn) return;
      seen += 1;
      if (seen <= event && !isTerminal(one.msg)) return;
      unsubscribe();
      resolve();
    });
  });
  const { conversation } = talk;
  if (what === "interrupt") told.interrupts.push(conversation.submit({ type: "interrupt" }));
  else if (what === "terminate") {
    const process_id = String(ids(talk)[0] ?? 1);
    told.asked.push(conversation.submit({ type: "terminate_background_terminal", process_id }));
  } else told.asked.push(conversation.submit({ type: `${what}_background_terminals` }));
}
