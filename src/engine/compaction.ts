import { Cancelled, clip, shortened } from "../base/index.js";
import { ModelError, type ModelRequest } from "../model/index.js";
import {
  type CallOutputItem,
  isCall,
  isCallOutput,
  type MessageItem,
  type ResponseItem,
  textOf,
  userMessage,
} from "../protocol/index.js";
import type { Conversing } from "./conversing.js";
import { estimateTokens } from "./history.js";
import { COMPACT_PROMPT } from "./instructions.js";
import { withoutRefused } from "./refused.js";
import type { Turn } from "./turn.js";

/** What earlier messages of the user may take: tokens, and the share of the window. */
const KEPT_TOKENS = 20_000;
const KEPT_SHARE = 1 / 8;
/** Of a message that does not fit, less than so many tokens are not worth keeping. */
const WORTH_KEEPING = 50;
/** As `estimateTokens` counts. */
const CHARACTERS_PER_TOKEN = 4;

/** What is listed of the work done: the latest calls, each on a line of at most so many characters. */
const LISTED_CALLS = 200;
const LINE_LIMIT = 200;

/** What stands around the model's own words in a summary. */
const HEAD = "<conversation_summary>\nThe conversation so far was replaced by this summary.\n";
const CALLS = "\nCalls already made, with how they ended. Do not repeat their effects:";
const TERMINALS = "\nTerminals that run, for write_stdin: ";
const TAIL = "</conversation_summary>";

/** The model's own words in what a compaction made of them; undefined when the text is none of ours. */
export function summaryIn(text: string): string | undefined {
  if (!text.startsWith(`${HEAD}\n`)) return undefined;
  const rest = text.slice(HEAD.length + 1);
  // The model may have said the same words: what we put behind them comes last.
  const end = rest.lastIndexOf(`\n${TAIL}`);
  const told = rest.slice(0, end === -1 ? undefined : end);
  const running = told.lastIndexOf(`\n${TERMINALS}`);
  const list = (running === -1 ? told : told.slice(0, running)).lastIndexOf(`\n${CALLS}\n`);
  const behind = [running, list].filter((at) => at !== -1);
  return behind.length === 0 ? told : told.slice(0, Math.min(...behind));
}

/**
 * Replaces the history by a summary that the model writes, a list of what was done, and the user's messages verbatim: the
 * last one whole, earlier ones as far as there is room. Undefined when it was replaced, else why not: then the history is as
 * it was. Cancellation throws, and changes nothing.
 */
export async function compact(turn: Turn, talk: Conversing): Promise<string | undefined> {
  const before = talk.history.items;
  let summary: string;
  try {
    summary = await summarise(turn, talk, before);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    // A summary that can't be had is no reason to end the turn: the caller tells and goes on.
    return (error as Error).message;
  }
  turn.scope.signal.throwIfAborted();
  if (summary.trim() === "") return "the model gave no summary";
  const said = talk.history.userMessages();
  const room = Math.min(KEPT_TOKENS, Math.floor(talk.assumedWindow(turn) * KEPT_SHARE));
  talk.replaceHistory(turn, compacted({ before, summary, terminals: talk.terminals, said, room }));
  return undefined;
}

/**
 * Asks for the summary; a request that is refused for what is in it once more without that: with clipped outputs where it was
 * too long, without images or thoughts where those were refused.
 */
async function summarise(turn: Turn, talk: Conversing, items: readonly ResponseItem[]): Promise<string> {
  try {
    return await askForSummary(turn, talk, items);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const rest = error.kind === "context_window" ? items.map(clipOutput) : withoutRefused(items, error)?.items;
    if (rest === undefined) throw error;
    return await askForSummary(turn, talk, rest);
  }
}

/**
 * The request begins as those of the turn do, tools and all: servers refuse calls in a history without tools, and have the
 * conversation in their caches. A model that calls one in place of an answer is asked once more, with calls forbidden.
 */
async function askForSummary(turn: Turn, talk: Conversing, items: readonly ResponseItem[]): Promise<string> {
  const prompt = userMessage(talk.compactPrompt ?? COMPACT_PROMPT);
  const plain = { ...talk.request(turn), input: [...items, prompt], outputSchema: undefined };
  const request: ModelRequest = { ...plain, purpose: "summary" };
  const summary = await readSummary(turn, talk, request);
  return summary.trim() === "" ? readSummary(turn, talk, { ...request, toolChoice: "none" }) : summary;
}

async function readSummary(turn: Turn, talk: Conversing, request: ModelRequest): Promise<string> {
  let summary = "";
  for await (const event of talk.model.stream(request, turn.scope.signal)) {
    if (event.type === "item" && event.item.type === "message") summary += textOf(event.item);
    if (event.type === "completed" && event.usage !== undefined) {
      talk.meter.count(event.usage);
      void turn.emit(talk.meter.event(event.usage, talk.contextWindow(turn)));
    }
  }
  return summary;
}

function clipOutput(item: ResponseItem): ResponseItem {
  if (!isCallOutput(item)) return item;
  return { ...item, output: typeof item.output === "string" ? oneLine(item.output) : "an image" };
}

interface Compacted {
  readonly before: readonly ResponseItem[];
  readonly summary: string;
  /** Those that run. */
  readonly terminals: readonly string[];
  /** What the user said, oldest first. */
  readonly said: readonly MessageItem[];
  /** Tokens for earlier messages, and once more for the list of calls. */
  readonly room: number;
}

function compacted({ before, summary, terminals, said, room }: Compacted): ResponseItem[] {
  const done = workDone(before, room * CHARACTERS_PER_TOKEN);
  const last = said.at(-1);
  const text = [
    HEAD,
    summary.trim(),
    ...(done.length === 0 ? [] : [CALLS, ...done]),
    ...(terminals.length === 0 ? [] : [`${TERMINALS}${terminals.join(", ")}.`]),
    TAIL,
    ...(last === undefined ? [] : ["The user's latest message follows; work on it that is listed above is done."]),
  ].join("\n");
  return [...earlier(said.slice(0, -1), room), userMessage(text), ...(last === undefined ? [] : [last])];
}

/** The latest of them, as many as there is room for; of the one that has no more room its beginning. */
function earlier(said: readonly MessageItem[], room: number): MessageItem[] {
  const kept: MessageItem[] = [];
  let left = room;
  for (const message of said.toReversed()) {
    const size = estimateTokens(message);
    if (size > left) {
      const start = clip(textOf(message), left * CHARACTERS_PER_TOKEN);
      if (left > WORTH_KEEPING) kept.unshift(userMessage(`${start}… (the rest of this message is not kept)`));
      break;
    }
    kept.unshift(message);
    left -= size;
  }
  return kept;
}

/** A line for each call with effects, and the lines an earlier summary listed; the latest, in `room` characters. */
function workDone(items: readonly ResponseItem[], room: number): string[] {
  const outputs = new Map(items.filter(isCallOutput).map((item) => [item.call_id, item]));
  const lines = items.flatMap((item) => {
    if (isCall(item)) {
      const text = item.type === "function_call" ? item.arguments : item.input;
      return [`- ${oneLine(`${item.name} ${text}`)} -> ${oneLine(firstLine(outputs.get(item.call_id)))}`];
    }
    return item.type === "message" && item.role === "user" ? listedBefore(textOf(item)) : [];
  });
  let from = lines.length;
  for (let left = room; from > 0 && lines.length - from < LISTED_CALLS; from -= 1) {
    left -= lines[from - 1]!.length + 1;
    if (left < 0) break;
  }
  return from > 0 ? [`- (${from} earlier calls are not listed)`, ...lines.slice(from)] : lines;
}

function listedBefore(text: string): string[] {
  if (!text.startsWith("<conversation_summary>")) return [];
  return text.split("\n").filter((line) => line.startsWith("- ") && line.includes(" -> "));
}

function firstLine(output: CallOutputItem | undefined): string {
  if (output === undefined) return "no output";
  return typeof output.output === "string" ? (output.output.split("\n", 1)[0] ?? "") : "an image";
}

function oneLine(text: string): string {
  return shortened(text.replaceAll("\n", "\\n"), LINE_LIMIT);
}
