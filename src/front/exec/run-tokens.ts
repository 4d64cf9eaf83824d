import type { EventOf } from "../../protocol/index.js";

export interface Tokens {
  readonly input: number;
  /** Of the input. */
  readonly cached: number;
  readonly output: number;
  /** Of the output. */
  readonly reasoning: number;
}

const NONE: Tokens = { input: 0, cached: 0, output: 0, reasoning: 0 };

/** The tokens of one run, and those of the conversation that it goes on with. */
export class RunTokens {
  #before: Tokens | undefined;
  #run = NONE;

  get run(): Tokens {
    return this.#run;
  }

  /** No run before it took any tokens, as far as is known. */
  get isFirst(): boolean {
    return this.#before === undefined;
  }

  /** Of this run and all before it. */
  get total(): Tokens {
    return plus(this.#before ?? NONE, this.#run);
  }

  begin({ conversation_usage: before }: EventOf<"session_configured">): void {
    if (before !== undefined) this.#before = tokensOf(before);
  }

  count(msg: EventOf<"token_count">): void {
    this.#run = plus(this.#run, tokensOf(msg));
  }
}

type Counted = Pick<
  EventOf<"token_count">,
  "input_tokens" | "cached_input_tokens" | "output_tokens" | "reasoning_output_tokens"
>;

function tokensOf(counted: Counted): Tokens {
  return {
    input: counted.input_tokens,
    cached: counted.cached_input_tokens ?? 0,
    output: counted.output_tokens,
    reasoning: counted.reasoning_output_tokens ?? 0,
  };
}

function plus(one: Tokens, other: Tokens): Tokens {
  return {
    input: one.input + other.input,
    cached: one.cached + other.cached,
    output: one.output + other.output,
    reasoning: one.reasoning + other.reasoning,
  };
}
