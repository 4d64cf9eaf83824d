import type { Usage } from "../model/index.js";
import { addTokens, type EventMsg, NO_TOKENS, type ResponseItem, type TokenUsage } from "../protocol/index.js";
import { estimateTokens } from "./history.js";

/** Context windows of known model families, tokens; the first prefix that fits counts. Sources: the makers' model pages. */
const WINDOWS: readonly (readonly [prefix: string, tokens: number])[] = [
  ["gpt-oss", 131_072],
  ["gpt-4.1", 1_047_576],
  ["gpt-4o", 128_000],
  ["o3", 200_000],
  ["o4", 200_000],
  ["gpt-5", 272_000],
  ["gpt-6", 272_000],
  ["codex", 200_000],
];

/** The share of a window at which a conversation is compacted unless the configuration says otherwise. */
const COMPACT_AT = 0.85;

export function contextWindowOf(model: string): number | undefined {
  return WINDOWS.find(([prefix]) => model.startsWith(prefix))?.[1];
}

/** Counts the tokens of a conversation: what providers said, and an estimate for what they have not seen yet. */
export class TokenMeter {
  #inContext = 0;
  #sinceUsage = 0;
  #last: TokenUsage | undefined;
  #total: TokenUsage;

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

  add(items: readonly ResponseItem[]): void {
    for (const item of items) this.#sinceUsage += estimateTokens(item);
  }

  /** Takes the provider's count: it covers all items up to and including the response's own. */
  count(usage: Usage): void {
    this.#inContext = usage.total;
    this.#sinceUsage = 0;
    this.#last = asRecorded(usage);
    this.#total = addTokens(this.#total, this.#last);
  }

  /** The history was replaced: only an estimate is left. */
  reset(items: readonly ResponseItem[]): void {
    this.#inContext = 0;
    this.#sinceUsage = 0;
    this.add(items);
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

/** The number of tokens at which to compact; undefined when nothing is known of the model. */
export function compactLimit(configured: number | undefined, window: number | undefined): number | undefined {
  if (configured !== undefined) return configured;
  return window === undefined ? undefined : Math.floor(window * COMPACT_AT);
}
