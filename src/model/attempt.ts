import type { Clock } from "../base/index.js";
import type { Provider } from "../protocol/index.js";
import { type AnswerEnd, readAnswer } from "./answer.js";
import { failureToConnect } from "./connect-failure.js";
import { type Failure, failureOfStatus } from "./failure.js";
import type { HttpClient, Posted } from "./http.js";
import { LimitedBytes } from "./limited-bytes.js";
import { originOf } from "./provider-address.js";
import { unknownEncoding } from "./response-encoding.js";
import { encodingFailure, idleFailure, redirectFailure } from "./stream-failures.js";
import type { ModelEvent, ModelRequest, Usage } from "./types.js";
import type { Wire } from "./wire.js";

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

type Response = Extract<Posted, { type: "response" }>;

/** The most of the body of a refusal that is read, bytes: more than is shown, since the reason may lie deep in JSON. */
const REFUSAL_LIMIT = 64 * 1024;

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
  const { status, headers, bytes } = posted;
  const encoding = unknownEncoding(headers);
  if (encoding !== undefined) {
    bytes.destroy();
    return { type: "failed", failure: encodingFailure(plan.provider, status, encoding), began: false };
  }
  const limited = new LimitedBytes(bytes, plan);
  if (status < 200 || status > 299) {
    return { type: "failed", failure: await refused(plan, posted, { limited, begin: "", signal }), began: false };
  }
  let end: AnswerEnd | undefined;
  try {
    const decoder = plan.wire.decoder(plan.request);
    const reading = { provider: plan.provider, bytes: limited, decoder, signal };
    const steps = readAnswer(reading, headers["content-type"]);
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done === true) {
        end = step.value;
        break;
      }
      yield step.value;
    }
  } finally {
    if (end?.type === "completed") plan.client.keep(bytes);
    else if (end?.type !== "no_answer") bytes.destroy();
  }
  if (end.type === "completed") return end;
  if (end.type === "failed") return { type: "failed", failure: located(plan, end.failure), began: true };
  const failure = await refused(plan, posted, { limited, begin: end.text, signal });
  return { type: "failed", failure, began: false };
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

interface RefusedBody {
  readonly limited: LimitedBytes;
  /** What of the body was read before. */
  readonly begin: string;
  readonly signal: AbortSignal;
}

async function refused(plan: AttemptPlan, posted: Response, { limited, begin, signal }: RefusedBody): Promise<Failure> {
  const { provider, clock } = plan;
  const { status, headers, bytes } = posted;
  const parts: Buffer[] = [Buffer.from(begin)];
  let length = 0;
  try {
    let isWhole = false;
    while (length < REFUSAL_LIMIT) {
      // A server that never ends a body is not waited for once the words are there.
      const read = await limited.next({ settled: isWhole, finished: false, progress: 0 }, signal);
      if (read.type !== "bytes") break;
      parts.push(read.bytes);
      length += read.bytes.length;
      isWhole = isJson(parts);
    }
  } finally {
    // Once the body has ended the connection is free already, and this does nothing.
    bytes.destroy();
  }
  const text = Buffer.concat(parts).subarray(0, REFUSAL_LIMIT).toString("utf8");
  return failureOfStatus(provider, { status, headers, text, now: clock.now() });
}

function isJson(parts: readonly Buffer[]): boolean {
  const text = Buffer.concat(parts).toString("utf8").trim();
  if (!text.endsWith("}") && !text.endsWith("]")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not whole yet, or never JSON.
    return false;
  }
}

/** The failure with the server it comes from, which decoders don't know. */
function located({ provider }: AttemptPlan, found: Failure): Failure {
  const origin = originOf(provider);
  return found.message.includes(origin) ? found : { ...found, message: `${found.message} (${origin})` };
}

function noAnswer({ provider }: AttemptPlan, posted: Exclude<Posted, Response>): Failure {
  if (posted.type === "idle") return idleFailure(provider);
  if (posted.type === "redirected") return redirectFailure(provider, posted.status, posted.to);
  return failureToConnect(provider, posted.error);
}
