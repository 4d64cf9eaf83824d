import type { WireName } from "./model-frames.js";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with a request a real provider could refuse, or that shows a history gone bad; empty when all is well. */
export function checkRequest(wire: WireName, body: unknown): string[] {
  if (!isObject(body)) return ["the body is not a JSON object"];
  const problems: string[] = [];
  if (typeof body.model !== "string" || body.model === "") problems.push("no model");
  if (body.stream !== true) problems.push("stream is not true");
  const items = wire === "responses" ? body.input : body.messages;
  if (!Array.isArray(items) || !items.every(isObject)) return [...problems, "input is not a list of objects"];
  problems.push(...(wire === "responses" ? checkItems(items) : checkMessages(items)));
  return problems;
}

/** Every call has one output after it, every output a call before it, ids are unique, no assistant text is doubled. */
function checkItems(items: readonly JsonObject[]): string[] {
  const problems: string[] = [];
  const open = new Map<string, unknown>();
  const seen = new Set<string>();
  const texts: AssistantTexts = { last: undefined };
  /** What was said whole since the user spoke last. */
  let whole: string[] = [];
  for (const item of items) {
    const type = item.type;
    if (type === "function_call" || type === "custom_tool_call") {
      const id = String(item.call_id);
      if (seen.has(id)) problems.push(`call id ${id} is used twice`);
      seen.add(id);
      open.set(id, type);
      const payload = type === "function_call" ? item.arguments : item.input;
      if (typeof payload !== "string") problems.push(`call ${id} has no arguments text`);
    } else if (type === "function_call_output" || type === "custom_tool_call_output") {
      const id = String(item.call_id);
      if (!seen.has(id)) problems.push(`output ${id} has no call before it`);
      else if (!open.has(id)) problems.push(`call ${id} has two outputs`);
      else if (`${String(open.get(id))}_output` !== type)
        problems.push(`output ${id} is of another type than its call`);
      open.delete(id);
      if (item.output === undefined) problems.push(`output ${id} is empty`);
    } else if (type === "message") {
      const text = textOf(item.content);
      problems.push(...checkText(item.role, text, texts));
      if (item.role === "user") whole = [];
      else if (item.status !== "incomplete") whole.push(text);
      else if (whole.includes(text))
        problems.push(`cut text ${JSON.stringify(text.slice(0, 60))} was said whole before`);
      continue;
    } else if (type !== "reasoning") problems.push(`unknown item type ${String(type)}`);
    if (type !== "reasoning") texts.last = undefined;
  }
  for (const id of open.keys()) problems.push(`call ${id} has no output`);
  return problems;
}

const CHAT_ROLES: ReadonlySet<unknown> = new Set(["system", "developer", "user", "assistant", "tool"]);

/** Tool messages stand right after the assistant message that called them, one for each of its calls. */
function checkMessages(messages: readonly JsonObject[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const texts: AssistantTexts = { last: undefined };
  let open = new Set<string>();
  const close = () => {
    for (const id of open) problems.push(`call ${id} has no output right after it`);
    open = new Set();
  };
  for (const message of messages) {
    if (!CHAT_ROLES.has(message.role)) problems.push(`unknown role ${String(message.role)}`);
    if (message.role === "tool") {
      const id = String(message.tool_call_id);
      if (!open.delete(id)) problems.push(`tool message ${id} has no open call right before it`);
      texts.last = undefined;
      continue;
    }
    close();
    const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : [];
    for (const one of calls) {
      const id = String(one.id);
      if (seen.has(id)) problems.push(`call id ${id} is used twice`);
      seen.add(id);
      open.add(id);
      if (!isObject(one.function) || typeof one.function.arguments !== "string") {
        problems.push(`call ${id} has no arguments text`);
      }
    }
    const content = textOf(message.content);
    if (message.role === "assistant" && content === "" && calls.length === 0) problems.push("empty assistant message");
    problems.push(...checkText(message.role, content, texts));
  }
  close();
  return problems;
}

interface AssistantTexts {
  last: string | undefined;
}

/** Two equal assistant texts in a row, or one that is some text said twice, are what a doubled delta leaves behind. */
function checkText(role: unknown, content: string, texts: AssistantTexts): string[] {
  if (role !== "assistant") {
    texts.last = undefined;
    return [];
  }
  const problems: string[] = [];
  const shown = JSON.stringify(content.slice(0, 60));
  if (content !== "" && content === texts.last) problems.push(`assistant text ${shown} comes twice in a row`);
  const half = content.length / 2;
  if (Number.isInteger(half) && half > 3 && content.slice(0, half) === content.slice(half)) {
    problems.push(`assistant text ${shown} is one text said twice`);
  }
  texts.last = content;
  return problems;
}

/** The text of a content: a string, or the text parts of a list, joined. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (isObject(part) && typeof part.text === "string" ? part.text : "")).join("");
}
