import { type Clock, type Random, sleep } from "../base/index.js";
import type { Provider, ResponseItem } from "../protocol/index.js";
import type { AttemptEnd } from "./attempt.js";
import type { Failure } from "./failure.js";
import { redact } from "./redaction.js";
import { ShownText } from "./shown-text.js";
import { ModelError, type ModelEvent } from "./types.js";

/** The most time one request spends waiting between attempts, ms. */
export const RETRY_WAIT_BUDGET_MS = 5 * 60_000;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 30_000;
/** An overloaded server is asked again more often than this, and for this long altogether, ms. */
const LONGEST_OVERLOAD_BACKOFF_MS = 5000;
const OVERLOAD_WAIT_BUDGET_MS = 60_000;
/** The back-off is spread by this share, both ways. */
const JITTER = 0.1;

/** Makes the attempts of one request. */
export type Attempts = (signal: AbortSignal) => AsyncGenerator<readonly ModelEvent[], AttemptEnd>;

/** What bounds the retries of one request. */
export interface RetryRules {
  readonly provider: Provider;
  readonly clock: Clock;
  readonly random: Random;
  /** What a failure teaches of the server, in words, where the next attempt makes use of it; each lesson is told once. */
  learn?(failure: Failure): string | undefined;
}

/**
 * Attempts until one completes, or one fails in a way no retry can help, or the retries are spent: by number (apart for
 * requests that got no stream, for streams that broke and for servers that are overloaded) and by waiting time. Deltas pass as they come, each text once
 * (see `ShownText`); items are held back until their attempt is complete, so those of a failed one never show.
 */
export async function* withRetries(
  attempt: Attempts,
  rules: RetryRules,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const shown = new ShownText();
  const spent = nothingSpent();
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
    const lesson = rules.learn?.(end.failure);
    if (lesson !== undefined) {
      yield { type: "notice", text: `${redact(rules.provider, end.failure.message)}: ${lesson}` };
      signal.throwIfAborted();
      shown.restart();
      continue;
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

/** What the retries of one request have come to so far. */
export interface Spent {
  requests: number;
  streams: number;
  overloads: number;
  waitedMs: number;
  /** Without the waits that the server asked for. */
  overloadedMs: number;
}

/** Before the first retry. */
export function nothingSpent(): Spent {
  return { requests: 0, streams: 0, overloads: 0, waitedMs: 0, overloadedMs: 0 };
}

type RetryPlan = Omit<Extract<ModelEvent, { type: "retry" }>, "type">;
type Planning = Omit<RetryRules, "clock"> & { readonly spent: Spent; readonly began: boolean };

/** The next wait, or the error to give up with. Counts what it allows. */
export function planRetry(failure: Failure, planning: Planning): RetryPlan | ModelError {
  const { provider, random, spent } = planning;
  const cause = redact(provider, failure.message);
  const giveUp = (more: string) =>
    new ModelError(failure.kind, `${cause}${more}`, {
      status: failure.status,
      refused: failure.refused,
    });
  if (!failure.retry) return giveUp("");
  const asked = failure.waitMs !== undefined && failure.waitMs > 0 ? Math.ceil(failure.waitMs) : undefined;
  const { kind, of } = allowed(failure, asked, planning);
  if (spent[kind] >= of)
    return giveUp(spent.requests + spent.streams + spent.overloads === 0 ? "" : ` (${tried(spent)})`);
  const waitMs = asked ?? backoff(spent[kind], longest(kind), random);
  if (spent.waitedMs + waitMs > RETRY_WAIT_BUDGET_MS) {
    const limit = `${RETRY_WAIT_BUDGET_MS / 1000} s of waiting for one request`;
    if (asked === undefined) return giveUp(` (${tried(spent)}; the limit is ${limit})`);
    return giveUp(`; it asks to wait ${Math.ceil(asked / 1000)} s, and the limit is ${limit}: try again later`);
  }
  // Before chance, so that the count shown stays what it is.
  if (kind === "overloads" && asked === undefined) spent.overloadedMs += backoffBase(spent.overloads, longest(kind));
  spent[kind] += 1;
  spent.waitedMs += waitMs;
  return { cause, attempt: spent[kind], of, waitMs };
}

type Counted = "requests" | "streams" | "overloads";

/**
 * Which count a failure belongs to, and how far that may go. Codex repeats requests within repeated streams, and so asks an
 * overloaded server up to the product of both; here that is one count, which also ends when its time is spent.
 */
function allowed(
  failure: Failure,
  asked: number | undefined,
  { provider, spent, began }: Planning,
): { readonly kind: Counted; readonly of: number } {
  const { requestMaxRetries, streamMaxRetries } = provider;
  if (failure.overloaded === true && requestMaxRetries > 0 && streamMaxRetries > 0) {
    const product = (requestMaxRetries + 1) * (streamMaxRetries + 1) - 1;
    const inTime = spent.overloads + (asked === undefined ? backoffsLeft(spent) : waitsLeft(asked, spent));
    return { kind: "overloads", of: Math.max(requestMaxRetries, Math.min(product, inTime)) };
  }
  return began ? { kind: "streams", of: streamMaxRetries } : { kind: "requests", of: requestMaxRetries };
}

/** How many more back-offs the time for an overloaded server holds. */
function backoffsLeft({ overloads, overloadedMs }: Spent): number {
  let more = 0;
  for (let ms = overloadedMs; ; more += 1) {
    ms += backoffBase(overloads + more, LONGEST_OVERLOAD_BACKOFF_MS);
    if (ms > OVERLOAD_WAIT_BUDGET_MS) return more;
  }
}

/** A wait beyond the whole budget counts as one, so that it is told of. */
function waitsLeft(asked: number, { waitedMs }: Spent): number {
  return Math.max(1, Math.floor((RETRY_WAIT_BUDGET_MS - waitedMs) / asked));
}

function tried({ requests, streams, overloads }: Spent): string {
  return `tried ${1 + requests + streams + overloads} times`;
}

function longest(kind: Counted): number {
  return kind === "overloads" ? LONGEST_OVERLOAD_BACKOFF_MS : LONGEST_BACKOFF_MS;
}

/** Twice as long each time, ±10 %, so that many clients don't come back together. */
function backoff(before: number, longestMs: number, random: Random): number {
  const bytes = random(2);
  const share = ((bytes[0]! << 8) | bytes[1]!) / 0xffff;
  return Math.round(backoffBase(before, longestMs) * (1 - JITTER + 2 * JITTER * share));
}

function backoffBase(before: number, longestMs: number): number {
  return Math.min(longestMs, FIRST_BACKOFF_MS * 2 ** before);
}
