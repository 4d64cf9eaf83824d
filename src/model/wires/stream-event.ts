import { failure, failureInStream } from "../failure.js";
import { asObject, isTold, type JsonObject, objectIn, stringIn } from "../json-fields.js";
import { providerError } from "../provider-error.js";
import type { WireEnd } from "../wire.js";

/**
 * The most characters of one response's events, in all: far beyond any real answer, so that a server that never ends
 * cannot fill the memory.
 */
export const RESPONSE_LIMIT = 256 * 1024 * 1024;

/** The most of a server's own words that a message of ours repeats, characters. */
const SHOWN_LIMIT = 200;

/** What servers write to keep a connection alive, beside an empty text. */
const NOISE = new Set(["", "ping", "pong", "heartbeat", "keepalive", "processing"]);

/**
 * An event's data as an object. `done`: the word that ends a stream; `noise`: a sign of life; `damage`: no JSON, so
 * that what was lost cannot be known.
 */
export function readEvent(data: string, name?: string): JsonObject | "done" | "noise" | "damage" {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    // Not JSON is an expected outcome: it is one of the known words, or damage.
    const word = wordOf(data);
    return word === "damage" && name !== undefined && NOISE.has(bare(name)) ? "noise" : word;
  }
  if (typeof value === "string") return wordOf(value);
  // Some servers put an error into a list.
  const only = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return asObject(only) ?? (Array.isArray(value) && value.length > 0 ? "damage" : "noise");
}

function wordOf(text: string): "done" | "noise" | "damage" {
  const word = bare(text);
  if (word === "done") return "done";
  // A comment that was put into an event.
  return NOISE.has(word) || text.startsWith(":") ? "noise" : "damage";
}

function bare(text: string): string {
  const word = text.trim().toLowerCase().replace(/[-_]/g, "");
  return /^\[\w*\]$/.test(word) ? word.slice(1, -1) : word;
}

/** The stream is damaged: another attempt may come through whole. */
export function damaged(message: string): WireEnd {
  return { type: "failed", failure: failure("stream", message, { retry: true }) };
}

export function malformed(data: string, name: string | undefined): WireEnd {
  if (name === "error") return failedWith(shown(data));
  return damaged(`the model server sent an event that is not a JSON object: ${shown(data)}`);
}

export function overlong(): WireEnd {
  const message = "the model server sent more in one response than any answer has";
  return { type: "failed", failure: failure("stream", message) };
}

export function cutShort(what = ""): WireEnd {
  return damaged(`the stream ended before the response was complete${what === "" ? "" : `: ${what}`}`);
}

/** Ended by the model or a limit, a filter, or the server's own trouble. */
export function incomplete(reason: string, more: { readonly retry: boolean } = { retry: false }): WireEnd {
  const message = `the response was cut short by the model server: ${shown(reason)}`;
  return { type: "failed", failure: failure("incomplete", message, more) };
}

/** The model did what Belay cannot take up: asking again brings the same. */
export function notUnderstood(message: string): WireEnd {
  return { type: "failed", failure: failure("bad_request", message) };
}

/** A failure the server tells in its own words. */
export function failedWith(error: unknown): WireEnd {
  return { type: "failed", failure: failureInStream(error) };
}

/** The words of a notice on something that is not shown. */
export function passedOver(what: string): string {
  return `the model server's answer holds ${what}, which Belay passes over`;
}

/** A server's word as a message may repeat it: in one line, bounded. */
export function shown(text: string): string {
  return text.slice(0, SHOWN_LIMIT).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}

/**
 * The error an event tells, as the object that tells most of it; undefined where it tells none. `name` is the event's own,
 * outside of its data.
 */
export function errorIn(event: JsonObject, name: string | undefined): unknown {
  if (isTold(event.error)) return fullError(event, event.error);
  if (event.type === "error" || event.object === "error" || name === "error") return withoutType(event);
  const { code, status } = event;
  const plain = stringIn(event, "message") !== undefined && (isBad(code) || isBad(status));
  const isOther = event.choices !== undefined || event.type !== undefined || event.object !== undefined;
  if (isOther) return undefined;
  const detail = stringIn(event, "detail");
  return plain ? event : detail === undefined ? undefined : { message: detail };
}

/** A code or status that does not say that all goes well. */
function isBad(code: unknown): boolean {
  if (code === undefined || code === null) return false;
  return !/^(?:0|20\d|ok|success|succeeded|processing|pending|queued|running|in_progress)$/i.test(String(code));
}

/**
 * An event that is none of the wire's and has words in it: no error for sure, but the reason if the answer never comes to
 * a good end.
 */
export function hasWords(event: JsonObject): boolean {
  return providerError(event).message !== "";
}

function fullError(event: JsonObject, error: unknown): unknown {
  const fields = asObject(error);
  if (fields === undefined) {
    const message = typeof error === "string" ? error : stringIn(event, "message");
    return { ...withoutType(event), error: undefined, message: message ?? "an error" };
  }
  if (stringIn(fields, "message") !== undefined) return fields;
  const inner = objectIn(fields, "error");
  if (inner !== undefined) return inner;
  const message = stringIn(event, "message");
  return message === undefined ? fields : { ...fields, message };
}

/** `error` as a type says nothing of the kind. */
function withoutType(event: JsonObject): JsonObject {
  return event.type === "error" ? { ...event, type: undefined } : event;
}
