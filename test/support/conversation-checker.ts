import assert from "node:assert/strict";
import { type Event, type EventMsg, isTerminal } from "../../src/protocol/index.js";
import { checkStopContract } from "./stop-contract.js";

/** A JSON-RPC message as it crossed the stream. */
export interface WireMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What happened on one connection, in order. `engine`: an event as the engine emitted it, right before the server got it. */
export type Entry =
  | { readonly from: "client" | "server"; readonly message: WireMessage }
  | { readonly from: "engine"; readonly conversationId: string; readonly event: Event };

type Stamped = Entry & { readonly at: number };

/**
 * Checks what the conversation API promises of a connection, whatever happened on it: each request has one answer; each
 * conversation keeps the stop contract; its events reach the client once, in order and without a gap; each interrupt is
 * answered after the end of the turn it stopped, or as having found none; each approval is answered or withdrawn.
 */
export function checkConversations(transcript: readonly Entry[]): void {
  const entries = transcript.map((entry, at) => ({ ...entry, at }));
  const answers = checkAnswers(entries);
  const conversations = new Set(entries.flatMap((entry) => (entry.from === "engine" ? [entry.conversationId] : [])));
  for (const id of conversations) {
    const events = entries.filter((entry) => entry.from === "engine" && entry.conversationId === id) as EngineEntry[];
    checkStopContract(events.map((entry) => entry.event));
    checkDelivery(id, events, entries);
    for (const exchange of answers) {
      const { method, params } = exchange.request.message;
      if (method === "interruptConversation" && params?.conversationId === id)
        checkInterrupt(exchange, events, entries);
    }
  }
  checkApprovals(entries);
}

type EngineEntry = Extract<Stamped, { from: "engine" }>;
type MessageEntry = Extract<Stamped, { from: "client" | "server" }>;

interface Exchange {
  readonly request: MessageEntry;
  readonly answer: MessageEntry;
}

function messages(entries: readonly Stamped[], from: "client" | "server"): MessageEntry[] {
  return entries.filter((entry): entry is MessageEntry => entry.from === from);
}

function checkAnswers(entries: readonly Stamped[]): Exchange[] {
  const requests = messages(entries, "client").filter(({ message }) => isRequest(message));
  const replies = messages(entries, "server").filter(({ message }) => message.method === undefined);
  return requests.map((request) => {
    const { id, method } = request.message;
    const own = replies.filter(({ message }) => message.id === id);
    assert.equal(own.length, 1, `request ${id} (${method}) has ${own.length} answers`);
    assert.ok(own[0]!.at > request.at, `request ${id} is answered before it came`);
    return { request, answer: own[0]! };
  });
}

function isRequest({ id, method }: WireMessage): boolean {
  return id !== undefined && method !== undefined;
}

/** What the client got is the beginning of what the engine said, and all of it while somebody listens at the end. */
function checkDelivery(id: string, events: readonly EngineEntry[], entries: readonly Stamped[]): void {
  const said = events.filter(({ event }) => event.msg.type !== "session_configured").map(({ event }) => event);
  const notices = noticesOf(id, entries);
  const got = notices.map(({ message }) => ({ id: message.params?.id, msg: message.params?.msg }));
  for (const { message } of notices) {
    assert.equal(message.method, `codex/event/${(message.params?.msg as EventMsg | undefined)?.type}`);
  }
  const whole = listenersAt(id, entries, entries.length) > 0;
  assert.deepEqual(got, whole ? said : said.slice(0, got.length), `the events of ${id} that the client got`);
}

function noticesOf(id: string, entries: readonly Stamped[]): MessageEntry[] {
  return messages(entries, "server").filter(
    ({ message }) => message.method?.startsWith("codex/event/") === true && message.params?.conversationId === id,
  );
}

/** How many listeners a conversation had, as far as requests had been answered. */
function listenersAt(id: string, entries: readonly Stamped[], at: number): number {
  const subscriptions = new Set<unknown>();
  const requests = new Map<unknown, WireMessage>();
  for (const entry of entries.slice(0, at)) {
    if (entry.from === "client") requests.set(entry.message.id, entry.message);
    if (entry.from !== "server" || entry.message.result === undefined) continue;
    const request = requests.get(entry.message.id);
    if (request?.method === "addConversationListener" && request.params?.conversationId === id) {
      subscriptions.add(entry.message.result.subscriptionId);
    }
    if (request?.method === "removeConversationListener") subscriptions.delete(request.params?.subscriptionId);
  }
  return subscriptions.size;
}

function checkInterrupt({ request, answer }: Exchange, events: readonly EngineEntry[], entries: readonly Stamped[]) {
  const what = `interrupt ${request.message.id}`;
  const between = events.filter(({ at }) => at > request.at && at < answer.at).map(({ event }) => event);
  const aborted = events.find(
    ({ at, event }) => at > request.at && at < answer.at && event.msg.type === "turn_aborted",
  );
  const running = runningAt(events, request.at);
  if (answer.message.result !== undefined) {
    assert.ok(aborted !== undefined, `${what} is answered, and no turn was stopped before its answer`);
    const { msg } = aborted.event;
    assert.deepEqual(answer.message.result, { abortReason: msg.type === "turn_aborted" ? msg.reason : undefined });
    checkNoticeFirst({ what, terminal: aborted, answer }, entries);
    return;
  }
  assert.deepEqual(answer.message.error, { code: -32600, message: "no active turn to interrupt" }, what);
  assert.equal(aborted, undefined, `${what} is answered as having found no turn, and one was stopped`);
  if (running === undefined) return;
  const ended = between.some((event) => event.id === running && isTerminal(event.msg));
  assert.ok(ended, `${what} came while turn ${running} ran, and is answered before its end`);
}

/** The client got the terminal event before the answer, when it listened. */
function checkNoticeFirst(
  { what, terminal, answer }: { what: string; terminal: EngineEntry; answer: MessageEntry },
  entries: readonly Stamped[],
): void {
  const { conversationId, event } = terminal;
  if (listenersAt(conversationId, entries, terminal.at) === 0) return;
  const notice = noticesOf(conversationId, entries).find(
    ({ message }) => message.params?.id === event.id && message.method === "codex/event/turn_aborted",
  );
  assert.ok(notice !== undefined && notice.at < answer.at, `${what} is answered before the client got turn_aborted`);
}

/** The turn that had begun and not ended. */
function runningAt(events: readonly EngineEntry[], at: number): string | undefined {
  let running: string | undefined;
  for (const { event, ...entry } of events) {
    if (entry.at > at) break;
    if (event.msg.type === "task_started") running = event.id;
    if (isTerminal(event.msg)) running = undefined;
  }
  return running;
}

/** Each request for an approval follows its event, and is answered or withdrawn, the latter before its turn's last event. */
function checkApprovals(entries: readonly Stamped[]): void {
  const withdrawn = messages(entries, "server").filter(({ message }) => message.method === "notifications/cancelled");
  for (const asked of messages(entries, "server").filter(({ message }) => isRequest(message))) {
    const { id, params } = asked.message;
    const event = entries.findLast(
      (entry): entry is EngineEntry =>
        entry.from === "engine" &&
        entry.at < asked.at &&
        entry.conversationId === params?.conversation_id &&
        "call_id" in entry.event.msg &&
        entry.event.msg.call_id === params?.call_id,
    );
    assert.ok(event !== undefined, `approval ${id} has no event before it`);
    assert.ok(event.event.msg.type.endsWith("_approval_request"), `approval ${id} comes after ${event.event.msg.type}`);
    const end = endOf(event, asked.at, entries);
    const answered = messages(entries, "client").find(
      (entry) => entry.at > asked.at && entry.message.method === undefined && entry.message.id === id,
    );
    const cancelled = withdrawn.filter(({ message }) => message.params?.requestId === id);
    assert.ok(cancelled.length <= 1, `approval ${id} is withdrawn ${cancelled.length} times`);
    if (end === undefined || (answered !== undefined && answered.at < end.at)) continue;
    const notice = noticesOf(end.conversationId, entries).find(({ at }) => at > end.at);
    const limit = notice?.at ?? entries.length;
    assert.ok(cancelled[0] !== undefined && cancelled[0].at < limit, `approval ${id} outlives its turn`);
  }
}

/** The last event of the turn that an event belongs to. */
function endOf(of: EngineEntry, after: number, entries: readonly Stamped[]): EngineEntry | undefined {
  return entries.find(
    (entry): entry is EngineEntry =>
      entry.from === "engine" &&
      entry.conversationId === of.conversationId &&
      entry.at > after &&
      entry.event.id === of.event.id &&
      isTerminal(entry.event.msg),
  );
}
