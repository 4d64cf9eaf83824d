import { closeSync, rmSync } from "node:fs";
import { type Clock, endsWhole } from "../base/index.js";
import { ROLLOUT_SCHEMA, type SessionMeta, type TokenUsage } from "../protocol/index.js";
import type { RolloutRecord } from "./encode.js";
import type { LostOutputs } from "./history-fold.js";
import { openSession } from "./lineage.js";
import { linesBackward } from "./lines.js";
import { restoreSession } from "./restore.js";
import { readTurns } from "./session-turns.js";
import { RolloutWriter } from "./writer.js";

export interface ForkInit {
  readonly home: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The file of the session to fork. */
  readonly path: string;
  /** Of the new session. */
  readonly id: string;
  /** The last turn it is to have, from 1; all of them without it. */
  readonly atTurn?: number | undefined;
  readonly version: string;
  readonly texts: LostOutputs;
}

/** `failure`: what the system said, where it would not have it written. */
export type Forked =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly message: string; readonly failure?: string };

/**
 * Makes a session that begins with the turns of another. It holds a reference to the other's lines, as a fork of Codex does,
 * and no copy of them; where the other's lines have no ordinals (files of older programs), it is a copy. Throws system errors.
 */
export async function forkSession(init: ForkInit): Promise<Forked> {
  const turns = init.atTurn === undefined ? undefined : await readTurns(init.path, init);
  const turn = init.atTurn === undefined ? undefined : turns?.[init.atTurn - 1];
  if (init.atTurn !== undefined && turn === undefined) {
    return { ok: false, message: `the session has ${turns?.length ?? 0} turns, there is no turn ${init.atTurn}` };
  }
  const end = turn === undefined ? endOf(init.path) : { ...turn.end, found: turn.end.meta };
  if (end.ordinal === undefined) {
    if (turn === undefined) return copy(init, end.found);
    return { ok: false, message: "the file of this session is of an older kind: it can be forked as a whole only" };
  }
  const base = { thread_id: end.sessionId, end_ordinal_exclusive: end.ordinal + 1, end_byte_offset: end.offset };
  const meta = {
    ...metaOf(init, end.found),
    history_base: base,
    forked_from_ordinal_exclusive: base.end_ordinal_exclusive,
  };
  return write(
    init,
    [{ type: "session_meta", payload: { ...meta, forked_from_id: end.sessionId } }],
    base.end_ordinal_exclusive,
  );
}

/** The last whole line of a file. */
function endOf(path: string): {
  readonly sessionId: string;
  readonly ordinal: number | undefined;
  readonly offset: number;
  readonly found: SessionMeta | undefined;
} {
  const session = openSession(path);
  try {
    let size = session.size;
    if (!endsWhole(session)) {
      for (const line of linesBackward({ fd: session.fd, from: 0, to: session.size })) {
        size = line.start;
        break;
      }
    }
    const ordinal = session.meta?.history_mode === "paginated" ? lastOrdinal(session.fd, size) : undefined;
    return { sessionId: session.meta?.id ?? "", ordinal, offset: size, found: session.meta };
  } finally {
    closeSync(session.fd);
  }
}

function lastOrdinal(fd: number, size: number): number | undefined {
  for (const { text } of linesBackward({ fd, from: 0, to: size })) {
    const ordinal = /^\{"timestamp":"[^"]*","ordinal":(\d+),/.exec(text ?? "")?.[1];
    if (ordinal !== undefined) return Number(ordinal);
  }
  return undefined;
}

async function copy(init: ForkInit, found: SessionMeta | undefined): Promise<Forked> {
  const { items, context, usage } = await restoreSession(init);
  const meta = metaOf(init, found);
  const from = found === undefined ? {} : { forked_from_id: found.id };
  const records: RolloutRecord[] = [
    { type: "session_meta", payload: { ...meta, ...from } },
    ...(context === undefined ? [] : [{ type: "turn_context" as const, payload: context }]),
    ...(usage === undefined ? [] : [usageRecord(usage)]),
    ...items.map((payload) => ({ type: "response_item" as const, payload })),
  ];
  return write(init, records, 0);
}

function usageRecord(usage: TokenUsage): RolloutRecord {
  const info = { total_token_usage: usage, last_token_usage: usage };
  return { type: "event_msg", payload: { type: "token_count", info } };
}

function metaOf({ id, clock, version }: ForkInit, found: SessionMeta | undefined): SessionMeta {
  return {
    id,
    timestamp: new Date(clock.now()).toISOString(),
    cwd: found?.cwd,
    originator: "belay",
    cli_version: version,
    source: "exec",
    model_provider: found?.model_provider,
    history_mode: "paginated",
    git: found?.git,
    belay_schema: ROLLOUT_SCHEMA,
  };
}

async function write(init: ForkInit, records: readonly RolloutRecord[], firstOrdinal: number): Promise<Forked> {
  const writer = RolloutWriter.create({ home: init.home, id: init.id, clock: init.clock, firstOrdinal });
  writer.append(records);
  await writer.flush();
  const { failure, path } = writer;
  writer.close();
  if (failure === undefined) return { ok: true, path };
  // A part of it is none.
  rmSync(path, { force: true });
  return { ok: false, message: `the fork can't be written: ${failure}`, failure };
}
