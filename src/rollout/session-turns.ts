import { closeSync } from "node:fs";
import { type RolloutLine, type SessionMeta, textOf } from "../protocol/index.js";
import { type Damage, type OpenSession, openSession, readBackward } from "./lineage.js";
import { parseRolloutName } from "./paths.js";

/** One turn of a session, in the order they were taken; those of the sessions it was forked from come first. */
export interface RecordedTurn {
  /** From 1. */
  readonly n: number;
  readonly id: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  /** What the user said, on one line. */
  readonly text: string;
  /** The last thing the model said. */
  readonly answer: string;
  readonly status: "completed" | "failed" | "aborted" | "cut";
  /** Where its last line ends. */
  readonly end: TurnEndPlace;
}

export interface TurnEndPlace {
  /** Of the session that has the line. */
  readonly sessionId: string;
  readonly meta: SessionMeta | undefined;
  /** Undefined in files whose lines have no ordinals. */
  readonly ordinal: number | undefined;
  /** Byte behind the line feed. */
  readonly offset: number;
}

const TEXT_LIMIT = 200;
const ANSWER_LIMIT = 1000;

interface Seen {
  readonly line: RolloutLine;
  readonly place: TurnEndPlace;
}

/** All turns of a session. Reads the whole of it; throws system errors, and the signal's reason. */
export async function readTurns(
  path: string,
  { home, signal }: { readonly home: string; readonly signal: AbortSignal },
): Promise<RecordedTurn[]> {
  const session = openSession(path);
  const damage: Damage = { skipped: [], missingBlobs: 0, missingBase: undefined };
  const seen: Seen[] = [];
  try {
    const take = ({ line, end }: { readonly line: RolloutLine; readonly end: number }, of: OpenSession) => {
      const one = short(line);
      if (one !== undefined) seen.push({ line: one, place: placeOf(line, end, of) });
      return true;
    };
    await readBackward(session, { home, signal, damage, take });
  } finally {
    closeSync(session.fd);
  }
  return turnsOf(seen.reverse());
}

/** What of a line says something of turns: the rest is not held in memory. */
function short(line: RolloutLine): RolloutLine | undefined {
  const { item } = line;
  if (item.type === "event_msg") {
    const { type, turn_id, failed } = item.payload;
    return { ...line, item: { type: "event_msg", payload: { type, turn_id, failed } } };
  }
  if (item.type !== "response_item" || item.payload.type !== "message") return undefined;
  const text = textOf(item.payload);
  if (item.payload.role === "assistant") return withText(line, "assistant", text.slice(0, ANSWER_LIMIT));
  if (item.payload.role !== "user" || INJECTED.test(text)) return undefined;
  return withText(line, "user", text.slice(0, TEXT_LIMIT).replace(/\s+/g, " ").trim());
}

/** Messages that no person typed: context, notes, summaries. */
export const INJECTED = /^<[a-z_]+[ >]|^# AGENTS\.md instructions/;

function withText(line: RolloutLine, role: "user" | "assistant", text: string): RolloutLine {
  const content = [{ type: "input_text" as const, text }];
  return { ...line, item: { type: "response_item", payload: { type: "message", role, content } } };
}

function placeOf({ ordinal }: RolloutLine, end: number, of: OpenSession): TurnEndPlace {
  const id = of.meta?.id ?? parseRolloutName(of.path.slice(of.path.lastIndexOf("/") + 1))?.id ?? "";
  return { sessionId: id, meta: of.meta, ordinal, offset: end + 1 };
}

type OpenTurn = { -readonly [K in keyof RecordedTurn]: RecordedTurn[K] };

function turnsOf(lines: readonly Seen[]): RecordedTurn[] {
  const turns: OpenTurn[] = [];
  // Files of Codex 0.23 tell no turns: there every message of the user begins one.
  const told = lines.some(({ line }) => line.item.type === "event_msg" && BEGINS.has(line.item.payload.type));
  let open: OpenTurn | undefined;
  const begin = (seen: Seen, id: string) => {
    const { timestamp: startedAt } = seen.line;
    const n = turns.length + 1;
    open = { n, id, startedAt, endedAt: undefined, text: "", answer: "", status: "cut", end: seen.place };
    turns.push(open);
  };
  for (const seen of lines) {
    const { item } = seen.line;
    if (item.type === "event_msg") {
      const { type, turn_id: id, failed } = item.payload;
      if (BEGINS.has(type)) begin(seen, typeof id === "string" ? id : "");
      else if (ENDS.has(type) && open !== undefined) {
        open.status = type === "turn_aborted" ? "aborted" : failed === true ? "failed" : "completed";
        open.endedAt = seen.line.timestamp;
        open.end = seen.place;
        open = undefined;
      }
    } else if (item.type === "response_item" && item.payload.type === "message") {
      const text = textOf(item.payload);
      if (!told && item.payload.role === "user") begin(seen, "");
      if (open !== undefined) say(open, { role: item.payload.role, text, told });
    }
    if (open !== undefined) open.end = seen.place;
  }
  return turns;
}

const BEGINS = new Set(["task_started", "turn_started"]);
const ENDS = new Set(["task_complete", "turn_complete", "turn_aborted"]);

function say(turn: OpenTurn, said: { readonly role: string; readonly text: string; readonly told: boolean }): void {
  if (said.role !== "assistant") {
    if (turn.text === "") turn.text = said.text;
    return;
  }
  turn.answer = said.text;
  if (!said.told) turn.status = "completed";
}
