import { Cancelled, isFolder } from "../base/index.js";
import { ModelError, type ModelEvent, type Usage } from "../model/index.js";
import { type CallItem, isCall, type ReasoningItem, type ResponseItem, textOf } from "../protocol/index.js";
import { Calls } from "./calls.js";
import { compact } from "./compaction.js";
import type { Conversing } from "./conversing.js";
import { readUserInput } from "./input.js";
import type { Turn, WorkEnd } from "./turn.js";

interface Response {
  readonly items: readonly ResponseItem[];
  readonly usage: Usage | undefined;
  /** The reasoning summary was shown before the text. */
  readonly thoughtsTold: boolean;
}

/**
 * The work of a user's turn: take input, ask the model, run its calls, until a response has no calls and no input waits.
 * Each round is one step.
 */
export async function runSteps(turn: Turn, talk: Conversing): Promise<WorkEnd> {
  const calls = new Calls(talk.callDeps(turn));
  turn.ledger.calls = calls;
  if (talk.missingKey !== undefined) return { status: "failed", message: talk.missingKey };
  const { cwd } = turn.settings;
  if (!isFolder(cwd))
    return { status: "failed", message: `there is no folder ${cwd}: give the turn a cwd that exists` };
  for (const warning of talk.recordContext(turn)) void turn.emit({ type: "background_event", message: warning });
  await talk.tellUndos();
  talk.expectChanges(turn);
  const { problem } = await takeInput(turn, talk);
  if (problem !== undefined) return { status: "failed", message: problem };
  let message: string | undefined;
  for (;;) {
    const response = await step(turn, talk);
    const open = recordResponse(turn, talk, response);
    message = lastMessage(response.items) ?? message;
    if (open.length > 0) await calls.run(open);
    payOwed(turn);
    const unrecorded = talk.recordNotice();
    if (unrecorded !== undefined) void turn.emit({ type: "background_event", message: unrecorded });
    const late = await takeInput(turn, talk);
    if (late.problem !== undefined) void turn.emit({ type: "background_event", message: late.problem });
    if (open.length === 0 && !late.taken && turn.closeInput()) return { status: "completed", message };
  }
}

/** What taking input came to; `problem` is what was wrong with one that could not be used, and is handed back. */
interface TakenInput {
  /** The history has input that the model has not seen. */
  readonly taken: boolean;
  readonly problem: string | undefined;
}

/** Puts all waiting input into the history. */
async function takeInput(turn: Turn, talk: Conversing): Promise<TakenInput> {
  let taken = false;
  let problem: string | undefined;
  for (let given = turn.peekInput(); given !== undefined; given = turn.peekInput()) {
    const input = await readUserInput(given.items, turn.settings.cwd);
    turn.scope.signal.throwIfAborted();
    if (input.ok) {
      talk.record([input.message], given.submission);
      turn.dropInput();
      taken = true;
    } else {
      problem = input.message;
      turn.rejectInput();
    }
  }
  return { taken, problem };
}

/** One model request, after making room for it when the window is nearly full. */
async function step(turn: Turn, talk: Conversing): Promise<Response> {
  const limit = talk.compactLimit(turn);
  if (limit !== undefined && talk.meter.inContext > limit) await compactInside(turn, talk);
  try {
    return await sample(turn, talk);
  } catch (error) {
    // The provider counts better than we do: when it says that the window is full, make room once and ask again.
    if (!(error instanceof ModelError) || error.kind !== "context_window") throw error;
    if (!(await compactInside(turn, talk))) throw error;
    return await sample(turn, talk);
  }
}

/** True when the history was replaced. A failure leaves it as it was, and is told. */
async function compactInside(turn: Turn, talk: Conversing): Promise<boolean> {
  void turn.emit({ type: "background_event", message: "the context is nearly full: summarising the conversation" });
  const failure = await compact(turn, talk);
  if (failure === undefined) return true;
  void turn.emit({ type: "background_event", message: `the conversation could not be summarised: ${failure}` });
  return false;
}

async function sample(turn: Turn, talk: Conversing): Promise<Response> {
  const { signal } = turn.scope;
  const items: ResponseItem[] = [];
  const thoughts = new Thoughts();
  turn.ledger.partial = "";
  for await (const event of talk.model.stream(talk.request(turn), signal)) {
    if (event.type === "item") items.push(event.item);
    else if (event.type === "completed") {
      signal.throwIfAborted();
      return { items: talk.withUniqueCallIds(items), usage: event.usage, thoughtsTold: thoughts.told };
    } else {
      const summary = thoughts.take(event);
      if (summary !== undefined && talk.showsReasoning) void turn.emit({ type: "agent_reasoning", text: summary });
      const wait = show(turn, talk, event);
      if (wait !== undefined) await untilCancelled(wait, signal);
    }
  }
  throw new ModelError("stream", "the model's stream ended without its final event");
}

/** Tells a reasoning summary once it is over, that is when text begins: whole items come only at a response's end. */
class Thoughts {
  #summary = "";
  #told = false;

  /** The summary was told by `take`. */
  get told(): boolean {
    return this.#told;
  }

  take(event: ModelEvent): string | undefined {
    if (event.type === "reasoning_delta") this.#summary += event.delta;
    else if (event.type === "reasoning_section" && this.#summary !== "") this.#summary += "\n\n";
    else if (event.type === "text_delta" && this.#summary !== "" && !this.#told) {
      this.#told = true;
      return this.#summary;
    }
    return undefined;
  }
}

/** Shows what streams in; a promise when a reader asks to wait. */
function show(turn: Turn, talk: Conversing, event: ModelEvent): Promise<void> | undefined {
  switch (event.type) {
    case "text_delta":
      turn.ledger.partial += event.delta;
      return turn.emit({ type: "agent_message_delta", delta: event.delta });
    case "reasoning_delta":
      return talk.showsReasoning ? turn.emit({ type: "agent_reasoning_delta", delta: event.delta }) : undefined;
    case "reasoning_section":
      return talk.showsReasoning ? turn.emit({ type: "agent_reasoning_section_break" }) : undefined;
    case "raw_reasoning_delta":
      return talk.showsRawReasoning
        ? turn.emit({ type: "agent_reasoning_raw_content_delta", delta: event.delta })
        : undefined;
    case "retry":
      return turn.emit({
        type: "background_event",
        message: `stream error: ${event.cause}; retrying ${event.attempt}/${event.of} in ${Math.round(event.waitMs)}ms…`,
      });
    default:
      return undefined;
  }
}

/** Puts a whole response into the history, shows its messages, and returns its calls. No await: it happens or it doesn't. */
function recordResponse(turn: Turn, talk: Conversing, response: Response): CallItem[] {
  turn.ledger.partial = "";
  talk.record(response.items);
  if (response.usage !== undefined) {
    talk.meter.count(response.usage);
    turn.ledger.owed = talk.meter.event(response.usage, talk.contextWindow(turn));
  }
  for (const item of response.items) {
    if (item.type === "message" && item.role === "assistant") {
      void turn.emit({ type: "agent_message", message: textOf(item) });
    } else if (item.type === "reasoning" && talk.showsReasoning) {
      announceReasoning(turn, item, { summary: !response.thoughtsTold, raw: talk.showsRawReasoning });
    }
  }
  return response.items.filter(isCall);
}

function announceReasoning(turn: Turn, item: ReasoningItem, show: { summary: boolean; raw: boolean }): void {
  const summary = item.summary.map((part) => part.text).join("\n\n");
  if (summary !== "" && show.summary) void turn.emit({ type: "agent_reasoning", text: summary });
  const raw = (item.content ?? []).map((part) => part.text).join("");
  if (raw !== "" && show.raw) void turn.emit({ type: "agent_reasoning_raw_content", text: raw });
}

/** Token counts come after the calls of their response, as Codex's do. */
function payOwed(turn: Turn): void {
  if (turn.ledger.owed === undefined) return;
  void turn.emit(turn.ledger.owed);
  turn.ledger.owed = undefined;
}

function lastMessage(items: readonly ResponseItem[]): string | undefined {
  const message = items.findLast((item) => item.type === "message" && item.role === "assistant");
  return message?.type === "message" ? textOf(message) : undefined;
}

/** Waits for a reader, but never past the turn's stop. */
async function untilCancelled(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  let cancel = () => {};
  const cancelled = new Promise<void>((_, reject) => {
    cancel = () => reject(signal.reason ?? new Cancelled({ kind: "interrupted" }));
    signal.addEventListener("abort", cancel, { once: true });
  });
  try {
    await Promise.race([wait, cancelled]);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
