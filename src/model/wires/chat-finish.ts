import { asObject, type JsonObject } from "../json-fields.js";
import type { WireEnd } from "../wire.js";
import { incomplete, shown } from "./stream-event.js";

/**
 * What a server's reason for the end says. `good`: the model was done; `cut`: a limit or a filter ended it; `odd`: any
 * other word, which a better one behind it may still replace.
 */
export type Finish = { readonly type: "good" | "cut" | "odd"; readonly word: string };

/** The words of different servers for an answer that is whole. */
const GOOD = new Set([
  "stop",
  "finish_reason_stop",
  "tool_calls",
  "tool_call",
  "function_call",
  "tool_use",
  "end_turn",
  "end",
  "stop_sequence",
  "stop_token",
  "eos",
  "eos_token",
  "eos_token_id",
  "<|im_end|>",
  "complete",
  "completed",
  "finished",
  "done",
]);

const LENGTH = new Set([
  "length",
  "max_tokens",
  "max_output_tokens",
  "max_length",
  "model_length",
  "token_limit",
  "finish_reason_max_tokens",
  "error_limit",
  "context_length_exceeded",
  "model_context_window_exceeded",
]);

const FILTER = new Set([
  "content_filter",
  "content_filtered",
  "safety",
  "finish_reason_safety",
  "image_safety",
  "recitation",
  "language",
  "blocklist",
  "prohibited_content",
  "spii",
  "sensitive",
  "error_toxic",
  "guardrail_intervened",
  "refusal",
]);

/** The server's own trouble: another attempt may go well. Any other word tells of the model, or of a filter. */
const TRANSIENT = new Set([
  "network_error",
  "insufficient_system_resource",
  "abort",
  "aborted",
  "error",
  "cancelled",
  "canceled",
  "engine_overloaded",
  "overloaded",
  "server_error",
  "internal_error",
  "timeout",
  "interrupted",
]);

/**
 * The reason in a chunk, wherever it stands; undefined where it gives none. A good one counts for less than the bad one
 * of the model's own server, which some routers pass on beside it.
 */
export function finishIn(choice: JsonObject, chunk: JsonObject): Finish | undefined {
  const { delta, message } = choice;
  const places = [
    choice.finish_reason,
    choice.finishReason,
    asObject(delta)?.finish_reason,
    asObject(message)?.finish_reason,
    choice.stop_reason,
    chunk.finish_reason,
  ];
  const reason = places.map(readFinish).find((found) => found !== undefined);
  const native = reason?.type === "good" ? readFinish(choice.native_finish_reason) : undefined;
  const isBad = native !== undefined && (native.type === "cut" || /malformed/i.test(native.word));
  return isBad ? native : reason;
}

/** Null and an empty text are no reason. */
function readFinish(value: unknown): Finish | undefined {
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const word = normal(value);
  if (GOOD.has(word)) return { type: "good", word: value };
  return { type: LENGTH.has(word) || FILTER.has(word) ? "cut" : "odd", word: value };
}

/** How a response with this reason fails. */
export function failedFinish({ word }: Finish): WireEnd {
  const known = normal(word);
  if (LENGTH.has(known)) return incomplete(`${shown(word)} (the limit of output tokens or of the context)`);
  return incomplete(word, { retry: TRANSIENT.has(known) });
}

function normal(word: string): string {
  return word.trim().toLowerCase().replaceAll("-", "_");
}
