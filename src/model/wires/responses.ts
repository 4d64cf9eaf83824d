import { decodeResponseItem, type MessageItem, type ResponseItem } from "../../protocol/index.js";
import type { EventBatch } from "../event-batch.js";
import { failure, failureInStream } from "../failure.js";
import { type JsonObject, numberIn, objectIn, objectsIn, parseObject, stringIn } from "../json-fields.js";
import type { ModelRequest, Usage } from "../types.js";
import type { Wire, WireDecoder, WireEnd } from "../wire.js";
import { responsesBody } from "./responses-body.js";

/** The Responses API, as server-sent events. */
export function responsesWire(): Wire {
  return {
    path: "/responses",
    headers: (request: ModelRequest) => ({ "session-id": request.conversationId }),
    body: responsesBody,
    decoder: createDecoder,
  };
}

function createDecoder(): WireDecoder {
  let items = 0;

  const emit = (raw: unknown, batch: EventBatch) => {
    const item = decodeItem(raw);
    if (item === undefined) return;
    items += 1;
    batch.push({ type: "item", item });
  };
  const complete = (response: JsonObject | undefined, batch: EventBatch): WireEnd => {
    // Some servers give their items here alone.
    if (items === 0) for (const raw of objectsIn(response, "output")) emit(raw, batch);
    return { type: "completed", usage: decodeUsage(objectIn(response, "usage")) };
  };
  return {
    settled: false,
    accept(data, batch) {
      const event = parseObject(data);
      if (event === undefined) return data === "[DONE]" ? undefined : malformed(data);
      switch (event.type) {
        case "response.output_text.delta":
          batch.delta("text_delta", stringIn(event, "delta") ?? "");
          return undefined;
        case "response.reasoning_summary_text.delta":
          batch.delta("reasoning_delta", stringIn(event, "delta") ?? "");
          return undefined;
        case "response.reasoning_text.delta":
          batch.delta("raw_reasoning_delta", stringIn(event, "delta") ?? "");
          return undefined;
        case "response.reasoning_summary_part.added":
          batch.push({ type: "reasoning_section" });
          return undefined;
        case "response.output_item.done":
          emit(event.item, batch);
          return undefined;
        case "response.completed":
          return complete(objectIn(event, "response"), batch);
        case "response.failed":
          return { type: "failed", failure: failureInStream(objectIn(event, "response")?.error) };
        case "response.incomplete":
          return incomplete(objectIn(event, "response"));
        case "error":
          return { type: "failed", failure: failureInStream(event.error ?? { ...event, type: undefined }) };
        default:
          return undefined;
      }
    },
    finish() {
      const message = "the stream ended before the response was complete";
      return { type: "failed", failure: failure("stream", message, { retry: true }) };
    },
  };
}

/** An event that is no JSON: the stream is damaged, and what was lost cannot be known. */
function malformed(data: string): WireEnd {
  const message = `the model server sent an event that is not a JSON object: ${data.slice(0, 200)}`;
  return { type: "failed", failure: failure("stream", message, { retry: true }) };
}

function incomplete(response: JsonObject | undefined): WireEnd {
  const reason = stringIn(objectIn(response, "incomplete_details"), "reason") ?? "no reason given";
  return {
    type: "failed",
    failure: failure("incomplete", `the response was cut short by the model server: ${reason}`),
  };
}

/** An item as the conversation keeps it; undefined for kinds that are not ours. */
function decodeItem(raw: unknown): ResponseItem | undefined {
  const decoded = decodeResponseItem(raw);
  if (!decoded.ok) return undefined;
  return decoded.value.type === "message" ? bareMessage(decoded.value) : decoded.value;
}

/** Without annotations and log probabilities: they would go back with each request. */
function bareMessage(item: MessageItem): MessageItem {
  const content = item.content.map((part) =>
    part.type === "output_text" ? { type: part.type, text: part.text } : part,
  );
  return { ...item, content };
}

function decodeUsage(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  const input = numberIn(usage, "input_tokens") ?? 0;
  const output = numberIn(usage, "output_tokens") ?? 0;
  return {
    input,
    cachedInput: numberIn(objectIn(usage, "input_tokens_details"), "cached_tokens") ?? 0,
    output,
    reasoningOutput: numberIn(objectIn(usage, "output_tokens_details"), "reasoning_tokens") ?? 0,
    total: numberIn(usage, "total_tokens") ?? input + output,
  };
}
