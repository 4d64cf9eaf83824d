import {
  type CallItem,
  type CallOutput,
  type InputItem,
  type RecordedEvent,
  type ResponseItem,
  type TurnContext,
  textOf,
} from "../../protocol/index.js";
import type { WholeRecord } from "../../rollout/index.js";
import { type Fact, type Reading, TURN_ENDS } from "./facts.js";
import { TurnWriter } from "./turn-writer.js";

/** What the model's double does next, in the order of the record; `input` was typed while the turn ran. */
export type Cue =
  | { readonly kind: "answer"; readonly items: readonly ResponseItem[] }
  | { readonly kind: "compaction"; readonly summary: string }
  | { readonly kind: "input"; readonly items: readonly InputItem[] };

/** One call of the record and what came of it. */
export interface ScriptedCall {
  readonly item: CallItem;
  output: CallOutput | undefined;
  outcome: "done" | "cut" | "not_started";
}

/** What starts a turn; undefined: nothing that could be repeated, and why. */
export type Start =
  | { readonly kind: "input"; readonly items: readonly InputItem[] }
  | { readonly kind: "compact" | "undo" | "redo" }
  | { readonly kind: "none"; readonly why: string };

/** One turn of a record as it is played again. */
export interface ScriptedTurn {
  /** From 1. */
  readonly n: number;
  /** What the user said, on one line. */
  readonly text: string;
  readonly start: Start;
  readonly context: TurnContext | undefined;
  readonly cues: readonly Cue[];
  readonly calls: ReadonlyMap<string, ScriptedCall>;
  /** `lost`: the program was killed, or the record ends here. */
  readonly end: "completed" | "failed" | "interrupted" | "replaced" | "lost";
  /** What was streamed of a message that was cut. */
  readonly partial: string;
  readonly unusedInput: readonly (readonly InputItem[])[];
  readonly facts: readonly Fact[];
  /** Facts of other programs that say the same in other words, by `what`. */
  readonly uncompared: ReadonlySet<string>;
}

const TURN_BEGINS = new Set(["task_started", "turn_started"]);
const INJECTED = /^<[a-z_]+[ >]|^# AGENTS\.md instructions/;

/** How the lines of a record are to be read. */
export function readingOf({ meta, lines }: WholeRecord): Reading {
  const ours = meta?.originator === "belay";
  const told = ours && lines.some(({ submission }) => submission !== undefined);
  const shown = lines.some(({ item }) => item.type === "event_msg" && item.payload.type === "item_completed");
  return {
    ours,
    shown: ours && shown,
    isTyped: (message, submission) => (told ? submission !== undefined : !INJECTED.test(textOf(message))),
    settlePaths: (text) => text,
  };
}

/** Takes a record apart into its turns. Lines that belong to none are passed over. */
export function writeScript(record: WholeRecord): ScriptedTurn[] {
  const reading = readingOf(record);
  const turns: ScriptedTurn[] = [];
  let open: TurnWriter | undefined;
  const finish = (event: RecordedEvent | undefined): void => {
    if (open !== undefined) turns.push(open.end(event));
    open = undefined;
  };
  // A record says what turns run with when it changes.
  let context: TurnContext | undefined;
  const begin = (): TurnWriter => new TurnWriter(turns.length + 1, reading, context);
  // Files of Codex 0.23 tell no turns: there every message of the user begins one.
  const told = record.lines.some(({ item }) => item.type === "event_msg" && TURN_BEGINS.has(item.payload.type));
  for (const line of record.lines) {
    const { item, submission } = line;
    if (item.type === "turn_context") context = item.payload;
    if (item.type === "event_msg" && TURN_BEGINS.has(item.payload.type)) {
      finish(undefined);
      open = begin();
    } else if (item.type === "event_msg" && TURN_ENDS.has(item.payload.type)) {
      open?.take(line);
      finish(item.payload);
    } else {
      const typed =
        item.type === "response_item" &&
        item.payload.type === "message" &&
        item.payload.role === "user" &&
        reading.isTyped(item.payload, submission);
      if (typed && !told) finish({ type: "task_complete" });
      if (typed) open ??= begin();
      open?.take(line);
    }
  }
  finish(told ? undefined : { type: "task_complete" });
  return turns;
}
