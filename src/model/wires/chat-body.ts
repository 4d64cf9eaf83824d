import type { CallItem, CallOutputItem, ContentPart, MessageItem, ResponseItem } from "../../protocol/index.js";
import { textOf } from "../../protocol/index.js";
import type { ModelRequest, ToolSpec } from "../types.js";

/** The body of a Chat Completions request. Each item's text is encoded once in its life. */
export function chatBody(request: ModelRequest): string {
  const { outputSchema, tools } = request;
  const rest = {
    stream: true,
    stream_options: { include_usage: true },
    // Some servers refuse an empty list.
    ...(tools.length === 0 ? {} : { tools: tools.map(encodeTool) }),
    ...(outputSchema === undefined ? {} : { response_format: responseFormat(outputSchema) }),
  };
  const messages = encodeMessages(request.instructions, request.input).join(",");
  return `{"model":${JSON.stringify(request.model)},"messages":[${messages}],${JSON.stringify(rest).slice(1)}`;
}

/** An assistant message in the making. All parts are JSON text. */
interface Assistant {
  readonly texts: string[];
  readonly calls: CallItem[];
}

/**
 * Items as chat messages. A text and the calls after it are one assistant message; its outputs follow it directly, in
 * call order, wherever they stand in the input, as the API demands. Reasoning is left out. Developer texts at the start
 * join the instructions; later ones become user messages, since many chat templates take one system message, at the start.
 */
function encodeMessages(instructions: string, input: readonly ResponseItem[]): string[] {
  const outputs = new Map<string, CallOutputItem>();
  for (const item of input) if (isOutput(item)) outputs.set(item.call_id, item);
  const lead = leadingTexts(input);
  const system = [instructions, ...lead.texts].filter((text) => text !== "").join("\n\n");
  const messages = system === "" ? [] : [JSON.stringify({ role: "system", content: system })];
  let open: Assistant | undefined;

  const close = () => {
    if (open !== undefined) messages.push(...encodeAssistant(open, outputs));
    open = undefined;
  };
  for (const item of input.slice(lead.count)) {
    if (item.type === "reasoning" || isOutput(item)) {
      // An output ends the step that made its call; the next call belongs to another assistant message.
      if (isOutput(item) && open !== undefined && answersAll(open, item)) close();
      continue;
    }
    if (item.type === "message") {
      const joins = item.role === "assistant" && open !== undefined && open.calls.length > 0;
      if (!joins) close();
      if (item.role !== "assistant") messages.push(encoded(item, () => JSON.stringify(userLike(item))));
      else if (textOf(item) !== "") {
        open ??= { texts: [], calls: [] };
        open.texts.push(textOf(item));
      }
      continue;
    }
    open ??= { texts: [], calls: [] };
    open.calls.push(item);
  }
  close();
  return messages;
}

/** True at the output of the last call: outputs come after all calls of their step. */
function answersAll(open: Assistant, output: CallOutputItem): boolean {
  return open.calls.at(-1)?.call_id === output.call_id;
}

function isOutput(item: ResponseItem): item is CallOutputItem {
  return item.type === "function_call_output" || item.type === "custom_tool_call_output";
}

function leadingTexts(input: readonly ResponseItem[]): { readonly texts: string[]; readonly count: number } {
  const texts: string[] = [];
  for (const item of input) {
    if (item.type !== "message" || (item.role !== "developer" && item.role !== "system")) break;
    texts.push(textOf(item));
  }
  return { texts, count: texts.length };
}

function encodeAssistant(open: Assistant, outputs: ReadonlyMap<string, CallOutputItem>): string[] {
  const content = open.texts.length === 0 ? "null" : JSON.stringify(open.texts.join("\n"));
  if (open.calls.length === 0) return [`{"role":"assistant","content":${content}}`];
  const calls = open.calls.map((call) => encoded(call, () => JSON.stringify(encodeCall(call))));
  const messages = [`{"role":"assistant","content":${content},"tool_calls":[${calls.join(",")}]}`];
  const images: string[] = [];
  for (const call of open.calls) {
    const output = outputs.get(call.call_id);
    if (output === undefined) continue;
    messages.push(encoded(output, () => JSON.stringify(toolMessage(output))));
    if (hasImages(output)) images.push(encoded(output, () => JSON.stringify(imagesMessage(output)), encodedImages));
  }
  return [...messages, ...images];
}

function encodeCall(call: CallItem): object {
  const args = call.type === "function_call" ? call.arguments : JSON.stringify({ input: call.input });
  return { id: call.call_id, type: "function", function: { name: call.name, arguments: args } };
}

function toolMessage({ call_id, output }: CallOutputItem): object {
  const content =
    typeof output === "string" ? output : output.map((part) => ("text" in part ? part.text : "")).join("");
  return { role: "tool", tool_call_id: call_id, content };
}

/** Tool messages hold text only: a call's images follow as the user's. */
function imagesMessage({ call_id, output }: CallOutputItem): object {
  const images = typeof output === "string" ? [] : output.filter((part) => part.type === "input_image");
  const label = { type: "text", text: `Images of the output of tool call ${call_id}:` };
  return { role: "user", content: [label, ...images.map(encodePart)] };
}

function hasImages({ output }: CallOutputItem): boolean {
  return typeof output !== "string" && output.some((part) => part.type === "input_image");
}

function userLike(item: MessageItem): object {
  const plain = item.content.every((part) => part.type !== "input_image");
  return { role: "user", content: plain ? textOf(item) : item.content.map(encodePart) };
}

function encodePart(part: ContentPart): object {
  if (part.type !== "input_image") return { type: "text", text: "text" in part ? part.text : part.refusal };
  const detail = part.detail === undefined ? {} : { detail: part.detail };
  return { type: "image_url", image_url: { url: part.image_url, ...detail } };
}

/** Items are immutable, so their text is kept by identity and goes when they go. */
const encodedItems = new WeakMap<ResponseItem, string>();
/** The images of an output stand in a message of their own. */
const encodedImages = new WeakMap<ResponseItem, string>();

function encoded(item: ResponseItem, encode: () => string, cache = encodedItems): string {
  const known = cache.get(item);
  if (known !== undefined) return known;
  const text = encode();
  cache.set(item, text);
  return text;
}

function encodeTool(tool: ToolSpec): object {
  if (tool.type === "function") {
    const { name, description, parameters } = tool;
    return { type: "function", function: { name, description, parameters } };
  }
  const description = `${tool.description}\n\nThe input follows this Lark grammar:\n${tool.format.definition}`;
  const input = { type: "string", description: "The whole input of the tool, as plain text." };
  const parameters = { type: "object", properties: { input }, required: ["input"], additionalProperties: false };
  return { type: "function", function: { name: tool.name, description, parameters } };
}

function responseFormat(schema: object): object {
  return { type: "json_schema", json_schema: { name: "belay_output_schema", strict: true, schema } };
}
