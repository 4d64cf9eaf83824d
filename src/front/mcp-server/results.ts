import { shellJoin } from "../../base/index.js";
import { NO_ANSWER, type TurnEnd } from "../../engine/index.js";
import type { ProcessOutcome, TurnAborted } from "../../protocol/index.js";

/** What `tools/call` answers. */
export interface ToolResult {
  readonly content: readonly { readonly type: "text"; readonly text: string }[];
  readonly structuredContent?: { readonly threadId: string; readonly content: string };
  readonly isError?: true;
}

/** What is told of a turn beside its end. */
export interface TurnStory {
  /** The message of the error that ended it. */
  readonly failure: string | undefined;
  /** Why it was stopped, as far as this side knows. */
  readonly stopped: string | undefined;
  /** Remarks of ours, each a block of its own after the answer. */
  readonly notes: readonly string[];
}

/** A call that went wrong; `threadId` is its conversation, when there is one. */
export function errorResult(message: string, threadId?: string): ToolResult {
  const content = [{ type: "text" as const, text: message }];
  if (threadId === undefined) return { content, isError: true };
  return { content, structuredContent: { threadId, content: message }, isError: true };
}

/** The result of a call whose turn has ended. */
export function turnResult(threadId: string, end: TurnEnd, story: TurnStory): ToolResult {
  const { event } = end;
  if (event.type === "turn_aborted") return withNotes(errorResult(describeStop(event, story.stopped), threadId), story);
  if (event.failed === true) return withNotes(errorResult(story.failure ?? "the turn failed", threadId), story);
  const said = event.last_agent_message ?? "";
  // An empty result would be taken for an answer.
  const text = said.trim() === "" ? `(${NO_ANSWER})` : said;
  return withNotes({ content: [{ type: "text", text }], structuredContent: { threadId, content: text } }, story);
}

function withNotes(result: ToolResult, { notes }: TurnStory): ToolResult {
  if (notes.length === 0) return result;
  return { ...result, content: [...result.content, ...notes.map((text) => ({ type: "text" as const, text }))] };
}

/** The receipt of a stopped turn in words. */
function describeStop(event: TurnAborted, why: string | undefined): string {
  const how =
    event.reason === "interrupted" ? "The turn was stopped before it was done" : "Another task took the turn's place";
  const calls = (event.calls ?? []).map(({ name, outcome }) => `${name} ${outcome.replace("_", " ")}`);
  const killed = processesThat(event, "killed");
  const alive = [...processesThat(event, "may_survive"), ...(event.lingering ?? [])];
  const unused = (event.unused_input ?? []).length;
  return [
    why === undefined ? `${how}.` : `${how}: ${why}.`,
    ...listed("Calls", calls),
    ...listed("Killed", killed),
    ...listed("May still be running", alive),
    ...listed("Files changed", event.changed_files ?? []),
    ...(unused === 0 ? [] : [`The model has not seen the last input (${unused}).`]),
  ].join("\n");
}

function listed(title: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [`${title}: ${entries.join(", ")}`];
}

function processesThat(event: TurnAborted, outcome: ProcessOutcome["outcome"]): string[] {
  return (event.processes ?? [])
    .filter((process) => process.outcome === outcome)
    .map(({ pid, command }) => `${shellJoin(command)} (pid ${pid})`);
}
