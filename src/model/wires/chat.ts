import type { Random } from "../../base/index.js";
import { isCall, type ResponseItem } from "../../protocol/index.js";
import type { EventBatch } from "../event-batch.js";
import { failure, failureInStream } from "../failure.js";
import { type JsonObject, numberIn, objectIn, objectsIn, parseObject, stringIn } from "../json-fields.js";
import type { ModelRequest, Usage } from "../types.js";
import type { Wire, WireDecoder, WireEnd } from "../wire.js";
import { chatBody } from "./chat-body.js";
import { ChatCalls } from "./chat-calls.js";

/** Chat Completions, as server-sent events: what local servers and gateways speak. */
export function chatWire(random: Random): Wire {
  return {
    path: "/chat/completions",
    headers: () => ({}),
    body: chatBody,
    decoder: (request) => createDecoder(request, random),
  };
}

function createDecoder(request: ModelRequest, random: Random): WireDecoder {
  const calls = new ChatCalls(takenIds(request), () => `call_${Buffer.from(random(12)).toString("hex")}`);
  const custom = new Set(request.tools.filter((tool) => tool.type === "custom").map((tool) => tool.name));
  let text = "";
  let usage: Usage | undefined;
  let settled = false;

  const complete = (batch: EventBatch): WireEnd => {
    for (const item of finalItems(text, calls.items(custom))) batch.push({ type: "item", item });
    return { type: "completed", usage };
  };
  const takeDelta = (delta: JsonObject | undefined, batch: EventBatch) => {
    const content = stringIn(delta, "content") ?? "";
    text += content;
    const thought = stringIn(delta, "reasoning_content") ?? stringIn(delta, "reasoning") ?? "";
    if (thought !== "") batch.delta("raw_reasoning_delta", thought);
    if (content !== "") batch.delta("text_delta", content);
    for (const piece of objectsIn(delta, "tool_calls")) calls.add(piece);
  };
  return {
    get settled() {
      return settled;
    },
    accept(data, batch) {
      if (data.trim() === "[DONE]") return settled ? complete(batch) : cutShort();
      const chunk = parseObject(data);
      if (chunk === undefined) return malformed(data);
      if (chunk.error !== undefined && chunk.error !== null) {
        return { type: "failed", failure: failureInStream(chunk.error) };
      }
      const choices = objectsIn(chunk, "choices");
      const choice = choices[0];
      takeDelta(objectIn(choice, "delta"), batch);
      usage = decodeUsage(objectIn(chunk, "usage")) ?? usage;
      const finish = stringIn(choice, "finish_reason");
      if (finish === "length" || finish === "content_filter") return incomplete(finish);
      if (finish !== undefined) settled = true;
      // The last chunk has usage and no choice: nothing of interest can follow it.
      return settled && choices.length === 0 && usage !== undefined ? complete(batch) : undefined;
    },
    finish: (batch) => (settled ? complete(batch) : cutShort()),
  };
}

function finalItems(text: string, calls: readonly ResponseItem[]): readonly ResponseItem[] {
  if (text === "") return calls;
  return [{ type: "message", role: "assistant", content: [{ type: "output_text", text }] }, ...calls];
}

function takenIds(request: ModelRequest): Set<string> {
  return new Set(request.input.filter(isCall).map((call) => call.call_id));
}

function cutShort(): WireEnd {
  const message = "the stream ended before the response was complete: no finish_reason came";
  return { type: "failed", failure: failure("stream", message, { retry: true }) };
}

/** A chunk that is no JSON: the stream is damaged, and what was lost cannot be known. */
function malformed(data: string): WireEnd {
  const message = `the model server sent an event that is not a JSON object: ${data.slice(0, 200)}`;
  return { type: "failed", failure: failure("stream", message, { retry: true }) };
}

function incomplete(reason: string): WireEnd {
  const words = reason === "length" ? "length (the limit of output tokens or of the context)" : reason;
  return { type: "failed", failure: failure("incomplete", `the response was cut short by the model server: ${words}`) };
}

function decodeUsage(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  const input = numberIn(usage, "prompt_tokens") ?? 0;
  const output = numberIn(usage, "completion_tokens") ?? 0;
  return {
    input,
    cachedInput: numberIn(objectIn(usage, "prompt_tokens_details"), "cached_tokens") ?? 0,
    output,
    reasoningOutput: numberIn(objectIn(usage, "completion_tokens_details"), "reasoning_tokens") ?? 0,
    total: numberIn(usage, "total_tokens") ?? input + output,
  };
}
