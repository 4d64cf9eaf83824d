import { addTokens, type EventOf, NO_TOKENS, type TokenUsage } from "../../protocol/index.js";

/** The tokens of one run, and those of the conversation that it goes on with. */
export class RunTokens {
  #before: TokenUsage | undefined;
  #run = NO_TOKENS;

  get run(): TokenUsage {
    return this.#run;
  }

  /** No run before it took any tokens, as far as is known. */
  get isFirst(): boolean {
    return this.#before === undefined;
  }

  /** Of this run and all before it. */
  get total(): TokenUsage {
    return addTokens(this.#before ?? NO_TOKENS, this.#run);
  }

  begin({ conversation_usage: before }: EventOf<"session_configured">): void {
    this.#before = before;
  }

  count(msg: EventOf<"token_count">): void {
    const { cached_input_tokens: cached, reasoning_output_tokens: reasoning } = msg;
    const counted = { ...msg, cached_input_tokens: cached ?? 0, reasoning_output_tokens: reasoning ?? 0 };
    this.#run = addTokens(this.#run, counted);
  }
}
