import { asObject, type JsonObject, objectIn, objectsIn, stringIn } from "../json-fields.js";
import type { Part } from "./content.js";

/** An output item of a Responses server as it tells it, in the shapes that servers give it. */
export type ToldItem =
  | {
      readonly kind: "message";
      readonly id: string | undefined;
      readonly parts: readonly Part[];
      readonly phase: string | undefined;
      readonly status: string | undefined;
      /** Types of parts with nothing in them that could be shown. */
      readonly unknown: readonly string[];
    }
  | {
      readonly kind: "reasoning";
      readonly id: string | undefined;
      readonly summary: readonly Part[];
      readonly thoughts: readonly Part[];
      readonly encrypted: string | undefined;
    }
  | {
      readonly kind: "function_call" | "custom_tool_call";
      readonly id: string | undefined;
      readonly callId: string | undefined;
      readonly name: string | undefined;
      readonly text: string;
    }
  | {
      readonly kind: "foreign";
      readonly id: string | undefined;
      readonly type: string;
      /** It looks like a call that only the client can answer. */
      readonly waits: boolean;
    };

export type KnownItem = Exclude<ToldItem, { kind: "foreign" }>;

export function readItem(raw: JsonObject): ToldItem {
  const id = word(raw, "id");
  const type = stringIn(raw, "type") ?? guessedType(raw);
  switch (type) {
    case "message": {
      const { parts, unknown } = readParts(raw.content ?? raw.text ?? raw.output_text);
      return { kind: "message", id, parts, unknown, phase: word(raw, "phase"), status: word(raw, "status") };
    }
    case "reasoning": {
      const summary = textsIn(raw.summary);
      const thoughts = textsIn(raw.content);
      return { kind: "reasoning", id, summary, thoughts, encrypted: word(raw, "encrypted_content") };
    }
    case "function_call":
    case "custom_tool_call":
      return readCall(type, raw);
    case "output_text":
    case "text":
    case "refusal": {
      const { parts, unknown } = readParts(raw);
      return { kind: "message", id, parts, unknown, phase: undefined, status: undefined };
    }
    default:
      if (isCallPart(raw) && !isAnswered(raw) && hasName(raw)) return readCall("function_call", raw);
      return { kind: "foreign", id, type, waits: waits(type, raw) };
  }
}

/** An item, and the calls that some servers put into a message, be it as parts or as on the other wire. */
export function readItems(raw: JsonObject): readonly ToldItem[] {
  const item = readItem(raw);
  if (item.kind !== "message") return [item];
  const parts = Array.isArray(raw.content) ? raw.content.filter(isCallPart).map(asObject) : [];
  const calls = [...parts.filter((part) => part !== undefined), ...objectsIn(raw, "tool_calls")];
  return [item, ...calls.map((call) => readCall("function_call", call))];
}

function readCall(kind: "function_call" | "custom_tool_call", raw: JsonObject): ToldItem {
  const inner = innerOf(raw);
  const own = kind === "function_call" ? inner.arguments : inner.input;
  const text = argumentsOf(own ?? inner.arguments ?? inner.input ?? inner.parameters);
  return { kind, id: word(raw, "id"), callId: word(raw, "call_id"), name: word(inner, "name"), text };
}

/** As on the Chat wire, a call may be told one level down. */
function innerOf(raw: JsonObject): JsonObject {
  return objectIn(raw, "function") ?? objectIn(raw, "custom") ?? raw;
}

function hasName(raw: JsonObject): boolean {
  return word(innerOf(raw), "name") !== undefined;
}

/** The words of other protocols for a call of a function. */
const CALLS = new Set(["function_call", "tool_call", "tool_use", "function"]);

export function isCallPart(raw: unknown): boolean {
  return CALLS.has(partType(raw));
}

/** Arguments as text: some servers give the object itself. */
export function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/**
 * The parts of a message's content, which may be a plain text. Thoughts among them are no answer. What is of an unknown
 * type counts as text if it holds one; else its type is named.
 */
function readParts(content: unknown): { readonly parts: readonly Part[]; readonly unknown: readonly string[] } {
  const parts: Part[] = [];
  const unknown: string[] = [];
  for (const raw of Array.isArray(content) ? content : [content]) {
    if (raw === undefined || raw === null) continue;
    const type = partType(raw);
    if (isThought(type) || isCallPart(raw)) continue;
    const part = readPart(raw);
    if (part === undefined) unknown.push(type);
    else if (part.text !== "") parts.push(part);
  }
  return { parts, unknown };
}

/** One part; undefined when nothing in it is a text. */
export function readPart(raw: unknown): Part | undefined {
  if (typeof raw === "string") return { type: "text", text: raw };
  const fields = asObject(raw);
  const refusal = stringIn(fields, "refusal");
  if (refusal !== undefined) return { type: "refusal", text: refusal };
  const text = textIn(fields);
  if (text === undefined) return undefined;
  return { type: fields?.type === "refusal" ? "refusal" : "text", text };
}

export function partType(raw: unknown): string {
  return typeof raw === "string" ? "text" : (stringIn(asObject(raw), "type") ?? "no type");
}

/** A part that holds thoughts, whatever it is called. */
export function isThought(type: string): boolean {
  return type.startsWith("reasoning") || type.includes("thinking") || type === "thought" || type === "summary_text";
}

function textIn(fields: JsonObject | undefined): string | undefined {
  for (const key of ["text", "output_text", "content"]) {
    const value = fields?.[key];
    const text = typeof value === "string" ? value : stringIn(asObject(value), "value");
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Texts as a list of parts, a list of strings, or one string. */
function textsIn(value: unknown): Part[] {
  const list = Array.isArray(value) ? value : [value];
  const texts = list.map((raw) => (typeof raw === "string" ? raw : textIn(asObject(raw))));
  return texts
    .filter((text) => text !== undefined && text !== "")
    .map((text) => ({ type: "text", text: text as string }));
}

/** A type that was left out, told by what only one type has. */
function guessedType(raw: JsonObject): string {
  if (raw.arguments !== undefined && raw.name !== undefined) return "function_call";
  return raw.content !== undefined || raw.role !== undefined ? "message" : "no type";
}

/** Tools that the server runs itself: what it tells of them asks for no answer. */
const OF_THE_SERVER = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
]);

function waits(type: string, raw: JsonObject): boolean {
  if (OF_THE_SERVER.has(type)) return false;
  if (isAnswered(raw)) return false;
  const asks = CALLS.has(type) || type.endsWith("_call") || type.endsWith("_approval_request");
  return asks || word(raw, "call_id") !== undefined || objectsIn(raw, "tool_calls").length > 0;
}

function isAnswered(raw: JsonObject): boolean {
  return ["output", "outputs", "result", "results"].some((key) => raw[key] !== undefined && raw[key] !== null);
}

/** A field that says something: an empty text says nothing. */
function word(raw: JsonObject, key: string): string | undefined {
  const text = stringIn(raw, key);
  return text === "" ? undefined : text;
}
