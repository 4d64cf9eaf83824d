import type { Random } from "../../base/index.js";
import type { EventBatch } from "../event-batch.js";
import { asObject, isTold, type JsonObject, numberIn, objectIn } from "../json-fields.js";
import type { ModelRequest, Usage } from "../types.js";
import type { WireDecoder, WireEnd } from "../wire.js";
import { ChatAnswer } from "./chat-answer.js";
import { type Finish, failedFinish, finishIn } from "./chat-finish.js";
import {
  cutShort,
  errorIn,
  failedWith,
  hasWords,
  malformed,
  overlong,
  RESPONSE_LIMIT,
  readEvent,
} from "./stream-event.js";

/** Reads the chunks of a Chat server; what they tell is put together by `ChatAnswer`. */
export function chatDecoder(request: ModelRequest, random: Random): WireDecoder {
  return new ChatDecoder(new ChatAnswer(request, random));
}

class ChatDecoder implements WireDecoder {
  readonly #answer: ChatAnswer;
  #taken = 0;
  #progress = 0;
  #settled = false;
  /** The latest reason: a better or worse one may follow. */
  #reason: Finish | undefined;
  /** The answer came as one object: its own end is the end. */
  #isWhole = false;
  #usage: Usage | undefined;
  #end: WireEnd | undefined;
  /** Choices of other numbers than 0, kept until the end: whether one of them is the answer is not known before. */
  readonly #others: (Given & { readonly chunk: JsonObject })[] = [];
  /** The first choice came. */
  #hasFirst = false;
  /** The latest event with words that is no chunk: the reason, where no good end comes. */
  #suspect: JsonObject | undefined;

  constructor(answer: ChatAnswer) {
    this.#answer = answer;
  }

  get settled(): boolean {
    return this.#settled;
  }

  get finished(): boolean {
    return this.#reason?.type === "good";
  }

  get progress(): number {
    return this.#progress;
  }

  accept(data: string, batch: EventBatch, name?: string): WireEnd | undefined {
    if (this.#end !== undefined) return this.#end;
    this.#taken += data.length;
    const event = readEvent(data, name);
    if (this.#taken > RESPONSE_LIMIT) this.#end = overlong();
    else if (event === "damage") this.#end = malformed(data, name);
    else if (event === "done") this.#end = this.#conclude({ isOver: true }, batch);
    else if (event !== "noise") this.#end = this.#chunk(event, name, batch);
    return this.#end;
  }

  finish(batch: EventBatch): WireEnd {
    this.#end ??= this.#conclude({ isOver: this.#isWhole }, batch);
    return this.#end;
  }

  tellRest(batch: EventBatch): void {
    this.#takeOthers(batch);
    this.#answer.tellRest(batch);
  }

  #chunk(chunk: JsonObject, name: string | undefined, batch: EventBatch): WireEnd | undefined {
    const { choices } = chunk;
    if (!Array.isArray(choices) || isTold(chunk.error)) {
      const error = errorIn(chunk, name);
      if (error !== undefined) return failedWith(error);
    }
    const groq = objectIn(chunk, "x_groq");
    if (isTold(groq?.error)) return failedWith(groq?.error);
    const given = choicesIn(choices);
    const counts = objectIn(chunk, "usage") ?? objectIn(given[0]?.choice, "usage") ?? objectIn(groq, "usage");
    if (counts !== undefined) this.#usage = decodeUsage(counts);
    if (given.length > 0) return this.#choices(given, chunk, batch);
    if (hasWords(chunk)) this.#suspect = chunk;
    // The last chunk has usage and no choice: nothing of interest can follow it.
    const isLast = this.#settled && counts !== undefined && Array.isArray(choices) && choices.length === 0;
    return isLast ? this.#conclude({ isOver: true }, batch) : undefined;
  }

  #choices(given: readonly Given[], chunk: JsonObject, batch: EventBatch): WireEnd | undefined {
    for (const { index, choice } of given) {
      if (index !== 0) {
        this.#others.push({ index, choice, chunk });
        this.#progress += 1;
        continue;
      }
      this.#hasFirst = true;
      const end = this.#choice(choice, chunk, batch);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  /** The other choices, now that all have come: calls beside the answer, or the answer itself. */
  #takeOthers(batch: EventBatch): WireEnd | undefined {
    const others = this.#others.splice(0);
    const least = others.reduce((low, { index }) => Math.min(low, index), Number.POSITIVE_INFINITY);
    for (const { index, choice, chunk } of others) {
      const isAnswer = index === least && !this.#hasFirst;
      if (!isAnswer) this.#answer.takeBeside(choice);
      const end = isAnswer ? this.#choice(choice, chunk, batch) : undefined;
      if (end !== undefined) return end;
    }
    return undefined;
  }

  #choice(choice: JsonObject, chunk: JsonObject, batch: EventBatch): WireEnd | undefined {
    for (const source of [choice, objectIn(choice, "delta"), objectIn(choice, "message")]) {
      if (isTold(source?.error)) return failedWith(source?.error);
    }
    const isWhole = chunk.object === "chat.completion";
    const reason = finishIn(choice, chunk);
    const brought = this.#answer.take(choice, { isLast: isWhole || reason !== undefined }, batch);
    if (brought || (reason !== undefined && this.#reason === undefined)) this.#progress += 1;
    if (brought) this.#settled = false;
    if (isWhole) this.#isWhole = true;
    if (this.#answer.overflowed) return overlong();
    if (reason === undefined) return undefined;
    this.#reason = reason;
    // A reason beside content says nothing on what follows: some servers put it into every chunk.
    this.#settled = reason.type === "good" && !brought && this.#answer.said;
    return reason.type === "cut" ? failedFinish(reason) : undefined;
  }

  /** `isOver`: the server itself says that this is the end, be it without a reason. */
  #conclude({ isOver }: { readonly isOver: boolean }, batch: EventBatch): WireEnd {
    const end = this.#takeOthers(batch);
    if (end !== undefined) return end;
    const reason = this.#reason;
    if (reason !== undefined && reason.type !== "good") return failedFinish(reason);
    if (reason === undefined && this.#suspect !== undefined) return failedWith(this.#suspect);
    if (reason === undefined && !(isOver && this.#answer.said)) return cutShort("no finish_reason came");
    return this.#answer.complete(reason, batch) ?? { type: "completed", usage: this.#usage };
  }
}

interface Given {
  readonly index: number;
  readonly choice: JsonObject;
}

/** The choices of a chunk. One without a number is the first: some servers spread one answer over several such. */
function choicesIn(choices: unknown): readonly Given[] {
  if (!Array.isArray(choices)) return [];
  const objects = choices.map(asObject).filter((choice) => choice !== undefined);
  return objects.map((choice) => ({ index: numberIn(choice, "index") ?? 0, choice }));
}

function decodeUsage(usage: JsonObject): Usage {
  const input = numberIn(usage, "prompt_tokens") ?? 0;
  const output = numberIn(usage, "completion_tokens") ?? 0;
  return {
    input,
    cachedInput: numberIn(objectIn(usage, "prompt_tokens_details"), "cached_tokens") ?? 0,
    output,
    reasoningOutput: numberIn(objectIn(usage, "completion_tokens_details"), "reasoning_tokens") ?? 0,
    total: numberIn(usage, "total_tokens") ?? input + output,
  };
}
