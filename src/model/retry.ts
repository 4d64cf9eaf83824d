import { type Clock, type Random, sleep } from "../base/index.js";
import type { Provider, ResponseItem } from "../protocol/index.js";
import type { AttemptEnd } from "./attempt.js";
import { type Failure, redact } from "./failure.js";
import { ShownText } from "./shown-text.js";
import { ModelError, type ModelEvent } from "./types.js";

/** The most time one request spends waiting between attempts, ms. */
export const RETRY_WAIT_BUDGET_MS = 5 * 60_000;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 30_000;
/** The back-off is spread by this share, both ways. */
const JITTER = 0.1;

/** Makes the attempts of one request. */
export type Attempts = (signal: AbortSignal) => AsyncGenerator<readonly ModelEvent[], AttemptEnd>;

/** What bounds the retries of one request. */
export interface RetryRules {
  readonly provider: Provider;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Attempts until one completes, or one fails in a way no retry can help, or the retries are spent: by number (apart for
 * requests that got no stream and for streams that broke) and by waiting time. Deltas pass as they come, each text once
 * (see `ShownText`); items are held back until their attempt is complete, so those of a failed one never show.
 */
export async function* withRetries(
  attempt: Attempts,
  rules: RetryRules,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const shown = new ShownText();
  const spent: Spent = { requests: 0, streams: 0, waitedMs: 0 };
  for (;;) {
    const items: ResponseItem[] = [];
    const end = yield* passDeltas(attempt(signal), { shown, items, signal });
    if (end.type === "completed") {
      for (const item of items) {
        yield { type: "item", item };
        signal.throwIfAborted();
      }
      yield { type: "completed", usage: end.usage };
      return;
    }
    const plan = planRetry(end.failure, { ...rules, spent, began: end.began });
    if (plan instanceof ModelError) throw plan;
    yield { type: "retry", ...plan };
    signal.throwIfAborted();
    await sleep(plan.waitMs, signal);
    shown.restart();
  }
}

interface Passing {
  readonly shown: ShownText;
  readonly items: ResponseItem[];
  readonly signal: AbortSignal;
}

async function* passDeltas(
  steps: AsyncGenerator<readonly ModelEvent[], AttemptEnd>,
  { shown, items, signal }: Passing,
): AsyncGenerator<ModelEvent, AttemptEnd> {
  let over = false;
  try {
    for (;;) {
      const step = await steps.next();
      signal.throwIfAborted();
      if (step.done === true) {
        over = true;
        return step.value;
      }
      for (const event of step.value) {
        if (event.type === "item") {
          items.push(event.item);
          continue;
        }
        const fresh = shown.fresh(event);
        if (fresh === undefined) continue;
        yield fresh;
        signal.throwIfAborted();
      }
    }
  } finally {
    // The consumer left, or the request was cancelled: the attempt closes its connection.
    if (!over) await steps.return({ type: "completed", usage: undefined });
  }
}

interface Spent {
  requests: number;
  streams: number;
  waitedMs: number;
}

type RetryPlan = Omit<Extract<ModelEvent, { type: "retry" }>, "type">;

/** The next wait, or the error to give up with. Counts what it allows. */
function planRetry(
  failure: Failure,
  { provider, random, spent, began }: RetryRules & { readonly spent: Spent; readonly began: boolean },
): RetryPlan | ModelError {
  const cause = redact(provider, failure.message);
  const giveUp = (more: string) => new ModelError(failure.kind, `${cause}${more}`, failure.status);
  if (!failure.retry) return giveUp("");
  const kind = began ? "streams" : "requests";
  const of = began ? provider.streamMaxRetries : provider.requestMaxRetries;
  if (spent[kind] >= of) return giveUp(spent.requests + spent.streams === 0 ? "" : ` (${tried(spent)})`);
  const asked = failure.waitMs !== undefined && failure.waitMs > 0 ? Math.ceil(failure.waitMs) : undefined;
  const waitMs = asked ?? backoff(spent[kind], random);
  if (spent.waitedMs + waitMs > RETRY_WAIT_BUDGET_MS) {
    const limit = `${RETRY_WAIT_BUDGET_MS / 1000} s of waiting for one request`;
    if (asked === undefined) return giveUp(` (${tried(spent)}; the limit is ${limit})`);
    return giveUp(`; it asks to wait ${Math.ceil(asked / 1000)} s, and the limit is ${limit}: try again later`);
  }
  spent[kind] += 1;
  spent.waitedMs += waitMs;
  return { cause, attempt: spent[kind], of, waitMs };
}

function tried(spent: Spent): string {
  return `tried ${1 + spent.requests + spent.streams} times`;
}

/** Twice as long each time, ±10 %, so that many clients don't come back together. */
function backoff(before: number, random: Random): number {
  const bytes = random(2);
  const share = ((bytes[0]! << 8) | bytes[1]!) / 0xffff;
  const base = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** before);
  return Math.round(base * (1 - JITTER + 2 * JITTER * share));
}
