import { isFolder } from "../base/index.js";
import {
  type CallItem,
  isCall,
  type MessageItem,
  type ReasoningItem,
  type ResponseItem,
  textOf,
} from "../protocol/index.js";
import { Calls } from "./calls.js";
import type { Conversing } from "./conversing.js";
import { readUserInput } from "./input.js";
import { type Response, step } from "./sampling.js";
import type { Turn, WorkEnd } from "./turn.js";

/** Said where a turn ends without a word of the model, so that nobody takes it for an answer. */
export const NO_ANSWER = "the model ended its turn without an answer";

/**
 * The work of a user's turn: take input, ask the model, run its calls, until a response has no calls and no input waits.
 * Each round is one step.
 */
export async function runSteps(turn: Turn, talk: Conversing): Promise<WorkEnd> {
  const calls = new Calls(talk.callDeps(turn));
  turn.ledger.calls = calls;
  if (talk.missingKey !== undefined) return { status: "failed", message: talk.missingKey };
  const { cwd } = turn.settings;
  if (!isFolder(cwd))
    return { status: "failed", message: `there is no folder ${cwd}: give the turn a cwd that exists` };
  for (const warning of talk.recordContext(turn)) void turn.emit({ type: "background_event", message: warning });
  await talk.tellUndos();
  talk.expectChanges(turn);
  const { problem } = await takeInput(turn, talk);
  if (problem !== undefined) return { status: "failed", message: problem };
  let message: string | undefined;
  for (;;) {
    const response = await step(turn, talk);
    const open = recordResponse(turn, talk, response);
    message = lastMessage(response.items) ?? message;
    if (open.length > 0) await calls.run(open);
    payOwed(turn);
    const unrecorded = talk.recordNotice();
    if (unrecorded !== undefined) void turn.emit({ type: "background_event", message: unrecorded });
    const late = await takeInput(turn, talk);
    if (late.problem !== undefined) void turn.emit({ type: "background_event", message: late.problem });
    if (open.length > 0 || late.taken || !turn.closeInput()) continue;
    if (!response.items.some(isAnswer)) void turn.emit({ type: "background_event", message: NO_ANSWER });
    return { status: "completed", message };
  }
}

/** What taking input came to; `problem` is what was wrong with one that could not be used, and is handed back. */
interface TakenInput {
  /** The history has input that the model has not seen. */
  readonly taken: boolean;
  readonly problem: string | undefined;
}

/** Puts all waiting input into the history. */
async function takeInput(turn: Turn, talk: Conversing): Promise<TakenInput> {
  let taken = false;
  let problem: string | undefined;
  for (let given = turn.peekInput(); given !== undefined; given = turn.peekInput()) {
    const input = await readUserInput(given.items, turn.settings.cwd);
    turn.scope.signal.throwIfAborted();
    if (input.ok) {
      talk.record([input.message], given.submission);
      turn.dropInput();
      taken = true;
    } else {
      problem = input.message;
      turn.rejectInput();
    }
  }
  return { taken, problem };
}

/** Puts a whole response into the history, shows its messages, and returns its calls. No await: it happens or it doesn't. */
function recordResponse(turn: Turn, talk: Conversing, response: Response): CallItem[] {
  turn.ledger.partial = "";
  talk.record(response.items);
  if (response.usage !== undefined) {
    talk.meter.count(response.usage);
    turn.ledger.owed = talk.meter.event(response.usage, talk.contextWindow(turn));
  }
  for (const item of response.items) {
    if (isAnswer(item)) {
      const phase = typeof item.phase === "string" ? { phase: item.phase } : {};
      void turn.emit({ type: "agent_message", message: textOf(item), ...phase });
    } else if (item.type === "reasoning" && talk.showsReasoning) {
      announceReasoning(turn, item, { summary: !response.thoughtsTold, raw: talk.showsRawReasoning });
    }
  }
  return response.items.filter(isCall);
}

function announceReasoning(turn: Turn, item: ReasoningItem, show: { summary: boolean; raw: boolean }): void {
  const summary = item.summary.map((part) => part.text).join("\n\n");
  if (summary !== "" && show.summary) void turn.emit({ type: "agent_reasoning", text: summary });
  const raw = (item.content ?? []).map((part) => part.text).join("");
  if (raw !== "" && show.raw) void turn.emit({ type: "agent_reasoning_raw_content", text: raw });
}

/** Token counts come after the calls of their response, as Codex's do. */
function payOwed(turn: Turn): void {
  if (turn.ledger.owed === undefined) return;
  void turn.emit(turn.ledger.owed);
  turn.ledger.owed = undefined;
}

/** A message of the model that says something. */
function isAnswer(item: ResponseItem): item is MessageItem {
  return item.type === "message" && item.role === "assistant" && textOf(item).trim() !== "";
}

/** What a response says in the end: not what it remarks on the way, unless there is nothing else. */
function lastMessage(items: readonly ResponseItem[]): string | undefined {
  const answers = items.filter(isAnswer);
  const last = answers.findLast((item) => item.phase !== "commentary") ?? answers.at(-1);
  return last === undefined ? undefined : textOf(last);
}
