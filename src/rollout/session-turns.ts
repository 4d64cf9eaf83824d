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
  if (item.type !== "response_item" || item.payload.type !== "message" || item.payload.role !== "user")
    return undefined;
  const text = textOf(item.payload);
  if (/^<[a-z_]+[ >]|^# AGENTS\.md instructions/.test(text)) return undefined;
  const part = { type: "input_text" as const, text: text.slice(0, TEXT_LIMIT).replace(/\s+/g, " ").trim() };
  return { ...line, item: { type: "response_item", payload: { type: "message", role: "user", content: [part] } } };
}

function placeOf({ ordinal }: RolloutLine, end: number, of: OpenSession): TurnEndPlace {
  const id = of.meta?.id ?? parseRolloutName(of.path.slice(of.path.lastIndexOf("/") + 1))?.id ?? "";
  return { sessionId: id, meta: of.meta, ordinal, offset: end + 1 };
}

function turnsOf(lines: readonly Seen[]): RecordedTurn[] {
  const turns: RecordedTurn[] = [];
  let open: { -readonly [K in keyof RecordedTurn]: RecordedTurn[K] } | undefined;
  for (const { line, place } of lines) {
    if (line.item.type === "response_item") {
      const { payload } = line.item;
      if (open !== undefined && payload.type === "message" && open.text === "") open.text = textOf(payload);
    } else if (line.item.type === "event_msg") {
      const { type, turn_id: id, failed } = line.item.payload;
      if (type === "task_started" || type === "turn_started") {
        if (open !== undefined) turns.push(open);
        const n = turns.length + 1;
        const turnId = typeof id === "string" ? id : "";
        open = { n, id: turnId, startedAt: line.timestamp, endedAt: undefined, text: "", status: "cut", end: place };
      } else if (type === "turn_aborted" || type === "task_complete" || type === "turn_complete") {
        if (open === undefined) continue;
        open.status = type === "turn_aborted" ? "aborted" : failed === true ? "failed" : "completed";
        open.endedAt = line.timestamp;
        turns.push({ ...open, end: place });
        open = undefined;
      }
    }
    if (open !== undefined) open.end = place;
  }
  return open === undefined ? turns : [...turns, open];
}
