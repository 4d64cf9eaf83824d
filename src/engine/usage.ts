import type { Usage } from "../model/index.js";
import { addTokens, type EventMsg, NO_TOKENS, type ResponseItem, type TokenUsage } from "../protocol/index.js";
import { estimateTokens } from "./history.js";

/** The share of a window at which a conversation is compacted unless the configuration says otherwise. */
const COMPACT_AT = 0.85;

/** Counts the tokens of a conversation: what providers said, and an estimate for what they have not seen yet. */
export class TokenMeter {
  #inContext = 0;
  #sinceUsage = 0;
  #last: TokenUsage | undefined;
  #total: TokenUsage;
  /** Tokens that a compaction left, done or failed, by the provider's count as soon as there is one. */
  #floor = 0;
  #isFloorCounted = true;

  /** `before`: of a resumed conversation. */
  constructor(before: TokenUsage = NO_TOKENS) {
    this.#total = before;
  }

  /** Of all requests so far, those before the conversation was resumed too. */
  get total(): TokenUsage {
    return this.#total;
  }

  /** Of the last request that this process made. */
  get last(): TokenUsage | undefined {
    return this.#last;
  }

  /** Tokens the next request is expected to take. */
  get inContext(): number {
    return this.#inContext + this.#sinceUsage;
  }

  /** Tokens that are there whatever is summarised: as many as the last compaction left, done or failed. */
  get floor(): number {
    return this.#floor;
  }

  add(items: readonly ResponseItem[]): void {
    for (const item of items) this.#sinceUsage += estimateTokens(item);
  }

  /** Takes the provider's count: it covers all items up to and including the response's own. */
  count(usage: Usage): void {
    this.#inContext = usage.total;
    this.#sinceUsage = 0;
    if (!this.#isFloorCounted) this.#floor = usage.total;
    this.#isFloorCounted = true;
    this.#last = asRecorded(usage);
    this.#total = addTokens(this.#total, this.#last);
  }

  /** The history was replaced: only an estimate is left. */
  reset(items: readonly ResponseItem[]): void {
    this.#inContext = 0;
    this.#sinceUsage = 0;
    this.add(items);
  }

  /** As `reset`, by a summary: what is left can't be made less. */
  compacted(items: readonly ResponseItem[]): void {
    this.reset(items);
    this.#floor = this.inContext;
    this.#isFloorCounted = false;
  }

  /** A summary of `before` tokens came to nothing: as long as hardly more is there, another one would as well. */
  notCompacted(before: number): void {
    this.#floor = before;
    this.#isFloorCounted = true;
  }

  event(usage: Usage, window: number | undefined): EventMsg {
    return {
      type: "token_count",
      ...asRecorded(usage),
      conversation_total_tokens: this.#total.total_tokens,
      model_context_window: window ?? null,
    };
  }
}

function asRecorded(usage: Usage): TokenUsage {
  return {
    input_tokens: usage.input,
    cached_input_tokens: usage.cachedInput,
    output_tokens: usage.output,
    reasoning_output_tokens: usage.reasoningOutput,
    total_tokens: usage.total,
  };
}

/** How much has to be added to what a compaction left before another one is worth its price. */
const WORTH_IT = 1.25;

/**
 * The number of tokens at which to compact. Where a compaction left more than that, only once enough has come again: what is
 * always sent can't be summarised, and a summary before each step would forget what the step before did.
 */
export function compactLimit(
  configured: number | undefined,
  { window, floor }: { readonly window: number; readonly floor: number },
): number {
  return Math.max(configured ?? Math.floor(window * COMPACT_AT), floor * WORTH_IT);
}
