import type { IncomingHttpHeaders } from "node:http";
import type { Provider } from "../protocol/index.js";
import { saysOtherLimit, saysOverflow } from "./overflow-texts.js";
import { originOf } from "./provider-address.js";
import { bounded, type ProviderError, providerError } from "./provider-error.js";
import { saysSpent } from "./quota-texts.js";
import { type Refused, readRefusal } from "./refusal-texts.js";
import { waitInDuration, waitInHeaders, waitInText } from "./retry-after.js";
import type { ModelErrorKind } from "./types.js";

/** Why one attempt came to nothing, and whether another can do better. */
export interface Failure extends Refused {
  readonly kind: ModelErrorKind;
  /** For people; no secret in it. */
  readonly message: string;
  readonly status: number | undefined;
  readonly retry: boolean;
  /** The wait the server asked for, ms. */
  readonly waitMs: number | undefined;
  /** The server has too much to do: worth more tries than a failure of another kind. */
  readonly overloaded?: boolean | undefined;
}

/** A failure with the usual rest. */
export function failure(kind: ModelErrorKind, message: string, more: Partial<Failure> = {}): Failure {
  return { kind, message, status: undefined, retry: false, waitMs: undefined, ...more };
}

const RATE_CODES: ReadonlySet<string> = new Set([
  "rate_limit_exceeded",
  "rate_limit_error",
  "rate_limited",
  "ratelimiterror",
  "rate_limit",
  "resource_exhausted",
  "too_many_requests",
  "throttlingexception",
  "429",
]);
const OVERLOAD_CODES: ReadonlySet<string> = new Set([
  "capacity_exceeded",
  "engine_overloaded",
  "engine_overloaded_error",
  "model_overloaded",
  "overloaded",
  "overloaded_error",
  "server_is_overloaded",
  "server_overloaded",
  "service_unavailable",
  "service_unavailable_error",
  "serviceunavailableerror",
  "slow_down",
  "unavailable",
  "503",
  "529",
]);
const AUTH_CODE = /^(?:authentication|unauthenticated|unauthorized|permission|forbidden|invalid_api_key|40[13]$)/;
const FINAL_CODE =
  /^(?:invalid|unsupported|unprocessable|unknown_(?:parameter|model)|validation|bad_?request|content_(?:policy|filter)|billing|model_not|failed_precondition|unimplemented)|(?:not_?found(?:_?error)?|_parse_error|above_max_length|validation_?(?:error|exception))$/;
/** Names of errors within words, as LiteLLM writes them. */
const FINAL_NAME =
  /\b(?:BadRequest|Authentication|PermissionDenied|NotFound|UnprocessableEntity|UnsupportedParams|ContentPolicyViolation)Error\b/;
const RATE_NAME = /\bRateLimitError\b/;

const OVERLOAD_WORDS =
  /\boverloaded\b|\b(?:at|over|exceeded|no available|insufficient) capacity\b|\bhigh (?:demand|load|traffic)\b|\b(?:is|are|currently|too) busy\b|\bslow down\b/i;
const TRANSIENT_WORDS =
  /\btry again (?:later|shortly|soon|in (?:a|\d))|\btemporar(?:y|ily)\b|\b(?:please retry|retry your request)\b|\bservice unavailable\b|\btimed? ?out\b/i;

/** A failure told inside a stream, by an error of any shape. What is not known to be final is worth another try. */
export function failureInStream(error: unknown): Failure {
  const found = providerError(error);
  const { code, codes, message } = found;
  const text = `the model server reports ${[code, message].filter((part) => part !== "").join(": ") || "an error"}`;
  const said = (names: ReadonlySet<string>) => codes.some((one) => names.has(one));
  if (saysOverflow(codes, message) || isTooLarge(codes, message)) return failure("context_window", text);
  const waitMs = waitToldBy(found);
  if (saysSpent(codes, message, waitMs)) return failure("rate_limit", text);
  const rate = said(RATE_CODES) || RATE_NAME.test(message);
  if (rate) return failure("rate_limit", text, { retry: true, waitMs, overloaded: !isWait(waitMs) });
  const overloaded = said(OVERLOAD_CODES) || OVERLOAD_WORDS.test(message);
  const refused = overloaded ? {} : readRefusal(found);
  if (Object.keys(refused).length > 0) return failure("bad_request", text, refused);
  if (codes.some((one) => AUTH_CODE.test(one))) return failure("auth", text);
  const transient = overloaded || TRANSIENT_WORDS.test(message);
  if (!transient && isFinal(codes, message)) return failure("bad_request", text);
  return failure("server", text, { retry: true, waitMs, overloaded });
}

function isFinal(codes: readonly string[], message: string): boolean {
  // A status among the names: the outermost is what the server itself would have answered with.
  const status = codes.find((code) => /^[45]\d\d$/.test(code));
  if (status !== undefined) return status.startsWith("4") && !["408", "409", "425", "429"].includes(status);
  return codes.some((code) => FINAL_CODE.test(code)) || FINAL_NAME.test(message);
}

/** The body as a whole is too large, and no part of it is blamed: a shorter history is a smaller body. */
function isTooLarge(codes: readonly string[], message: string): boolean {
  return codes.some((code) => code === "413" || code === "request_too_large") && !saysOtherLimit(message);
}

/** "Retry-After: 0" says as much as nothing. */
function isWait(waitMs: number | undefined): boolean {
  return waitMs !== undefined && waitMs > 0;
}

function waitToldBy({ message, retryDelay }: ProviderError): number | undefined {
  return (retryDelay === undefined ? undefined : waitInDuration(retryDelay)) ?? waitInText(message);
}

/** What was answered in place of a stream. `text` is the body, or its beginning. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly now: number;
}

/** Statuses whose words may tell of a part that can be mended. 5xx: some servers say a refusal so. */
const REFUSING: ReadonlySet<number> = new Set([200, 400, 404, 405, 413, 415, 422, 500, 501, 502]);

export function failureOfStatus(provider: Provider, refusal: Refusal): Failure {
  const { status, headers, text, now } = refusal;
  const error = providerError(text);
  const { codes } = error;
  const shown = error.message || error.code || bounded(text.trim()) || "no further text";
  const message = `${originOf(provider)} answered ${status}: ${shown}`;
  const said = (names: ReadonlySet<string>) => codes.some((one) => names.has(one));
  if (saysOverflow(codes, status === 429 ? "" : shown) || isTooLarge([String(status), ...codes], shown)) {
    return failure("context_window", message, { status });
  }
  const waitMs = waitInHeaders(headers, now) ?? waitToldBy(error);
  if (status === 429) {
    if (saysSpent(codes, shown, waitMs)) return failure("rate_limit", message, { status });
    return failure("rate_limit", message, { status, retry: true, waitMs, overloaded: !isWait(waitMs) });
  }
  const overloaded = status === 503 || status === 529 || OVERLOAD_WORDS.test(shown) || said(OVERLOAD_CODES);
  const refused = REFUSING.has(status) && !(status >= 500 && overloaded) ? readRefusal(error) : imageIn(status, error);
  if (Object.keys(refused).length > 0) return failure("bad_request", message, { status, ...refused });
  if (status >= 500 || status === 408 || status === 409 || status === 425) {
    return failure("server", message, { status, retry: true, waitMs, overloaded });
  }
  if (said(RATE_CODES)) return failure("rate_limit", message, { status });
  return failure(status === 401 || status === 403 ? "auth" : "bad_request", `${message}${hint(provider, status)}`, {
    status,
  });
}

/** A key may be good for all but images: then no other key is asked for. */
function imageIn(status: number, error: ProviderError): Refused {
  const { refused } = status === 403 ? readRefusal(error) : {};
  return refused === "images" ? { refused } : {};
}

function hint(provider: Provider, status: number): string {
  const { id } = provider;
  if (status === 401 || status === 403) {
    return ` (${provider.apiKey === undefined ? "no API key is set for" : "check the API key of"} provider \`${id}\`)`;
  }
  return status === 404 ? ` (check the model's name and base_url of provider \`${id}\`)` : "";
}
