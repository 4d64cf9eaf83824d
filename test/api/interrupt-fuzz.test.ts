import assert from "node:assert/strict";
import { after, test } from "node:test";
import { checkConversations, type Entry } from "../support/conversation-checker.js";
import {
  type ApiClient,
  type ClientRequest,
  interrupt,
  say,
  startApi,
  startEngine,
} from "../support/conversation-client.js";
import fc from "../support/fast-check.js";
import { call, partial, pause, type Reply, stall, startModelServer, status, text } from "../support/model-server.js";
import { makePlace, mockConfig } from "../support/program.js";

/** Schedules in the suite, and in the soak. */
const SCHEDULES = process.env.BELAY_SOAK === "1" ? 10_000 : 500;
/** Schedules that run at once, each with a connection of its own. */
const BESIDE = 25;

/** What the model does with a message, by its first word. */
const REPLIES: Readonly<Record<string, Reply>> = {
  text: text("all of it"),
  stream: [partial("some ", { chunks: 3, delayMs: 1 }), text("more", { chunks: 3, delayMs: 1 })],
  silent: stall(),
  middle: [partial("some"), stall()],
  late: [pause(2), text("late")],
  retry: status(429, { error: { message: "slow down" } }, { "retry-after": "30" }),
  fail: status(400, { error: { message: "no" } }),
  ask: [partial("may I?"), text(""), call("exec_command", { cmd: "touch asked", login: false })],
  patch: call("apply_patch", { input: "*** Begin Patch\n*** Add File: f\n+f\n*** End Patch" }),
};
/** Processes cost more than all else: few turns start some. */
const COMMANDS: Readonly<Record<string, Reply>> = {
  short: call("exec_command", { cmd: "echo up", login: false }),
  tree: [
    call("exec_command", { cmd: "(sleep 60 & setsid sleep 61 &); echo up; exec sleep 62", login: false }),
    call("exec_command", { cmd: "echo never", login: false }),
  ],
};

type Action =
  | { readonly type: "say"; readonly kind: string }
  | { readonly type: "interrupt"; readonly times: number }
  | { readonly type: "listen" | "unlisten" }
  /** Lets something come of the last message and then so many messages, or as many ms pass. */
  | { readonly type: "progress" | "ms"; readonly count: number };

interface Schedule {
  readonly silent: boolean;
  /** How approvals are answered, in turn; undefined: not at all. */
  readonly answers: readonly (object | undefined)[];
  readonly actions: readonly Action[];
}

const kind = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...Object.keys(REPLIES)) },
  { weight: 20, arbitrary: fc.constantFrom("ask", "patch") },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(COMMANDS)) },
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("say" as const), kind }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("interrupt" as const), times: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("listen" as const, "unlisten" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant("progress" as const), count: fc.integer({ min: 0, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("ms" as const), count: fc.integer({ min: 0, max: 4 }) }) },
);
const answer = fc.constantFrom(
  { result: { decision: "approved" } },
  { result: { decision: "denied" } },
  { result: { decision: "abort" } },
  { result: {} },
  { error: { code: -1, message: "no" } },
  undefined,
);
const schedule: fc.Arbitrary<Schedule> = fc.record({
  silent: fc.boolean(),
  answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
  actions: fc.array(action, { minLength: 2, maxLength: 9 }),
});

const model = await startModelServer();
const place = makePlace();
place.configure(mockConfig(model));
model.script((request) => {
  const last = request.input.at(-1);
  // After a call comes the end of the turn.
  if (String(last?.type).endsWith("_output")) return text("the end");
  const word = request.userTexts().at(-1)?.split(" ")[0] ?? "";
  return REPLIES[word] ?? COMMANDS[word] ?? text("hm");
});
const engine = startEngine();
after(async () => {
  await engine.close();
  await model.close();
  await place.quiet();
  place.remove();
});

test("interrupts at any moment: one answer each, after the event, and nothing else is lost or doubled", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(schedule, { minLength: BESIDE, maxLength: BESIDE }), async (schedules) => {
      await Promise.all(schedules.map(runSchedule));
    }),
    { numRuns: Math.ceil(SCHEDULES / BESIDE), interruptAfterTimeLimit: 30 * 60_000 },
  );
});

async function runSchedule({ silent, answers, actions }: Schedule): Promise<void> {
  const api = startApi({ model, place, engine });
  let asked = 0;
  api.onRequest(() => answers[asked++ % answers.length]);
  // Under `untrusted` commands and patches ask. The folder is no repository: none is looked through for every command.
  const id = await api.open({ approvalPolicy: "untrusted", cwd: place.tmp }, { silent });
  const subscriptions: unknown[] = [];
  const sent: Promise<unknown>[] = [];
  // What is said and interrupted goes out in one write, up to the next action of another kind.
  let write: ClientRequest[] = [];
  const send = (): void => {
    sent.push(api.send(...write));
    write = [];
  };
  for (const one of actions) {
    if (one.type === "say") write.push(say(id, one.kind));
    else if (one.type === "interrupt") write.push(...Array.from({ length: one.times }, () => interrupt(id)));
    else send();
    if (one.type === "listen") {
      subscriptions.push((await api.call("addConversationListener", { conversationId: id })).subscriptionId);
    }
    const subscriptionId = one.type === "unlisten" ? subscriptions.pop() : undefined;
    if (subscriptionId !== undefined) await api.call("removeConversationListener", { subscriptionId });
    if (one.type === "progress") await progress(api, one.count);
    if (one.type === "ms") await new Promise((resolve) => setTimeout(resolve, one.count));
  }
  send();
  await Promise.all(sent);
  // Whatever runs is stopped; then the conversation works as ever.
  await api.send(interrupt(id));
  const [started] = await api.send(say(id, "text"));
  assert.deepEqual(started?.result, {});
  await api.event(id, "task_complete", (msg) => "last_agent_message" in msg && msg.last_agent_message === "all of it");
  await api.leave();
  checkConversations(api.transcript);
}

const PROGRESS = /_delta$|_approval_request$|^background_event$|^task_complete$|^turn_aborted$/;

/**
 * Until something came of the last message that the model has to say, that asks or that ends, and for some more messages; or a
 * while, since a schedule may wait for what never comes.
 */
async function progress(api: ApiClient, more: number): Promise<void> {
  const said = api.transcript.findLastIndex(
    (entry) => entry.from === "client" && entry.message.method === "sendUserMessage",
  );
  const isQuick = said === -1 || isRunning(api.transcript.slice(0, said));
  const came = () =>
    api.transcript.findIndex(
      (entry, at) => at > said && entry.from === "engine" && PROGRESS.test(entry.event.msg.type),
    );
  for (let ms = 0; ms < (isQuick ? 3 : 40); ms += 1) {
    const at = came();
    if (at !== -1 && api.transcript.length > at + more) return;
    if (at !== -1 && ms > 3) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function isRunning(transcript: readonly Entry[]): boolean {
  const types = transcript.flatMap((entry) => (entry.from === "engine" ? [entry.event.msg.type] : []));
  return (
    types.lastIndexOf("task_started") > Math.max(types.lastIndexOf("task_complete"), types.lastIndexOf("turn_aborted"))
  );
}
