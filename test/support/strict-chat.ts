import { checkRequest, isObject, type JsonObject } from "./model-server-checks.js";
import type { Asked, Denial } from "./strict-server.js";

/** A chunk of a Chat stream, as an event. */
export function chunk(delta: JsonObject, more: { readonly finish?: string | null; readonly usage?: JsonObject } = {}) {
  const choices = [{ index: 0, delta, finish_reason: more.finish ?? null }];
  return event({ ...HEAD, choices, ...(more.usage === undefined ? {} : { usage: more.usage }) });
}

const HEAD = { id: "chatcmpl-strict", object: "chat.completion.chunk", created: 1_760_000_000, model: "strict" };

export const DONE = "data: [DONE]\n\n";

export function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** The end that OpenAI's own servers tell: a reason, the usage alone, and a mark. */
export function usualEnd(total: number, finish: string): string[] {
  return [chunk({}, { finish }), event({ ...HEAD, choices: [], usage: usageOf(total) }), DONE];
}

export function usageOf(total: number): JsonObject {
  return { prompt_tokens: total - 20, completion_tokens: 20, total_tokens: total };
}

/** Texts in two pieces, as deltas of one field. */
export function inPieces(field: string, text: string): string[] {
  return halves(text).map((piece) => chunk({ [field]: piece }));
}

export function halves(text: string): [string, string] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

interface CallOnWire {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject | string;
}

/** Arguments as models write them. */
export function argumentText(args: JsonObject | string): string {
  return typeof args === "string" ? args : JSON.stringify(args);
}

/** A call as OpenAI streams one: its head, and then its arguments in pieces. */
export function callInPieces({ index, id, name, args }: CallOnWire): string[] {
  const head = { index, id, type: "function", function: { name, arguments: "" } };
  const pieces = halves(argumentText(args)).map((text) => ({ index, function: { arguments: text } }));
  return [head, ...pieces].map((call) => chunk({ tool_calls: [call] }));
}

/** An error as OpenAI and most of those after it write one. */
export function openAiError(words: string, more: { readonly status?: number; readonly code?: unknown } = {}): Denial {
  const error = { message: words, type: "invalid_request_error", param: null, code: more.code ?? null };
  return { status: more.status ?? 400, words, body: { error } };
}

/** What every Chat server has against a request: calls without outputs, broken arguments, doubled ids, empty messages. */
export function usualFaults(asked: Asked): string | undefined {
  const [first] = checkRequest("chat", asked.body);
  if (first !== undefined) return first;
  for (const [at, message] of asked.input.entries()) {
    const wrong = faultOfMessage(message);
    if (wrong !== undefined) return `messages[${at}]: ${wrong}`;
  }
  return undefined;
}

const FIELDS_OF_OURS = ["maker", "sealed", "call_id", "phase", "status"];

function faultOfMessage(message: JsonObject): string | undefined {
  const ours = FIELDS_OF_OURS.find((name) => name in message);
  if (ours !== undefined) return `Additional properties are not allowed ('${ours}' was unexpected)`;
  const calls = callsOf(message);
  if ("tool_calls" in message && calls.length === 0) return "[] is too short - 'tool_calls'";
  for (const call of calls) {
    const inner = isObject(call.function) ? call.function : {};
    if (typeof call.id !== "string" || call.id === "") return "a call has no id";
    if (call.id.length > 64) return `string too long: the id of a call has ${call.id.length} characters`;
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(String(inner.name))) return `'${String(inner.name)}' does not match the pattern`;
    if (!isJsonObject(inner.arguments)) return "the arguments of a call are no JSON object";
  }
  return undefined;
}

export function isJsonObject(text: unknown): boolean {
  try {
    return typeof text === "string" && isObject(JSON.parse(text));
  } catch {
    // No JSON at all.
    return false;
  }
}

export function callsOf(message: JsonObject): JsonObject[] {
  return Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : [];
}

/** The assistant's messages that call, each with its place in the list. */
export function steps(
  asked: Asked,
): { readonly at: number; readonly message: JsonObject; readonly calls: JsonObject[] }[] {
  return asked.input.flatMap((message, at) => {
    const calls = message.role === "assistant" ? callsOf(message) : [];
    return calls.length === 0 ? [] : [{ at, message, calls }];
  });
}

/**
 * What the chat templates of Mistral and Gemma raise: after one system message at most, user and assistant take turns, those
 * that call and the outputs not counted.
 */
export function breaksTemplate(asked: Asked): boolean {
  const rest = asked.input[0]?.role === "system" ? asked.input.slice(1) : asked.input;
  const counted = rest.filter((message) => message.role !== "tool" && callsOf(message).length === 0);
  return counted.some((message, at) => message.role !== (at % 2 === 0 ? "user" : "assistant"));
}
