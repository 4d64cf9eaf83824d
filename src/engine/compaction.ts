import { Cancelled } from "../base/index.js";
import { ModelError } from "../model/index.js";
import {
  type CallOutputItem,
  isCall,
  isCallOutput,
  type ResponseItem,
  textOf,
  userMessage,
} from "../protocol/index.js";
import type { Conversing } from "./conversing.js";
import { COMPACT_PROMPT } from "./instructions.js";
import type { Turn } from "./turn.js";

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
 * Replaces the history by a summary that the model writes, a list of what was done, and the user's last message verbatim.
 * Undefined when it was replaced, else why not: then the history is as it was. Cancellation throws, and changes nothing.
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
  talk.replaceHistory(
    turn,
    compacted({ before, summary, terminals: talk.terminals, last: talk.history.lastUserMessage() }),
  );
  return undefined;
}

/** Asks for the summary; when the history itself is too long for the window, once more with clipped outputs. */
async function summarise(turn: Turn, talk: Conversing, items: readonly ResponseItem[]): Promise<string> {
  try {
    return await askForSummary(turn, talk, items);
  } catch (error) {
    // Only the one reason that a shorter request can mend.
    if (!(error instanceof ModelError) || error.kind !== "context_window") throw error;
    return await askForSummary(turn, talk, items.map(clipOutput));
  }
}

async function askForSummary(turn: Turn, talk: Conversing, items: readonly ResponseItem[]): Promise<string> {
  const prompt = userMessage(talk.compactPrompt ?? COMPACT_PROMPT);
  const request = { ...talk.request(turn), input: [...items, prompt], tools: [], outputSchema: undefined };
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
  return { ...item, output: typeof item.output === "string" ? clip(item.output) : "an image" };
}

interface Compacted {
  readonly before: readonly ResponseItem[];
  readonly summary: string;
  /** Those that run. */
  readonly terminals: readonly string[];
  readonly last: ResponseItem | undefined;
}

function compacted({ before, summary, terminals, last }: Compacted): ResponseItem[] {
  const done = workDone(before);
  const text = [
    HEAD,
    summary.trim(),
    ...(done.length === 0 ? [] : [CALLS, ...done]),
    ...(terminals.length === 0 ? [] : [`${TERMINALS}${terminals.join(", ")}.`]),
    TAIL,
    ...(last === undefined ? [] : ["The user's latest message follows; work on it that is listed above is done."]),
  ].join("\n");
  return last === undefined ? [userMessage(text)] : [userMessage(text), last];
}

/** A line for each call with effects, and the lines an earlier summary listed. */
function workDone(items: readonly ResponseItem[]): string[] {
  const outputs = new Map(items.filter(isCallOutput).map((item) => [item.call_id, item]));
  const lines = items.flatMap((item) => {
    if (isCall(item)) {
      const text = item.type === "function_call" ? item.arguments : item.input;
      return [`- ${clip(`${item.name} ${text}`)} -> ${clip(firstLine(outputs.get(item.call_id)))}`];
    }
    return item.type === "message" && item.role === "user" ? listedBefore(textOf(item)) : [];
  });
  const left = lines.length - LISTED_CALLS;
  return left > 0 ? [`- (${left} earlier calls are not listed)`, ...lines.slice(left)] : lines;
}

function listedBefore(text: string): string[] {
  if (!text.startsWith("<conversation_summary>")) return [];
  return text.split("\n").filter((line) => line.startsWith("- ") && line.includes(" -> "));
}

function firstLine(output: CallOutputItem | undefined): string {
  if (output === undefined) return "no output";
  return typeof output.output === "string" ? (output.output.split("\n", 1)[0] ?? "") : "an image";
}

function clip(text: string): string {
  const line = text.replaceAll("\n", "\\n");
  return line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line;
}
