import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Event } from "../../../src/protocol/index.js";
import fc from "../../support/fast-check.js";
import { call, partial, type ReceivedRequest, type Reply, stall, text } from "../../support/model-server.js";
import { checkStopContract } from "../../support/stop-contract.js";
import type { Message } from "./mcp-client.js";
import { type Ground, type MemoryServer, openGround, startMemory } from "./memory-server.js";

const RUNS = process.env.BELAY_SOAK === undefined ? 30 : 3000;

/** What the model does, told by the prompt: answers, is silent in the middle, or wants a command or a patch approved. */
const KINDS = ["text", "stall", "patch", "patch", "command"] as const;

const ANSWERS = [
  { result: { decision: "approved" } },
  { result: { action: "accept", content: {} } },
  { result: { decision: "denied" } },
  { result: { action: "decline" } },
  { result: { decision: "abort" } },
  { result: { action: "cancel" } },
  { error: { code: -1, message: "no" } },
] as const;

const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("codex" as const), kind: fc.constantFrom(...KINDS) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("reply" as const), kind: fc.constantFrom(...KINDS), which: fc.nat(9) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("cancel" as const), which: fc.nat(20) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant("answer" as const), which: fc.nat(9), how: fc.constantFrom(...ANSWERS) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("rest" as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.constantFrom(0, 0, 1, 4) }) },
);

type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

/** A client that does what it is told at the moment it is told, and remembers it. */
class WildClient {
  readonly server: MemoryServer;
  readonly #ground: Ground;
  readonly #mark: string;
  readonly asked: string[] = [];
  readonly threads: string[] = [];
  readonly questions: Message[] = [];
  /** Ids of questions that were answered while they were open, with a yes or a no. */
  readonly answered = new Map<unknown, boolean>();
  readonly withdrawn = new Set<unknown>();
  /** Requests that had no answer when they were cancelled. */
  readonly cancelled = new Set<string>();

  /** It does not leave before everything has come to rest. */
  readonly isPatient: boolean;

  constructor(ground: Ground, init: { readonly mark: string; readonly isPatient: boolean }) {
    const { mark, isPatient } = init;
    this.isPatient = isPatient;
    this.#ground = ground;
    this.#mark = mark;
    this.server = startMemory(ground);
    this.server.onMessage((message) => {
      if (message.method === "elicitation/create") this.questions.push(message);
      if (message.method === "notifications/cancelled") this.withdrawn.add(message.params.requestId);
      if (message.params?.msg?.type === "session_configured") this.threads.push(message.params._meta.threadId);
    });
    const params = { protocolVersion: "2025-11-25", capabilities: { elicitation: { form: {} } } };
    this.server.send({ id: "initialize", method: "initialize", params });
  }

  async do(one: Act): Promise<void> {
    if (one.type === "rest") await this.#rest(REST_MS);
    else if (one.type === "wait") await new Promise((resolve) => setTimeout(resolve, one.ms));
    else if (one.type === "codex") this.#call("codex", { ...UNTRUSTED, prompt: this.#prompt(one.kind) });
    else if (one.type === "reply") {
      const threadId = this.threads[one.which % Math.max(1, this.threads.length)] ?? "none";
      this.#call("codex-reply", { threadId, prompt: this.#prompt(one.kind) });
    } else if (one.type === "cancel") this.#cancel(this.asked[one.which % Math.max(1, this.asked.length)]);
    else this.#answer(this.questions[one.which % Math.max(1, this.questions.length)], one.how);
  }

  /** Until every request waits for this client, or is over; not for longer than that. Tells whether it came to it. */
  #rest(ms: number): Promise<boolean> {
    const resting = () => this.asked.every((id) => this.#isAtRest(id));
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(resting()), ms);
      const look = () => {
        if (!resting()) return;
        clearTimeout(timer);
        resolve(true);
      };
      this.server.onMessage(look);
      look();
    });
  }

  #isAtRest(id: string): boolean {
    if (this.server.messages.some((one) => one.id === id)) return true;
    const events = this.server.messages.filter((one) => one.params?._meta?.requestId === id);
    const last = events.at(-1)?.params.msg;
    if (["task_complete", "turn_aborted"].includes(last?.type)) return this.cancelled.has(id);
    if (this.cancelled.has(id)) return events.every(({ params }) => params.id === "");
    if (last?.type === "agent_message_delta") return last.delta === "still ";
    return this.questions.some(
      ({ id: question, params }) => params.codex_mcp_tool_call_id === id && !this.answered.has(question),
    );
  }

  #prompt(kind: string): string {
    return `${kind} ${this.#mark}-${this.asked.length}`;
  }

  #call(name: string, args: object): void {
    const id = `${this.#mark}-${this.asked.length}`;
    this.asked.push(id);
    this.server.send({ id, method: "tools/call", params: { name, arguments: args, _meta: { progressToken: id } } });
  }

  #cancel(id: string | undefined): void {
    if (id === undefined) return;
    if (!this.server.messages.some((one) => one.id === id)) this.cancelled.add(id);
    this.server.send({ method: "notifications/cancelled", params: { requestId: id } });
  }

  #answer(question: Message | undefined, how: (typeof ANSWERS)[number]): void {
    if (question === undefined) return;
    const isOpen = !this.answered.has(question.id) && !this.withdrawn.has(question.id);
    if (isOpen) this.answered.set(question.id, how === ANSWERS[0] || how === ANSWERS[1]);
    this.server.send({ id: question.id, ...how });
  }

  check(): void {
    const { messages } = this.server;
    for (const id of this.asked) {
      const answers = messages.filter((one) => one.id === id);
      assert.equal(answers.length, this.cancelled.has(id) ? 0 : 1, `answers to ${id}`);
      for (const { error } of answers) assert.equal(error, undefined);
    }
    for (const id of this.asked) this.#checkRequest(id);
    for (const thread of this.threads) {
      const events = messages.filter((one) => one.params?._meta?.threadId === thread);
      checkStopContract(events.map(({ params }): Event => ({ id: params.id, msg: params.msg })));
    }
    for (const question of this.questions) this.#checkQuestion(question);
  }

  /** Its events are of one conversation and one turn; nothing comes after the last one but the answer, and nothing after that. */
  #checkRequest(id: string): void {
    const about = this.server.messages.filter(
      ({ id: answered, params }) => answered === id || params?._meta?.requestId === id || params?.progressToken === id,
    );
    const events = about.filter((one) => one.method === "codex/event");
    assert.ok(new Set(events.map(({ params }) => params._meta.threadId)).size <= 1);
    assert.ok(new Set(events.map(({ params }) => params.id).filter((turn) => turn !== "")).size <= 1);
    const end = about.findIndex(({ params }) => ["task_complete", "turn_aborted"].includes(params?.msg?.type));
    const rest = about.slice(end + 1);
    if (end !== -1)
      assert.deepEqual(
        rest.map((one) => one.id),
        this.cancelled.has(id) ? [] : [id],
      );
    const counts = about.filter((one) => one.params?.progressToken === id).map(({ params }) => params.progress);
    assert.deepEqual(
      counts,
      counts.map((_, at) => at + 1),
    );
  }

  /** What was not allowed in time was not done; a question is withdrawn if nobody has answered it when its turn ends. */
  #checkQuestion(question: Message): void {
    const name = question.params.codex_call_id as string;
    const path = join(this.#ground.place.dir, name);
    if (existsSync(path)) assert.equal(this.answered.get(question.id), true, `${name} was done without a yes`);
    rmSync(path, { force: true });
    const at = (fits: (message: Message) => boolean) => this.server.messages.findIndex(fits);
    const end = at(
      ({ params }) =>
        params?.msg?.type === "turn_aborted" &&
        params._meta.threadId === question.params.threadId &&
        params.id === question.params.codex_event_id,
    );
    if (end === -1 || end >= this.lengthAtEnd || this.answered.has(question.id)) return;
    assert.ok(this.withdrawn.has(question.id), `the question ${question.id} is still open after its turn`);
  }

  /** How many messages there were when the client left. */
  lengthAtEnd = 0;

  async leave(): Promise<void> {
    if (this.isPatient) assert.ok(await this.#rest(LONG_MS), "a request neither waits nor is over");
    this.lengthAtEnd = this.server.messages.length;
    await this.server.close();
  }
}

const REST_MS = 1000;
const LONG_MS = 10_000;

const UNTRUSTED = { "approval-policy": "untrusted", sandbox: "danger-full-access" };

/** By the last prompt; a call that was answered is followed by the end. */
function replyTo(request: ReceivedRequest): Reply {
  const last = request.input.at(-1);
  const [kind, name = ""] = (request.userTexts().at(-1) ?? "").split(" ");
  if (last?.type === "function_call_output" || kind === "text") return text("done");
  if (kind === "stall") return [partial("still "), stall()];
  if (kind === "command") return [text("may I?"), call("shell", { command: ["touch", name] }, name)];
  const input = `*** Begin Patch\n*** Add File: ${name}\n+x\n*** End Patch`;
  return call("apply_patch", { input }, name);
}

test(`any calls, answers and cancels at any time: one answer each, or none when cancelled (${RUNS} runs)`, async (t) => {
  const ground = await openGround(t);
  ground.model.script(replyTo);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 30 }), fc.boolean(), async (acts, isPatient) => {
      run += 1;
      const client = new WildClient(ground, { mark: `r${run}`, isPatient });
      for (const one of acts) await client.do(one);
      await client.leave();
      client.check();
    }),
    { numRuns: RUNS },
  );
});
