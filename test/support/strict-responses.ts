import { checkRequest, isObject, type JsonObject } from "./model-server-checks.js";
import { argumentText, halves, isJsonObject, openAiError } from "./strict-chat.js";
import type { Answer, Asked } from "./strict-server.js";

/** The stream of a response in the words of the Responses API: each item begins, grows, and is done. */
export function responseEvents(
  items: readonly JsonObject[],
  { n, total }: { readonly n: number; readonly total: number },
) {
  const usage = {
    input_tokens: total - 20,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 8 },
    total_tokens: total,
  };
  const response = { id: `resp_${n}`, object: "response", status: "in_progress", model: "strict", output: [] };
  const events = [
    { type: "response.created", response },
    { type: "response.in_progress", response },
    ...items.flatMap(itemEvents),
    { type: "response.completed", response: { ...response, status: "completed", output: items, usage } },
  ];
  return events.map(
    (one, sequence_number) => `event: ${one.type}\ndata: ${JSON.stringify({ ...one, sequence_number })}\n\n`,
  );
}

function itemEvents(item: JsonObject, output_index: number): ({ readonly type: string } & JsonObject)[] {
  const at = { item_id: item.id, output_index };
  const begun = { ...item, ...EMPTY[String(item.type)], status: "in_progress" };
  return [
    { type: "response.output_item.added", output_index, item: begun },
    ...growth(item).map((one) => ({ ...at, ...one })),
    { type: "response.output_item.done", output_index, item },
  ];
}

const EMPTY: Readonly<Record<string, JsonObject>> = {
  message: { content: [] },
  function_call: { arguments: "" },
  custom_tool_call: { input: "" },
  reasoning: { summary: [] },
};

function growth(item: JsonObject): ({ readonly type: string } & JsonObject)[] {
  if (item.type === "message") {
    const [part] = item.content as readonly JsonObject[];
    const text = String(part?.text);
    return [
      { type: "response.content_part.added", content_index: 0, part: { ...part, text: "" } },
      ...halves(text).map((delta) => ({ type: "response.output_text.delta", content_index: 0, delta })),
      { type: "response.output_text.done", content_index: 0, text },
      { type: "response.content_part.done", content_index: 0, part },
    ];
  }
  if (item.type === "function_call") return grown("response.function_call_arguments", "arguments", item.arguments);
  if (item.type === "custom_tool_call") return grown("response.custom_tool_call_input", "input", item.input);
  return [];
}

function grown(type: string, field: string, text: unknown): ({ readonly type: string } & JsonObject)[] {
  const deltas = halves(String(text)).map((delta) => ({ type: `${type}.delta`, delta }));
  return [...deltas, { type: `${type}.done`, [field]: text }];
}

/** Gives ids to what an answer holds, and says where its thought goes. */
export interface Maker {
  readonly id: (kind: "msg" | "fc" | "ctc" | "call") => string;
  readonly reasoning: (thought: string) => JsonObject | undefined;
  readonly phases: boolean;
}

/** The items of an answer. A tool that the request tells of as a custom one is called as one. */
export function itemsOf(
  { thought, say, uses = [] }: Answer,
  { body }: Asked,
  { id, reasoning, phases }: Maker,
): JsonObject[] {
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const thoughts = thought === undefined ? undefined : reasoning(thought);
  const phase = phases ? { phase: uses.length > 0 ? "commentary" : "final_answer" } : {};
  const part = { type: "output_text", text: say, annotations: [], logprobs: [] };
  const message = { type: "message", id: id("msg"), role: "assistant", status: "completed", content: [part], ...phase };
  // A word on the way has a thought of its own, and what is done after it another.
  const second =
    phases && say !== undefined && uses.length > 0 && thought !== undefined ? reasoning(`${thought} So:`) : undefined;
  const calls = uses.map(({ name, args }) => {
    const isCustom = tools.some((tool) => tool.type === "custom" && tool.name === name);
    const head = { call_id: id("call"), name, status: "completed" };
    return isCustom
      ? { type: "custom_tool_call", id: id("ctc"), ...head, input: isObject(args) ? args.input : args }
      : { type: "function_call", id: id("fc"), ...head, arguments: argumentText(args) };
  });
  return [
    ...(thoughts === undefined ? [] : [thoughts]),
    ...(say === undefined ? [] : [message]),
    ...(second === undefined ? [] : [second]),
    ...calls,
  ];
}

const PREFIX: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  custom_tool_call: "ctc",
  reasoning: "rs",
};

/** What is wrong with ids, names and arguments of items, in OpenAI's words. */
export function faultOfItems(asked: Asked) {
  const [first] = checkRequest("responses", asked.body);
  if (first !== undefined) return openAiError(first);
  const ids = new Set<unknown>();
  for (const [at, item] of asked.input.entries()) {
    const found = faultOfId(item, at) ?? faultOfCall(item, at);
    if (found !== undefined) return found;
    if (item.id === undefined) continue;
    if (ids.has(item.id)) return openAiError(`Duplicate item found with id ${String(item.id)}.`);
    ids.add(item.id);
  }
  return undefined;
}

function faultOfId({ type, id }: JsonObject, at: number) {
  if (id === undefined) return undefined;
  const prefix = PREFIX[String(type)];
  const text = String(id);
  if (prefix === undefined || !text.startsWith(`${prefix}_`)) {
    const words = `Invalid 'input[${at}].id': '${text}'. Expected an ID that begins with '${prefix}'.`;
    return openAiError(words, { code: "invalid_value" });
  }
  if (text.length > 64) return tooLong(`input[${at}].id`, text);
  if (!/^[a-zA-Z0-9_-]+$/.test(text)) {
    const words = `Invalid 'input[${at}].id': '${text}'. Expected an ID that contains letters, numbers, underscores, or dashes.`;
    return openAiError(words, { code: "invalid_value" });
  }
  return undefined;
}

function faultOfCall({ type, call_id, name, arguments: args }: JsonObject, at: number) {
  if (call_id !== undefined && String(call_id).length > 64) return tooLong(`input[${at}].call_id`, String(call_id));
  if (name !== undefined && !/^[a-zA-Z0-9_-]+$/.test(String(name))) {
    const words = `Invalid 'input[${at}].name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`;
    return openAiError(words, { code: "invalid_value" });
  }
  if (type !== "function_call" || isJsonObject(args)) return undefined;
  return openAiError(`Invalid 'input[${at}].arguments': expected JSON.`, { code: "invalid_value" });
}

function tooLong(path: string, text: string) {
  const words = `Invalid '${path}': string too long. Expected a string with maximum length 64, but got a string with length ${text.length} instead.`;
  return openAiError(words, { code: "string_above_max_length" });
}
