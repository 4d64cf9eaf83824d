import { readLenientValue } from "../../base/index.js";
import { isRecord } from "../../protocol/index.js";

/** A call as it stands in a text: the name as it was written, arguments as JSON text. */
export interface WrittenCall {
  readonly name: string;
  readonly arguments: string;
  /** The values stood between tags, where some models escape characters and others don't. */
  readonly tagged?: true;
}

/** Calls that stand at a place of a text, and where they end. */
export interface WrittenCalls {
  readonly calls: readonly WrittenCall[];
  readonly end: number;
}

type Form = (text: string, at: number) => WrittenCalls | undefined;

/** Where the first thing begins that is written as a call, whole or not. */
export const OPENING =
  /<(?:[\w-]+:|｜DSML｜)?(?:tool_calls?|function_calls?|invoke|function=)[\s>\w"']|\[TOOL_CALLS\]|<\|python_tag\|>|<｜tool▁calls?▁begin｜>|<\|tool_calls_section_begin\|>|<\|tool_call_begin\|>|(?:<\|start\|>assistant)?<\|channel\|>\w+\s+to=|<\|start\|>assistant\s*to=|```tool_calls?\b/;

/** The calls of one block at a place, in whichever form they are; undefined unless it is whole. */
export function readBlock(text: string, at: number): WrittenCalls | undefined {
  for (const form of FORMS) {
    const read = form(text, at);
    if (read !== undefined) return read;
  }
  return undefined;
}

/** The call that a JSON value is: `{name, arguments}`, also with `parameters`, and within `{type, function}`. */
export function callOf(value: unknown): WrittenCall | undefined {
  if (!isRecord(value)) return undefined;
  const { type = "function", id = "", ...rest } = value;
  if (type !== "function" || typeof id !== "string") return undefined;
  if (isRecord(rest.function)) return Object.keys(rest).length === 1 ? callOf(rest.function) : undefined;
  const { name = rest.function, arguments: args = rest.parameters } = rest;
  const expected = Object.keys(rest).length === 2 && typeof name === "string" && name !== "";
  if (!expected || !(typeof args === "string" || isRecord(args))) return undefined;
  return { name, arguments: typeof args === "string" ? args : JSON.stringify(args) };
}

/** Reads on from `at` what a sticky expression matches. */
function eat(text: string, at: number, sticky: RegExp): RegExpExecArray | undefined {
  sticky.lastIndex = at;
  return sticky.exec(text) ?? undefined;
}

function blanks(text: string, at: number): number {
  return at + (eat(text, at, /\s*/y)?.[0].length ?? 0);
}

/** The end of a mark that stands there, behind blanks. */
function pass(text: string, at: number, mark: string): number | undefined {
  const start = blanks(text, at);
  return text.startsWith(mark, start) ? start + mark.length : undefined;
}

function readJson(text: string, at: number): { readonly value: unknown; readonly end: number } | undefined {
  const read = readLenientValue(text, at);
  return read === undefined || read.doubled !== undefined ? undefined : read;
}

function readJsonCall(text: string, at: number): WrittenCalls | undefined {
  const read = readJson(text, at);
  const call = callOf(read?.value);
  return read === undefined || call === undefined ? undefined : { calls: [call], end: read.end };
}

/** The arguments of a call whose name stands before them. */
function readArguments(text: string, at: number, name: string): WrittenCalls | undefined {
  const read = readJson(text, at);
  if (read === undefined || !isRecord(read.value)) return undefined;
  return { calls: [{ name, arguments: JSON.stringify(read.value) }], end: read.end };
}

/** One block or several in a row, with blanks between. */
function several(form: Form): Form {
  return (text, at) => {
    const first = form(text, blanks(text, at));
    if (first === undefined) return undefined;
    const calls = [...first.calls];
    let { end } = first;
    for (let next = form(text, blanks(text, end)); next !== undefined; next = form(text, blanks(text, end))) {
      calls.push(...next.calls);
      end = next.end;
    }
    return { calls, end };
  };
}

/** What stands between two marks. */
function between(open: RegExp, close: (opened: RegExpExecArray) => string, inner: Form): Form {
  return (text, at) => {
    const opened = eat(text, at, open);
    const read = opened === undefined ? undefined : inner(text, at + opened[0].length);
    const end = opened === undefined || read === undefined ? undefined : pass(text, read.end, close(opened));
    return read === undefined || end === undefined ? undefined : { calls: read.calls, end };
  };
}

interface Values {
  readonly values: ReadonlyMap<string, string>;
  readonly end: number;
}

/** Named values between tags; each name once. */
function readTagged(
  text: string,
  at: number,
  tag: { readonly open: RegExp; readonly close: string },
): Values | undefined {
  const values = new Map<string, string>();
  let end = at;
  for (let opened = eat(text, blanks(text, end), tag.open); opened; opened = eat(text, blanks(text, end), tag.open)) {
    const start = opened.index + opened[0].length;
    const stop = text.indexOf(tag.close, start);
    const name = opened[1] ?? "";
    if (stop === -1 || values.has(name)) return undefined;
    values.set(
      name,
      text
        .slice(start, stop)
        .replace(/^\r?\n/, "")
        .replace(/\r?\n$/, ""),
    );
    end = stop + tag.close.length;
  }
  return { values, end };
}

function taggedCall(name: string, { values, end }: Values): WrittenCalls {
  return { calls: [{ name, arguments: JSON.stringify(Object.fromEntries(values)), tagged: true }], end };
}

/** `<function=NAME>`, then parameters or an object. */
const functionTag: Form = (text, at) => {
  const opened = eat(text, at, /<function=["']?([^<>"'\s]+)["']?>/y);
  if (opened === undefined) return undefined;
  const [{ length }, name = ""] = opened;
  const start = blanks(text, at + length);
  const tag = { open: /<parameter=["']?([\w.-]+)["']?>/y, close: "</parameter>" };
  const tagged = text[start] === "{" ? undefined : readTagged(text, start, tag);
  const read = tagged === undefined ? readArguments(text, start, name) : taggedCall(name, tagged);
  const end = read === undefined ? undefined : pass(text, read.end, "</function>");
  return read === undefined || end === undefined ? undefined : { calls: read.calls, end };
};

/** `<invoke name="NAME">` with parameters, under whatever prefix. */
const invokeTag: Form = (text, at) => {
  const opened = eat(text, at, /<([\w-]+:|｜DSML｜)?invoke\s+name=(["'])([^"'<>]+)\2\s*>/y);
  if (opened === undefined) return undefined;
  const [{ length }, prefix = "", , name = ""] = opened;
  const open = new RegExp(`<${prefix}parameter\\s+name=["']([\\w.-]+)["'](?:\\s+string=["']\\w+["'])?\\s*>`, "y");
  const tagged = readTagged(text, at + length, { open, close: `</${prefix}parameter>` });
  const end = tagged === undefined ? undefined : pass(text, tagged.end, `</${prefix}invoke>`);
  return tagged === undefined || end === undefined ? undefined : taggedCall(name, { ...tagged, end });
};

/** A name, then keys and values in tags. */
const keysAndValues: Form = (text, at) => {
  const named = eat(text, at, /\s*([\w.:-]+)\s*(?=<)/y);
  if (named === undefined) return undefined;
  const open = /<arg_key>\s*([\w.-]+)\s*<\/arg_key>\s*<arg_value>/y;
  const tagged = readTagged(text, at + named[0].length, { open, close: "</arg_value>" });
  return tagged === undefined ? undefined : taggedCall(named[1] ?? "", tagged);
};

/** A name, a mark, an object. */
const callWithId: Form = (text, at) => {
  const named = eat(text, at, /\s*([\w.:-]+)\s*<\|tool_call_argument_begin\|>/y);
  return named === undefined ? undefined : readArguments(text, at + named[0].length, named[1] ?? "");
};

/** Both orders that there have been: `function`, a mark, the name and a fence; and the name, a mark, an object. */
const callWithMark: Form = (text, at) => {
  const fence = eat(text, at, /\s*function<｜tool▁sep｜>([\w.:-]+)\s*```(?:json)?\s/y);
  if (fence !== undefined) {
    const read = readArguments(text, at + fence[0].length, fence[1] ?? "");
    const end = read === undefined ? undefined : pass(text, read.end, "```");
    return read === undefined || end === undefined ? undefined : { calls: read.calls, end };
  }
  const named = eat(text, at, /\s*([\w.:-]+)\s*<｜tool▁sep｜>/y);
  return named === undefined ? undefined : readArguments(text, at + named[0].length, named[1] ?? "");
};

/** Behind `[TOOL_CALLS]`: a list of calls, one, or a name and an object. */
const behindMark: Form = (text, at) => {
  const listed = readJson(text, at);
  if (listed !== undefined && Array.isArray(listed.value) && listed.value.length > 0) {
    const calls = listed.value.flatMap((one) => callOf(one) ?? []);
    return calls.length === listed.value.length ? { calls, end: listed.end } : undefined;
  }
  const named = eat(text, at, /\s*([\w.:-]+)\s*(?:\[CALL_ID\]\s*\w+\s*)?(?:\[ARGS\]\s*)?(?=\{)/y);
  return named === undefined ? readJsonCall(text, at) : readArguments(text, at + named[0].length, named[1] ?? "");
};

const channel: Form = (text, at) => {
  const opened = eat(
    text,
    at,
    /(?:<\|start\|>assistant)?(?:\s*to=([\w.:-]+))?<\|channel\|>(?:commentary|analysis)(?:\s+to=([\w.:-]+))?\s*(?:<\|constrain\|>)?\s*\w*\s*<\|message\|>/y,
  );
  if (opened === undefined || (opened[1] === undefined) === (opened[2] === undefined)) return undefined;
  const read = readArguments(text, at + opened[0].length, opened[1] ?? opened[2] ?? "");
  // The mark of the end is where such models stop, and not always in the text.
  return read === undefined ? undefined : { calls: read.calls, end: pass(text, read.end, "<|call|>") ?? read.end };
};

const marked: Form = (text, at) => {
  const mark = eat(text, at, /\[TOOL_CALLS\]/y);
  return mark === undefined ? undefined : behindMark(text, at + mark[0].length);
};

const afterPythonTag: Form = (text, at) => {
  const mark = eat(text, at, /<\|python_tag\|>/y);
  return mark === undefined ? undefined : readJsonCall(text, at + mark[0].length);
};

const insideToolCall: Form = (text, at) =>
  readJsonCall(text, at) ?? functionTag(text, blanks(text, at)) ?? keysAndValues(text, at);

const oneKimi = between(/<\|tool_call_begin\|>/y, () => "<|tool_call_end|>", callWithId);
const oneDeepSeek = between(/<｜tool▁call▁begin｜>/y, () => "<｜tool▁call▁end｜>", callWithMark);

const FORMS: readonly Form[] = [
  between(/<tool_call>/y, () => "</tool_call>", insideToolCall),
  functionTag,
  between(
    /<([\w-]+:|｜DSML｜)?(function_calls|tool_calls?)>/y,
    ([, prefix = "", name]) => `</${prefix}${name}>`,
    several(invokeTag),
  ),
  invokeTag,
  marked,
  afterPythonTag,
  between(/<\|tool_calls_section_begin\|>/y, () => "<|tool_calls_section_end|>", several(oneKimi)),
  oneKimi,
  between(/<｜tool▁calls▁begin｜>/y, () => "<｜tool▁calls▁end｜>", several(oneDeepSeek)),
  oneDeepSeek,
  channel,
  between(/```tool_calls?[ \t]*\r?\n/y, () => "```", several(readJsonCall)),
];
