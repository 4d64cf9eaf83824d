import { closeSync } from "node:fs";
import { endsWhole } from "../base/index.js";
import { recordedUsage, type SessionMeta, type TokenUsage, type TurnContext } from "../protocol/index.js";
import type { ReadLine } from "./decode.js";
import { type Folded, HistoryFold, type LostOutputs } from "./history-fold.js";
import { LineSequence } from "./line-sequence.js";
import { type Damage, type OpenSession, openSession, readBackward } from "./lineage.js";
import { parseRolloutName } from "./paths.js";

/** Where a writer goes on. */
export interface WriteStart {
  readonly path: string;
  /** Of the next line; undefined in files whose lines have none. */
  readonly nextOrdinal: number | undefined;
  /** The file ends in the middle of a line. */
  readonly torn: boolean;
  /** Bytes. */
  readonly size: number;
}

/** A session as its record has it. */
export interface RestoredSession extends Folded {
  readonly id: string;
  readonly meta: SessionMeta | undefined;
  /** What the last turn ran with. */
  readonly context: TurnContext | undefined;
  /** The ordinal of that, when it is in this very file and behind its last compaction. */
  readonly contextAt: number | undefined;
  /** The tokens of all requests so far, as far as they are on record. */
  readonly usage: TokenUsage | undefined;
  readonly start: WriteStart;
  readonly damage: Damage;
  /** Lines that came in another order than they were written in. */
  readonly reordered: boolean;
}

interface Source {
  readonly path: string;
  readonly home: string;
  readonly texts: LostOutputs;
  readonly signal: AbortSignal;
}

/**
 * Reads what is needed to go on with a session: back to its last compaction, or to its beginning, whichever comes first,
 * and never more than that. Throws system errors when the file can't be read at all, and the signal's reason.
 */
export async function restoreSession(source: Source): Promise<RestoredSession> {
  const session = openSession(source.path);
  try {
    return await restore(session, source);
  } finally {
    closeSync(session.fd);
  }
}

async function restore(session: OpenSession, { path, home, texts, signal }: Source): Promise<RestoredSession> {
  const damage: Damage = { skipped: [], missingBlobs: 0, missingBase: undefined };
  const collected = new Collected(session, damage);
  await readBackward(session, { home, signal, damage, take: (line, of) => collected.take(line, of) });
  const fold = new HistoryFold(texts);
  const { lines, reordered } = collected.inOrder();
  for (const { line } of lines) fold.take(line);
  damage.skipped.reverse();
  return {
    ...fold.end(),
    id: session.meta?.id ?? parseRolloutName(path.slice(path.lastIndexOf("/") + 1))?.id ?? "",
    meta: session.meta,
    context: collected.context,
    contextAt: collected.contextAt,
    usage: collected.usage,
    start: {
      path,
      nextOrdinal: collected.nextOrdinal(session.meta),
      torn: !endsWhole(session),
      size: session.size,
    },
    damage,
    reordered,
  };
}

const TURN_ENDS = new Set(["task_complete", "turn_complete", "turn_aborted"]);
const TURN_BEGINS = new Set(["task_started", "turn_started"]);

/** Lines as they come backwards: what is behind the last compaction, and what of the turn under way stands before it. */
class Collected {
  context: TurnContext | undefined;
  contextAt: number | undefined;
  usage: TokenUsage | undefined;
  readonly #session: OpenSession;
  readonly #sequence: LineSequence;
  #compacted = false;
  #boundary = false;
  #highest: number | undefined;

  constructor(session: OpenSession, damage: Damage) {
    this.#session = session;
    this.#sequence = new LineSequence(damage);
  }

  /** False: there is nothing more to know. */
  take(read: ReadLine, of: OpenSession): boolean {
    const { item, ordinal, timestamp } = read.line;
    if (ordinal !== undefined && (this.#highest === undefined || ordinal > this.#highest)) this.#highest = ordinal;
    // Lines of Codex 0.23 carry no time: two equal ones may well be two.
    if (timestamp !== "" && this.#sequence.isDouble(read)) return true;
    if (item.type === "turn_context") {
      this.#takeContext(item.payload, this.#compacted || of !== this.#session ? undefined : ordinal);
    } else if (item.type === "event_msg" && item.payload.type === "token_count") {
      this.usage ??= recordedUsage(item.payload);
    } else if (item.type === "event_msg") {
      const { type } = item.payload;
      if (!this.#compacted || !this.#boundary) this.#sequence.keep(read);
      if (TURN_ENDS.has(type) || TURN_BEGINS.has(type)) this.#boundary = true;
    } else if (item.type !== "session_meta" && !this.#compacted) {
      this.#sequence.keep(read);
      this.#compacted = item.type === "compacted" && item.payload.replacement_history !== undefined;
    }
    return !(this.#compacted && this.#boundary && this.context !== undefined);
  }

  inOrder(): ReturnType<LineSequence["inOrder"]> {
    return this.#sequence.inOrder();
  }

  #takeContext(context: TurnContext, at: number | undefined): void {
    if (this.context !== undefined) return;
    this.context = context;
    this.contextAt = at;
  }

  /** Files without ordinals get none. */
  nextOrdinal(meta: SessionMeta | undefined): number | undefined {
    if (this.#highest !== undefined) return this.#highest + 1;
    return meta?.history_mode === "paginated" ? 0 : undefined;
  }
}
