import type { IncomingHttpHeaders } from "node:http";
import type { Provider } from "../protocol/index.js";
import { type JsonObject, numberIn, objectIn, parseObject, stringIn } from "./json-fields.js";
import { waitInHeaders, waitInText } from "./retry-after.js";
import type { ModelErrorKind } from "./types.js";

/** Why one attempt came to nothing, and whether another can do better. */
export interface Failure {
  readonly kind: ModelErrorKind;
  /** For people; no secret in it. */
  readonly message: string;
  readonly status: number | undefined;
  readonly retry: boolean;
  /** The wait the server asked for, ms. */
  readonly waitMs: number | undefined;
}

/** A failure with the usual rest. */
export function failure(kind: ModelErrorKind, message: string, more: Partial<Failure> = {}): Failure {
  return { kind, message, status: undefined, retry: false, waitMs: undefined, ...more };
}

/** The most of a provider's error text that is read and shown, bytes. */
export const ERROR_TEXT_LIMIT = 4096;

const CONTEXT_CODES = new Set(["context_length_exceeded", "exceed_context_size_error"]);
const CONTEXT_TEXT = /context (?:length|window|size)|prompt is too long|too many tokens in/i;
const QUOTA_CODES = new Set(["insufficient_quota", "usage_limit_reached", "usage_not_included", "billing_hard_limit"]);
const RATE_CODES = new Set(["rate_limit_exceeded", "rate_limit_error", "too_many_requests", "429"]);
const FATAL_CODE = /^4\d\d$|^invalid_|_parse_error$|^content_policy|^unsupported_|^model_not_found$/;

/** An error object of a provider: on the Responses wire, in a Chat stream, in an HTTP body. */
interface ProviderError {
  readonly code: string;
  readonly message: string;
}

/** `error` is an object with code, type and message, or a plain text. */
export function providerError(error: unknown): ProviderError {
  if (typeof error === "string") return { code: "", message: bounded(error) };
  const fields = typeof error === "object" && error !== null ? (error as JsonObject) : {};
  const number = numberIn(fields, "code");
  const code = stringIn(fields, "code") ?? stringIn(fields, "type") ?? (number === undefined ? "" : String(number));
  return { code, message: bounded(stringIn(fields, "message") ?? "") };
}

/** A failure told inside a stream. What is not known to be final is worth another try. */
export function failureInStream(error: unknown): Failure {
  const { code, message } = providerError(error);
  const text = `the model server reports ${[code, message].filter((part) => part !== "").join(": ") || "an error"}`;
  if (CONTEXT_CODES.has(code)) return failure("context_window", text);
  if (FATAL_CODE.test(code) && CONTEXT_TEXT.test(message)) return failure("context_window", text);
  if (QUOTA_CODES.has(code)) return failure("rate_limit", text);
  if (RATE_CODES.has(code)) return failure("rate_limit", text, { retry: true, waitMs: waitInText(message) });
  if (FATAL_CODE.test(code)) return failure("bad_request", text);
  return failure("server", text, { retry: true, waitMs: waitInText(message) });
}

/** What was answered in place of a stream. `text` is the body, or its beginning. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly now: number;
}

export function failureOfStatus(provider: Provider, refusal: Refusal): Failure {
  const { status, headers, text, now } = refusal;
  const body = parseObject(text);
  const error = providerError(body?.error ?? body ?? "");
  const codes = [error.code, stringIn(objectIn(body, "error"), "type") ?? ""];
  const shown = error.message || stringIn(body, "detail") || bounded(text.trim()) || "no further text";
  const message = `${originOf(provider)} answered ${status}: ${shown}`;
  if (codes.some((code) => CONTEXT_CODES.has(code)) || (status < 500 && status !== 429 && CONTEXT_TEXT.test(shown))) {
    return failure("context_window", message, { status });
  }
  if (status === 429) {
    if (codes.some((code) => QUOTA_CODES.has(code))) return failure("rate_limit", message, { status });
    const waitMs = waitInHeaders(headers, now) ?? waitInText(shown);
    return failure("rate_limit", message, { status, retry: true, waitMs });
  }
  if (status >= 500 || status === 408 || status === 425) {
    return failure("server", message, { status, retry: true, waitMs: waitInHeaders(headers, now) });
  }
  if (status === 401 || status === 403) {
    const hint = provider.apiKey === undefined ? "no API key is set for" : "check the API key of";
    return failure("auth", `${message} (${hint} provider \`${provider.id}\`)`, { status });
  }
  if (status === 404) {
    return failure("bad_request", `${message} (check the model's name and base_url of provider \`${provider.id}\`)`, {
      status,
    });
  }
  return failure("bad_request", message, { status });
}

const REACH: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused): is the server running? See"],
  ["ENOTFOUND", "no such host name): check the network and"],
  ["EAI_AGAIN", "the host name could not be looked up): check the network and"],
  ["ETIMEDOUT", "connecting timed out): check the network and"],
  ["EHOSTUNREACH", "host unreachable): check the network and"],
  ["ENETUNREACH", "network unreachable): check the network and"],
]);

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/;

/** No answer came: nobody there, no trust, or the connection broke before the answer. */
export function failureToConnect(provider: Provider, error: Error): Failure {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const where = originOf(provider);
  const setting = `base_url of provider \`${provider.id}\``;
  const via = provider.proxyUrl === undefined ? "" : ` through the proxy ${hostOf(provider.proxyUrl)}`;
  const reach = REACH.get(code);
  if (reach !== undefined) {
    return failure("connect", `can't reach ${where}${via} (${reach} ${setting}`, { retry: true });
  }
  if (CERTIFICATE.test(code)) {
    const hint = "for a company's own CA set NODE_EXTRA_CA_CERTS to its file";
    return failure("connect", `the TLS certificate of ${where} is not trusted (${code}): ${hint}`);
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return failure("connect", `${where}${via} does not speak TLS: check http or https in ${setting}`);
  }
  if (code.startsWith("ERR_INVALID") || code.startsWith("ERR_PROXY")) {
    return failure("connect", `can't ask ${where}${via}: ${redact(provider, error.message)}`);
  }
  const what = code === "ECONNRESET" || code === "EPIPE" ? "the connection was closed before an answer" : error.message;
  return failure("connect", `no answer from ${where}${via}: ${redact(provider, what)}`, { retry: true });
}

/** Scheme, host and port of the base URL: no user, no path, no query. */
export function originOf(provider: Provider): string {
  return hostOf(provider.baseUrl);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "an address that is no URL";
}

const SECRET_HEADER = /key|token|secret|auth|cookie/i;

/** The text without the provider's key and secret headers, should a server repeat them. */
export function redact(provider: Provider, text: string): string {
  const named = Object.entries(provider.headers).filter(([name]) => SECRET_HEADER.test(name));
  const secrets = [provider.apiKey, ...named.map(([, value]) => value)];
  return secrets.reduce<string>(
    (rest, secret) => (secret === undefined || secret.length < 8 ? rest : rest.replaceAll(secret, "[secret]")),
    text,
  );
}

function bounded(text: string): string {
  return text.length > ERROR_TEXT_LIMIT ? `${text.slice(0, ERROR_TEXT_LIMIT)}…` : text;
}
