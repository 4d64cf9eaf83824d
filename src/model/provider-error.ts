import { asObject, type JsonObject } from "./json-fields.js";

/** The most of a provider's error text that is read and shown, bytes. */
const ERROR_TEXT_LIMIT = 4096;

/** An error of a provider, whatever its shape, as far as it can be told. */
export interface ProviderError {
  /** The name closest to the cause, or "". */
  readonly code: string;
  /** All names and numbers it goes by, outermost first, in lower case. */
  readonly codes: readonly string[];
  /** What is said in general, then the reason; each sentence once. "" when there are no words. */
  readonly message: string;
  /** The field of the request that it is about, where the error names it apart from its words. */
  readonly param: string | undefined;
  /** The wait that stands in a field of its own: "33s". */
  readonly retryDelay: string | undefined;
}

/** How deep errors are looked for within errors, and how many objects are looked at. */
const DEPTH_LIMIT = 8;
const OBJECT_LIMIT = 60;
/** The most sentences shown. */
const SENTENCE_LIMIT = 4;

/** Fields that hold words, in the order of preference; each may hold an error of its own instead. Names in lower case. */
const WORDS = [
  ["message", "msg", "error_msg", "error_message", "errormessage", "status_msg", "faultstring", "title"],
  ["detail", "error_description", "reason", "description"],
] as const;
/** Fields that hold the error behind this one. */
const INNER = [
  "error",
  "err",
  "fault",
  "response",
  "metadata",
  "raw",
  "upstream_error",
  "innererror",
  "inner_error",
  "cause",
  "base_resp",
  "details",
  "errors",
  "fieldviolations",
  "data",
] as const;
const NAMES = ["code", "type", "status", "error_code", "errorcode", "status_code", "err_code", "__type"] as const;
/** What only says that this is an error. */
const NO_NAMES: ReadonlySet<string> = new Set([
  "",
  "error",
  "null",
  "none",
  "failed",
  "response.failed",
  "upstream_error",
]);

interface Found {
  readonly sentences: string[];
  readonly codes: string[];
  code: { readonly name: string; readonly depth: number } | undefined;
  param: string | undefined;
  retryDelay: string | undefined;
  by: string | undefined;
  left: number;
}

/**
 * Reads any value that stands where an error is expected: an object of one of the many shapes, a list of such, JSON within
 * a text, a page, a plain text. Nothing in it is trusted: depth, number and length are bounded.
 */
export function providerError(value: unknown): ProviderError {
  const found: Found = {
    sentences: [],
    codes: [],
    code: undefined,
    param: undefined,
    retryDelay: undefined,
    by: undefined,
    left: OBJECT_LIMIT,
  };
  look(value, 0, found);
  const { codes, param, retryDelay } = found;
  return { code: found.code?.name ?? codes.at(-1) ?? "", codes, message: bounded(joined(found)), param, retryDelay };
}

function look(value: unknown, depth: number, found: Found): void {
  if (depth > DEPTH_LIMIT || found.left <= 0) return;
  if (typeof value === "string") {
    lookInText(value, depth, found);
  } else if (Array.isArray(value)) {
    for (const one of value.slice(0, SENTENCE_LIMIT)) look(one, depth + 1, found);
  } else {
    const fields = asObject(value);
    if (fields !== undefined) lookInObject(fields, depth, found);
  }
}

function lookInObject(fields: JsonObject, depth: number, found: Found): void {
  found.left -= 1;
  const lower = new Map(Object.entries(fields).map(([name, field]) => [name.toLowerCase(), field]));
  // Links to a manual, in errors of Google.
  if (String(lower.get("@type") ?? "").endsWith(".Help")) return;
  lookAtNames(lower, depth, found);
  const place = placeOf(lower.get("loc") ?? lower.get("field"));
  const before = found.sentences.length;
  for (const names of WORDS) {
    const words = lower.get(names.find((one) => isFilled(lower.get(one))) ?? "");
    // A name where words belong, beside words: {"message": "…", "reason": "API_KEY_INVALID"}.
    if (typeof words === "string" && found.sentences.length > 0 && /^[A-Z][A-Z\d]*_[A-Z\d_]+$/.test(words)) {
      addCode(words, depth, found);
    } else look(words, depth + 1, found);
  }
  const said = found.sentences[before];
  if (place !== "" && said !== undefined) found.sentences[before] = `${place}: ${said}`;
  for (const name of INNER) {
    const inner = lower.get(name);
    // The name of an error beside its words: {"error": "invalid_request", "message": "…"}.
    if (typeof inner === "string" && found.sentences.length > before && /^[\w.-]*$/.test(inner))
      addCode(inner, depth, found);
    else look(inner, depth + 1, found);
  }
  const by = lower.get("provider_name");
  if (typeof by === "string") found.by ??= by.slice(0, 100);
}

function lookAtNames(lower: ReadonlyMap<string, unknown>, depth: number, found: Found): void {
  for (const name of NAMES) {
    const field = lower.get(name);
    // Some servers write a sentence where a name belongs.
    if (typeof field === "string" && /\s/.test(field.trim())) say(field, found);
    else if (typeof field === "string" || typeof field === "number") addCode(String(field), depth, found);
  }
  const param = lower.get("param");
  if (typeof param === "string" && param !== "") found.param = param.slice(0, 200);
  const delay = lower.get("retrydelay");
  if (typeof delay === "string") found.retryDelay ??= delay.slice(0, 40);
}

function addCode(text: string, depth: number, found: Found): void {
  const name = text.trim().slice(0, 120);
  if (NO_NAMES.has(name.toLowerCase())) return;
  found.codes.push(name.toLowerCase());
  // The first name of the innermost object; a number says less than a name.
  if (/^\d+$/.test(name) || (found.code !== undefined && found.code.depth >= depth)) return;
  found.code = { name, depth };
}

function lookInText(text: string, depth: number, found: Found): void {
  const trimmed = text.trim();
  if (isPage(trimmed)) {
    say(wordsOfPage(trimmed), found);
    return;
  }
  const at = trimmed.search(/[[{]/);
  const inner = at === -1 ? undefined : jsonWithin(trimmed.slice(at));
  if (inner === undefined) {
    say(trimmed, found);
    return;
  }
  // "Provider - b'{…}'": what leads up to the JSON is a sentence of its own.
  const lead = trimmed
    .slice(0, at)
    .replace(/\bb?['"`]$/, "")
    .replace(/[\s:,-]+$/, "");
  const before = found.sentences.length;
  if (lead !== "") say(lead, found);
  const said = found.sentences.length;
  look(inner, depth + 1, found);
  // JSON that tells of no error is shown as it is.
  if (found.sentences.length === said) found.sentences.splice(before, Number.POSITIVE_INFINITY, trimmed);
}

/** The JSON object or list that a text begins with. */
function jsonWithin(text: string): unknown {
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  const json = text.slice(0, end + 1);
  for (const candidate of [json, json.replaceAll("\\n", "\n").replaceAll('\\"', '"')]) {
    try {
      const parsed: unknown = JSON.parse(candidate);
      return typeof parsed === "object" ? parsed : undefined;
    } catch {
      // Not JSON, or escaped once more: the text is shown as it is then.
    }
  }
  return undefined;
}

function isPage(text: string): boolean {
  return /^(?:<\?xml|<!doctype|<html|<head|<body|<!--)/i.test(text);
}

/** The title of a page, or what of its text can be read. */
function wordsOfPage(page: string): string {
  const title = /<title[^>]*>([^<]{1,300})/i.exec(page)?.[1]?.trim();
  if (title !== undefined && title !== "") return title.replace(/\s+/g, " ");
  const text = page.replace(/<(script|style)\b[^>]*>[^<]*/gi, " ").replace(/<[^>]*>/g, " ");
  return text.replace(/\s+/g, " ").trim().slice(0, 300);
}

/** Where in the request, as FastAPI and Google tell it: "body.tools.0". */
function placeOf(value: unknown): string {
  const parts = Array.isArray(value) ? value : [value];
  return parts
    .filter((part) => typeof part === "string" || typeof part === "number")
    .slice(0, 12)
    .join(".")
    .slice(0, 200);
}

function isFilled(value: unknown): boolean {
  return typeof value === "string" ? value.trim() !== "" : typeof value === "object" && value !== null;
}

function say(text: string, found: Found): void {
  const sentence = text.trim();
  if (sentence !== "") found.sentences.push(sentence.slice(0, ERROR_TEXT_LIMIT));
}

/** Each sentence once: one that another holds is left out. */
function joined({ sentences, by }: Found): string {
  const kept: string[] = [];
  for (const sentence of sentences) {
    if (kept.some((one) => one.includes(sentence))) continue;
    const longer = kept.findIndex((one) => sentence.includes(one));
    if (longer === -1) kept.push(sentence);
    else kept[longer] = sentence;
  }
  // The first one is what is said in general, the last ones are closest to the cause.
  const shown = kept.length <= SENTENCE_LIMIT ? kept : [kept[0]!, ...kept.slice(1 - SENTENCE_LIMIT)];
  const text = shown.map((one, n) => (n < shown.length - 1 ? one.replace(/[.:\s]+$/, "") : one)).join(": ");
  return by === undefined || by === "" || text.includes(by) || text === "" ? text : `${text} (${by})`;
}

export function bounded(text: string): string {
  return text.length > ERROR_TEXT_LIMIT ? `${text.slice(0, ERROR_TEXT_LIMIT)}…` : text;
}
