import * as v from "valibot";

/**
 * Items of a conversation as the Responses API writes them: what goes to a model, what comes from it, what is recorded.
 * Items are immutable once made; wires keep their encoded text by identity.
 */

const contentPart = v.variant("type", [
  v.looseObject({ type: v.literal("input_text"), text: v.string() }),
  v.looseObject({ type: v.literal("output_text"), text: v.string() }),
  v.looseObject({ type: v.literal("input_image"), image_url: v.string(), detail: v.optional(v.string()) }),
  v.looseObject({ type: v.literal("refusal"), refusal: v.string() }),
]);

const id = v.optional(v.nullable(v.string()));

/** Ours: which provider (its id in the settings) and model made an item. What only they can read goes back to them alone. */
const maker = v.optional(v.object({ provider: v.string(), model: v.string() }));
/** Ours: fields of a Chat server as they came (`reasoning_details`, `extra_content`), to be sent back as they are. */
const sealed = v.optional(v.record(v.string(), v.unknown()));

/** `status` "incomplete" marks a text that was cut. */
const message = v.object({
  type: v.literal("message"),
  id,
  role: v.picklist(["user", "assistant", "system", "developer"]),
  content: v.array(contentPart),
  status: v.optional(v.picklist(["in_progress", "completed", "incomplete"])),
  /** Of the assistant: `commentary` on the way, or `final_answer`; any other word is kept as it is. */
  phase: v.optional(v.nullable(v.string())),
  maker,
});

const reasoning = v.object({
  type: v.literal("reasoning"),
  id,
  summary: v.array(v.looseObject({ type: v.literal("summary_text"), text: v.string() })),
  content: v.optional(v.nullable(v.array(v.looseObject({ type: v.string(), text: v.string() })))),
  encrypted_content: v.optional(v.nullable(v.string())),
  maker,
  /** Of a Chat server: `{ field: "reasoning_content" }` names where its text came from, other fields are the server's own. */
  sealed,
});

/** `arguments` is the model's JSON text, not yet checked. */
const functionCall = v.object({
  type: v.literal("function_call"),
  id,
  name: v.string(),
  arguments: v.string(),
  call_id: v.string(),
  maker,
  sealed,
});

const customToolCall = v.object({
  type: v.literal("custom_tool_call"),
  id,
  name: v.string(),
  input: v.string(),
  call_id: v.string(),
  maker,
  sealed,
});

const callOutput = v.union([v.string(), v.array(contentPart)]);

const functionCallOutput = v.object({
  type: v.literal("function_call_output"),
  call_id: v.string(),
  output: callOutput,
});

const customToolCallOutput = v.object({
  type: v.literal("custom_tool_call_output"),
  call_id: v.string(),
  output: callOutput,
});

export const responseItemSchema = v.variant("type", [
  message,
  reasoning,
  functionCall,
  customToolCall,
  functionCallOutput,
  customToolCallOutput,
]);

export type ContentPart = v.InferOutput<typeof contentPart>;
export type MessageItem = v.InferOutput<typeof message>;
export type ReasoningItem = v.InferOutput<typeof reasoning>;
export type FunctionCallItem = v.InferOutput<typeof functionCall>;
export type CustomToolCallItem = v.InferOutput<typeof customToolCall>;
export type CallOutput = v.InferOutput<typeof callOutput>;
export type CallOutputItem = v.InferOutput<typeof functionCallOutput> | v.InferOutput<typeof customToolCallOutput>;
export type CallItem = FunctionCallItem | CustomToolCallItem;
export type ResponseItem = v.InferOutput<typeof responseItemSchema>;

export function isCall(item: ResponseItem): item is CallItem {
  return item.type === "function_call" || item.type === "custom_tool_call";
}

export function isCallOutput(item: ResponseItem): item is CallOutputItem {
  return item.type === "function_call_output" || item.type === "custom_tool_call_output";
}

export type MadeItem = MessageItem | ReasoningItem | CallItem;

/** What a model said, thought or called. */
export function isMade(item: ResponseItem): item is MadeItem {
  return isCall(item) || item.type === "reasoning" || (item.type === "message" && item.role === "assistant");
}

/** The output item that answers a call. */
export function outputOf(call: CallItem, output: CallOutput): CallOutputItem {
  const type = call.type === "function_call" ? "function_call_output" : "custom_tool_call_output";
  return { type, call_id: call.call_id, output };
}

export function userMessage(text: string): MessageItem {
  return { type: "message", role: "user", content: [{ type: "input_text", text }] };
}

/** What a message says: its texts and refusals, joined. */
export function textOf(item: MessageItem): string {
  return item.content
    .map((part) => (part.type === "input_image" ? "" : part.type === "refusal" ? part.refusal : part.text))
    .join("");
}
