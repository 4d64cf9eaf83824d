import type { OnConflict } from "./plan.js";
import type { CallHistory, History, TurnHistory, UndoRecord } from "./records.js";

export interface UndoRequest {
  readonly conversation: string;
  /** The last one that is not undone, when undefined. */
  readonly turn?: string | undefined;
  /** Only this call of the turn; `last`: the one that ran last. */
  readonly call?: string | undefined;
  /** Take back the last undo instead. */
  readonly redo?: boolean;
  readonly onConflict?: OnConflict;
}

export type Chosen = {
  readonly turn: TurnHistory;
  readonly call: string | undefined;
  readonly calls: readonly CallHistory[];
};

/** The turn that is meant, and its calls that are not undone; or why there is none, for people. */
export function chooseTurn({ turns }: History, { turn: id, call: callId }: UndoRequest): Chosen | string {
  const turn = id === undefined ? lastOpen(turns) : turns.findLast((one) => one.turn === id);
  if (turn === undefined) {
    if (id !== undefined) return `there is no turn ${id} that changed files; "belay undo --list" shows those there are`;
    return turns.length === 0
      ? "no turn has changed any files"
      : "all turns are undone already; --redo takes back the last undo";
  }
  if (turn.undone !== undefined) return `turn ${turn.turn} is undone already; --redo takes that back`;
  const calls = turn.calls.filter((one) => one.undone === undefined);
  if (callId === undefined) return { turn, call: undefined, calls };
  const wanted = callId === "last" ? calls.at(-1)?.call.call : callId;
  // A call may have run twice, the second time outside of the sandbox.
  const runs = calls.filter((one) => one.call.call === wanted);
  if (wanted === undefined || runs.length === 0)
    return `turn ${turn.turn} has no call ${callId} left that changed files`;
  return { turn, call: wanted, calls: runs };
}

function lastOpen(turns: readonly TurnHistory[]): TurnHistory | undefined {
  return turns.findLast(
    (turn) =>
      turn.undone === undefined &&
      turn.calls.some(
        ({ changes, undone }) => undone === undefined && (changes === undefined || changesSomething(changes)),
      ),
  );
}

function changesSomething({ changes, unknown }: NonNullable<CallHistory["changes"]>): boolean {
  return changes.length > 0 || unknown !== undefined;
}

/** The undo that is meant, or why there is none, for people. */
export function chooseUndo({ undos }: History, { turn }: UndoRequest): { readonly undo: UndoRecord } | string {
  const undo = turn === undefined ? undos.at(-1) : undos.findLast((one) => one.turn === turn);
  if (undo !== undefined) return { undo };
  return turn === undefined ? "nothing is undone that could be redone" : `turn ${turn} is not undone`;
}

/** An undo as if it were a call: what it changed is what is to be taken back. */
export function asCall({ turn, id, at, changes }: UndoRecord): CallHistory {
  const call = { type: "call", turn, call: id, at } as const;
  return { call, changes: { type: "changes", turn, call: id, changes }, undone: undefined };
}
