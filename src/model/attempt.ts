import type { Clock } from "../base/index.js";
import type { Provider } from "../protocol/index.js";
import { EventBatch } from "./event-batch.js";
import { ERROR_TEXT_LIMIT, type Failure, failure, failureOfStatus, failureToConnect, originOf } from "./failure.js";
import type { HttpClient, Posted } from "./http.js";
import type { ResponseBytes } from "./response-bytes.js";
import { SseParser } from "./sse.js";
import type { ModelEvent, ModelRequest, Usage } from "./types.js";
import type { Wire, WireEnd } from "./wire.js";

/** What one attempt needs. */
export interface AttemptPlan {
  readonly client: HttpClient;
  readonly wire: Wire;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly request: ModelRequest;
}

/** How an attempt ended. `began`: a stream had come about. */
export type AttemptEnd =
  | { readonly type: "completed"; readonly usage: Usage | undefined }
  | { readonly type: "failed"; readonly failure: Failure; readonly began: boolean };

/** The most bytes of one event: far beyond any real one, so that a broken server cannot fill the memory. */
const EVENT_LIMIT = 64 * 1024 * 1024;
/** The longest wait for the accounting at the end of a stream whose content is complete, ms. */
const SETTLED_LIMIT_MS = 2000;

/**
 * One request and its stream: the events of each chunk that arrives, and in the end how it went. Throws the signal's
 * reason once cancelled. The connection is given back, or closed, whichever way the generator ends.
 */
export async function* runAttempt(
  plan: AttemptPlan,
  signal: AbortSignal,
): AsyncGenerator<readonly ModelEvent[], AttemptEnd> {
  const posted = await post(plan, signal);
  if (posted.type !== "response") return { type: "failed", failure: noAnswer(plan, posted), began: false };
  if (posted.status < 200 || posted.status > 299 || !isStream(posted.headers["content-type"])) {
    return { type: "failed", failure: await refused(plan, posted, signal), began: false };
  }
  const { bytes } = posted;
  let end: WireEnd | undefined;
  try {
    const steps = readStream(plan, bytes, signal);
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done === true) {
        end = step.value;
        break;
      }
      yield step.value;
    }
  } finally {
    if (end?.type === "completed") plan.client.keep(bytes);
    else bytes.destroy();
  }
  return end.type === "completed" ? end : { type: "failed", failure: located(plan, end.failure), began: true };
}

async function* readStream(
  plan: AttemptPlan,
  bytes: ResponseBytes,
  signal: AbortSignal,
): AsyncGenerator<readonly ModelEvent[], WireEnd> {
  const parser = new SseParser(EVENT_LIMIT);
  const decoder = plan.wire.decoder(plan.request);
  const batch = new EventBatch();
  const idleMs = plan.provider.streamIdleTimeoutMs;
  let end: WireEnd | undefined;
  while (end === undefined) {
    const read = await bytes.next(decoder.settled ? Math.min(idleMs, SETTLED_LIMIT_MS) : idleMs, signal);
    for (const data of read.type === "bytes" ? parser.push(read.bytes) : parser.end()) {
      end = decoder.accept(data, batch);
      if (end !== undefined) break;
    }
    if (end === undefined && parser.overflowed) end = brokenStream(plan, `one event is over ${EVENT_LIMIT} bytes`);
    if (end === undefined && read.type !== "bytes") {
      if (decoder.settled || read.type === "end") end = decoder.finish(batch);
      else if (read.type === "idle") end = { type: "failed", failure: idle(plan) };
      else end = brokenStream(plan, "the connection broke");
    }
    const events = batch.take();
    if (events.length > 0) yield events;
  }
  return end;
}

function post(plan: AttemptPlan, signal: AbortSignal): Promise<Posted> {
  const { wire, provider, request } = plan;
  const headers: Record<string, string> = {
    accept: "text/event-stream",
    "content-type": "application/json",
    "user-agent": plan.userAgent,
    ...wire.headers(request),
  };
  if (provider.apiKey !== undefined) headers.authorization = `Bearer ${provider.apiKey}`;
  for (const [name, value] of Object.entries(provider.headers)) headers[name.toLowerCase()] = value;
  const body = wire.body(request);
  return plan.client.post({ path: wire.path, headers, body, idleMs: provider.streamIdleTimeoutMs }, signal);
}

/** Servers that forget the type are forgiven; a page or a JSON body is no stream. */
function isStream(contentType: string | undefined): boolean {
  return contentType === undefined || !/^(?:application\/json|text\/html)\b/i.test(contentType);
}

async function refused(
  plan: AttemptPlan,
  posted: Extract<Posted, { type: "response" }>,
  signal: AbortSignal,
): Promise<Failure> {
  const { provider, clock } = plan;
  const { status, headers, bytes } = posted;
  const parts: Buffer[] = [];
  let length = 0;
  try {
    while (length < ERROR_TEXT_LIMIT) {
      const read = await bytes.next(provider.streamIdleTimeoutMs, signal);
      if (read.type !== "bytes") break;
      parts.push(read.bytes);
      length += read.bytes.length;
    }
  } finally {
    // Once the body has ended the connection is free already, and this does nothing.
    bytes.destroy();
  }
  const text = Buffer.concat(parts).subarray(0, ERROR_TEXT_LIMIT).toString("utf8");
  return failureOfStatus(provider, { status, headers, text, now: clock.now() });
}

/** The failure with the server it comes from, which decoders don't know. */
function located({ provider }: AttemptPlan, found: Failure): Failure {
  const origin = originOf(provider);
  return found.message.includes(origin) ? found : { ...found, message: `${found.message} (${origin})` };
}

function noAnswer(plan: AttemptPlan, posted: Exclude<Posted, { type: "response" }>): Failure {
  return posted.type === "idle" ? idle(plan) : failureToConnect(plan.provider, posted.error);
}

function idle({ provider }: AttemptPlan): Failure {
  const seconds = provider.streamIdleTimeoutMs / 1000;
  const setting = `stream_idle_timeout_ms of provider \`${provider.id}\``;
  return failure("idle", `${originOf(provider)} was silent for ${seconds} s (${setting})`, { retry: true });
}

function brokenStream({ provider }: AttemptPlan, what: string): WireEnd {
  const message = `the stream from ${originOf(provider)} ended before the response was complete: ${what}`;
  return { type: "failed", failure: failure("stream", message, { retry: true }) };
}
