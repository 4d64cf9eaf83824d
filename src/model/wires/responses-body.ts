import type { ResponseItem } from "../../protocol/index.js";
import type { ModelRequest, ToolSpec } from "../types.js";

/**
 * OpenAI's models that reason also unasked. Nothing is stored there, so their thoughts have to travel with the history, or each
 * step begins without them. Other models may refuse to be asked for them.
 */
const THINKS = /^(gpt-[5-9](?!.*chat)|o[1-9]|codex)/;

/** The body of a Responses request. Each item is encoded once in its life, however many requests carry it. */
export function responsesBody(request: ModelRequest): string {
  const { effort, summary, outputSchema } = request;
  const reasons = effort !== undefined || summary !== undefined;
  const rest = {
    tools: request.tools.map(encodeTool),
    tool_choice: "auto",
    parallel_tool_calls: true,
    ...(reasons ? { reasoning: { effort, summary: summary === "none" ? undefined : summary } } : {}),
    store: false,
    stream: true,
    include: reasons || THINKS.test(request.model) ? ["reasoning.encrypted_content"] : [],
    prompt_cache_key: request.conversationId,
    ...(outputSchema === undefined ? {} : { text: { format: outputFormat(outputSchema) } }),
  };
  const head = JSON.stringify({ model: request.model, instructions: request.instructions });
  const input = request.input.map(encodeItem).join(",");
  return `${head.slice(0, -1)},"input":[${input}],${JSON.stringify(rest).slice(1)}`;
}

/** Items are immutable, so their text is kept by identity and goes when they go. */
const encodedItems = new WeakMap<ResponseItem, string>();

function encodeItem(item: ResponseItem): string {
  const known = encodedItems.get(item);
  if (known !== undefined) return known;
  const encoded = JSON.stringify(bare(item));
  encodedItems.set(item, encoded);
  return encoded;
}

/** Without null fields. Reasoning the server cannot read back has no id there either: nothing is stored (`store` false). */
function bare(item: ResponseItem): object {
  const fields = Object.entries(item).filter(([, value]) => value !== null);
  const entries = Object.fromEntries(fields);
  if (item.type === "reasoning" && typeof item.encrypted_content !== "string") delete entries.id;
  return entries;
}

function encodeTool(tool: ToolSpec): object {
  const { type, name, description } = tool;
  if (tool.type === "custom") return { type, name, description, format: tool.format };
  return { type, name, description, strict: false, parameters: tool.parameters };
}

function outputFormat(schema: object): object {
  return { type: "json_schema", name: "belay_output_schema", strict: true, schema };
}
