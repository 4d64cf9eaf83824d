import type { Clock } from "../base/index.js";
import type { PreparedUndo } from "../checkpoint/index.js";
import type { Config } from "../config/index.js";
import type { EventOf, Op } from "../protocol/index.js";
import type { ChangeKeeper } from "./change-keeper.js";
import type { Conversing } from "./conversing.js";
import type { Turn, WorkEnd } from "./turn.js";

export type UndoOp = Extract<Op, { type: "undo" }>;

interface Place {
  readonly conversation: string;
  readonly config: Config;
  readonly clock: Clock;
  readonly changes: ChangeKeeper;
  readonly talk: Conversing;
}

/** The work of the op `undo`: takes back what an earlier turn did to files, all or nothing, and tells the model. */
export async function undoTurn(turn: Turn, op: UndoOp, place: Place): Promise<WorkEnd> {
  const { talk } = place;
  void turn.emit({ type: "undo_started", message: op.redo === true ? "Redo in progress..." : "Undo in progress..." });
  const completed = await carryOut(turn, op, place);
  if (completed.success) await talk.tellUndos();
  void turn.emit(completed);
  return { status: "completed", message: undefined };
}

async function carryOut(turn: Turn, op: UndoOp, place: Place): Promise<EventOf<"undo_completed">> {
  const { conversation, config, clock, changes } = place;
  await changes.idle();
  const { mayRun, thisProcess, Undoing } = await import("../checkpoint/index.js");
  const { home, commandEnv: env } = config;
  const owner = thisProcess();
  const { signal } = turn.scope;
  const undoing = new Undoing({ home, clock, env, owner, isAlive: mayRun, signal });
  const prepared = await undoing.prepare({
    conversation,
    turn: op.turn ?? undefined,
    call: op.call ?? undefined,
    redo: op.redo === true,
    onConflict: op.on_conflict ?? "refuse",
  });
  if (!prepared.ok) return { type: "undo_completed", success: false, message: prepared.message };
  const { undo } = prepared;
  const end = await undoing.carryOut(conversation, undo);
  if (!end.ok) return { ...described(undo), success: false, message: end.message };
  const left = end.left.map(({ path, why }) => ({ path, why }));
  return {
    ...described(undo),
    success: true,
    files: undo.changes.map(({ path }) => path),
    conflicts: [...undo.conflicts, ...left],
  };
}

function described({ turn, call, of, conflicts, lost }: PreparedUndo): EventOf<"undo_completed"> {
  return {
    type: "undo_completed",
    success: false,
    turn,
    ...(call === undefined ? {} : { call }),
    ...(of === undefined ? {} : { redo: true }),
    conflicts: [...conflicts],
    lost: [...lost],
  };
}
