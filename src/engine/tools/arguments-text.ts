import { isDeepStrictEqual } from "node:util";
import { type LenientValue, readLenientValues } from "../../base/index.js";
import { type Decoded, isRecord } from "../../protocol/index.js";
import { fenced } from "./fences.js";

/** JSON texts inside one another, beside the outermost: models quote their arguments once too often, not more. */
const MAX_QUOTED = 2;

/** What of a server's or a template's marks is left behind arguments. */
const END_MARKS = [
  "<|call|>",
  "<|end|>",
  "<|im_end|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<|return|>",
  "</tool_call>",
  "</s>",
];

/** Languages of a fence whose content is read as arguments. */
const DATA_LANGUAGES = new Set(["", "json", "json5", "jsonc", "javascript", "js", "python", "py"]);

/**
 * What a call's arguments say as a value: JSON, with what models put around it (a fence, quotes, a list of one, a mark of its
 * end) taken off. Two values one after the other, a key with two values and everything torn are refused; prose is no value.
 */
export function readArgumentsText(text: string, quoted = 0): Decoded<unknown> {
  const bare = withoutEndMarks(text.trim());
  if (bare === "") return { ok: true, value: {} };
  const inner = fenced(bare);
  return readValues(inner !== undefined && DATA_LANGUAGES.has(inner.language) ? inner.content : bare, quoted);
}

function withoutEndMarks(text: string): string {
  let rest = text;
  // More than two in a row come from no template.
  for (let n = 0; n < 2; n += 1) {
    const mark = END_MARKS.find((end) => rest.endsWith(end));
    if (mark !== undefined) rest = rest.slice(0, -mark.length).trimEnd();
  }
  return rest;
}

function readValues(text: string, quoted: number): Decoded<unknown> {
  const values = readLenientValues(text);
  const [first, ...more] = values ?? [];
  if (first === undefined) return { ok: false, message: `the arguments are not valid JSON (${whyNot(text)})` };
  const fault = faultOf(first, more);
  if (fault !== undefined) return { ok: false, message: fault };
  return unwrapped(first.value, quoted);
}

function faultOf(first: LenientValue, more: readonly LenientValue[]): string | undefined {
  if (more.some(({ value }) => !isDeepStrictEqual(value, first.value))) {
    return "the arguments hold more than one JSON value: give one object, and make a call of its own for each of the others";
  }
  if (first.doubled === undefined) return undefined;
  return `the arguments give ${first.doubled.slice(0, 80)} more than once, with different values: give it once`;
}

function unwrapped(value: unknown, quoted: number): Decoded<unknown> {
  if (value === null) return { ok: true, value: {} };
  if (Array.isArray(value) && value.length === 1 && isRecord(value[0])) return { ok: true, value: value[0] };
  if (typeof value !== "string" || quoted === MAX_QUOTED || !/^\s*[[{"`]/.test(value)) return { ok: true, value };
  return readArgumentsText(value, quoted + 1);
}

/** What is wrong in the words of the platform's reader, which is stricter. */
function whyNot(text: string): string {
  try {
    JSON.parse(text);
    return "it is nested too deeply";
  } catch (error) {
    // The message goes to the model.
    return (error as Error).message;
  }
}
