import { Cancelled } from "../base/index.js";
import { ModelError, type ModelEvent, type Usage } from "../model/index.js";
import type { ResponseItem } from "../protocol/index.js";
import { compact } from "./compaction.js";
import type { Conversing } from "./conversing.js";
import { withoutRefused } from "./refused.js";
import type { Turn } from "./turn.js";

/** A whole answer of the model, as the history takes it. */
export interface Response {
  readonly items: readonly ResponseItem[];
  readonly usage: Usage | undefined;
  /** The reasoning summary was shown before the text. */
  readonly thoughtsTold: boolean;
}

/** One model request, after making room for it when the window is nearly full. */
export async function step(turn: Turn, talk: Conversing): Promise<Response> {
  if (talk.isNearlyFull(turn)) await compactInside(turn, talk);
  try {
    return await ask(turn, talk);
  } catch (error) {
    // The provider counts better than we do: when it says that the window is full, make room once and ask again.
    if (!(error instanceof ModelError) || error.kind !== "context_window") throw error;
    if (!(await compactInside(turn, talk))) throw error;
    return await ask(turn, talk);
  }
}

/** True when the history was replaced. A failure leaves it as it was, and is told. */
async function compactInside(turn: Turn, talk: Conversing): Promise<boolean> {
  void turn.emit({ type: "background_event", message: "the context is nearly full: summarising the conversation" });
  const before = talk.meter.inContext;
  const failure = await compact(turn, talk);
  if (failure === undefined) return true;
  talk.meter.notCompacted(before);
  void turn.emit({ type: "background_event", message: `the conversation could not be summarised: ${failure}` });
  return false;
}

/**
 * Asks the model. What its server refuses of the history is left out and the rest asked again, once: left in, it would be
 * refused with every later request, and the session would be dead. The history changes only if the rest is taken.
 */
async function ask(turn: Turn, talk: Conversing): Promise<Response> {
  try {
    return await sample(turn, talk, talk.history.items);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const rest = withoutRefused(talk.history.items, error);
    if (rest === undefined) throw error;
    const message = `the model's server refuses ${rest.what} (${error.message}): asking again without`;
    void turn.emit({ type: "background_event", message });
    const response = await sample(turn, talk, rest.items);
    talk.amendHistory(turn, rest.items);
    return response;
  }
}

async function sample(turn: Turn, talk: Conversing, input: readonly ResponseItem[]): Promise<Response> {
  const { signal } = turn.scope;
  const items: ResponseItem[] = [];
  const thoughts = new Thoughts();
  turn.ledger.partial = "";
  for await (const event of talk.model.stream({ ...talk.request(turn), input }, signal)) {
    if (event.type === "item") items.push(event.item);
    else if (event.type === "completed") {
      signal.throwIfAborted();
      return { items: talk.adopt(turn, items), usage: event.usage, thoughtsTold: thoughts.told };
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
    case "notice":
      return turn.emit({ type: "background_event", message: event.text });
    case "retry":
      return turn.emit({
        type: "background_event",
        message: `stream error: ${event.cause}; retrying ${event.attempt}/${event.of} in ${Math.round(event.waitMs)}ms…`,
      });
    default:
      return undefined;
  }
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
