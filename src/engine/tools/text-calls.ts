import { readLenientValues } from "../../base/index.js";
import { TOOLS } from "./registry.js";
import { callOf, OPENING, readBlock, type WrittenCall } from "./text-call-forms.js";
import { isQuoted } from "./text-call-lead.js";
import { toolNameOf } from "./tool-names.js";

/** Calls that a model wrote into its text. */
export interface TextCalls {
  /** What it said before them. */
  readonly before: string;
  /** The calls as they were written, and whatever stands behind them. */
  readonly written: string;
  /** Under the tools' own names, arguments as JSON text; at least one. */
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

/** Characters of text looked at; calls in it at most. */
const MAX_TEXT = 1024 * 1024;
const MAX_CALLS = 32;

/** What may stand behind the last call: ends of tags that were never begun, and marks of an end. */
const TAIL =
  /(?:\s*(?:<\/(?:[\w-]+:)?(?:tool_calls?|function_calls?|function|invoke)>|<\|(?:im_end|eot_id|eom_id|end|call|return|end_of_text)\|>|<\/s>|<｜end▁of▁sentence｜>))*\s*$/y;

/**
 * Reads the calls of a text whose server has no parser for what its model writes. They count only where nothing else can be
 * meant: they end the text, are whole, are neither quoted nor in a fence, nothing before them begins as a call, each names a
 * tool of `known`, and each one's arguments can be read. Everything else is text: undefined.
 */
export function readTextCalls(text: string, known: ReadonlySet<string>): TextCalls | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const whole = wholeMessage(text);
  if (whole !== undefined) return resolved({ before: "", written: text.trim(), calls: [whole] }, known);
  const start = OPENING.exec(text)?.index;
  if (start === undefined || isQuoted(text.slice(0, start))) return undefined;
  const calls: WrittenCall[] = [];
  let at = start;
  for (let block = readBlock(text, at); block !== undefined; block = readBlock(text, at)) {
    calls.push(...block.calls);
    if (calls.length > MAX_CALLS) return undefined;
    at = block.end;
    while (/\s/.test(text[at] ?? "")) at += 1;
  }
  TAIL.lastIndex = at;
  if (calls.length === 0 || !TAIL.test(text)) return undefined;
  return resolved({ before: text.slice(0, start).trimEnd(), written: text.slice(start).trim(), calls }, known);
}

/** A message that is one object and nothing else. */
function wholeMessage(text: string): WrittenCall | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const [only, ...more] = readLenientValues(text) ?? [];
  return only === undefined || more.length > 0 || only.doubled !== undefined ? undefined : callOf(only.value);
}

/** Characters that are escaped between tags, by models that do so. */
const ENTITY = /&(?:amp|lt|gt|quot|apos|#\d+);/;

function resolved(
  { calls, ...rest }: Omit<TextCalls, "calls"> & { readonly calls: readonly WrittenCall[] },
  known: ReadonlySet<string>,
): TextCalls | undefined {
  const named: { readonly name: string; readonly arguments: string }[] = [];
  for (const call of calls) {
    const name = toolNameOf(call.name, known);
    const tool = name === undefined ? undefined : TOOLS.get(name);
    if (name === undefined || tool?.problem === undefined) return undefined;
    if (tool.problem(call.arguments) !== undefined) return undefined;
    // In a file an entity is one; in a command it may be a character that the model escaped.
    if (call.tagged === true && name !== "apply_patch" && ENTITY.test(call.arguments)) return undefined;
    named.push({ name, arguments: call.arguments });
  }
  return { ...rest, calls: named };
}
