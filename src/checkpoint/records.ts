import type { Locked } from "./carry-out.js";
import type { Change, State } from "./types.js";

/**
 * The lines of `journal.jsonl`, one conversation's: what its turns changed and what was undone of it. A `call` without
 * `changes` was cut by the end of its process; an `undo` without `undone` has to be carried on.
 */
export type CheckpointRecord = TurnRecord | CallRecord | ChangesRecord | TurnEndRecord | UndoRecord | UndoneRecord;

interface TurnRecord {
  readonly type: "turn";
  readonly v: 1;
  readonly turn: string;
  /** Unix ms. */
  readonly at: number;
  readonly cwd: string;
  /** The process, as whoever gave it tells processes apart. */
  readonly owner: string;
}

/** A call that may change files begins. */
export interface CallRecord {
  readonly type: "call";
  readonly turn: string;
  readonly call: string;
  readonly at: number;
  /** Of a command: the folders looked at, and the file that has the tree as it was. */
  readonly roots?: readonly string[];
  readonly live?: string;
  /** Of a patch: its files as they were. */
  readonly files?: readonly { readonly path: string; readonly state: State | null }[];
}

export interface ChangesRecord {
  readonly type: "changes";
  readonly turn: string;
  readonly call: string;
  readonly changes: readonly Change[];
  /** What the call changed could only be found out later: changes by others since count as its own. */
  readonly late?: boolean;
  /** Why it is not known what the call changed, for people. */
  readonly unknown?: string;
}

interface TurnEndRecord {
  readonly type: "turn_end";
  readonly turn: string;
}

/** An undo, or the undo of one, before anything was done. `before` of its changes is what it found. */
export interface UndoRecord {
  readonly type: "undo";
  readonly id: string;
  readonly at: number;
  readonly turn: string;
  /** Only this call of the turn. */
  readonly call?: string;
  /** The undo that this one takes back. */
  readonly of?: string;
  /** The process at work, as in a turn. */
  readonly owner: string;
  readonly changes: readonly Change[];
  /** Folders that are made writable for it, and the modes they had. */
  readonly locked?: Locked;
}

interface UndoneRecord {
  readonly type: "undone";
  readonly id: string;
  /** `back`: it failed, and what it had done was taken back; `stuck`: neither, so that it has to be carried on. */
  readonly outcome: "done" | "back" | "stuck";
}

/** One turn, as the records have it. */
export interface TurnHistory {
  readonly turn: string;
  readonly at: number;
  readonly cwd: string;
  readonly owner: string;
  readonly calls: CallHistory[];
  ended: boolean;
  /** The undo in force for all of it. */
  undone: UndoRecord | undefined;
}

export interface CallHistory {
  readonly call: CallRecord;
  changes: ChangesRecord | undefined;
  /** The undo in force for this call alone. */
  undone: UndoRecord | undefined;
}

export interface History {
  /** In the order they began. */
  readonly turns: readonly TurnHistory[];
  /** Undos in force, oldest first. */
  readonly undos: readonly UndoRecord[];
  /** Under way, or cut in the middle, oldest first; those that are stuck have no owner. */
  readonly unfinished: readonly UndoRecord[];
}

/** Puts records together; what does not fit (a line for a turn that has none) is passed over. */
export function historyOf(records: readonly CheckpointRecord[]): History {
  const turns: TurnHistory[] = [];
  const undos: UndoRecord[] = [];
  const open = new Map<string, UndoRecord>();
  for (const record of records) {
    if (record.type === "turn") {
      turns.push({ ...record, calls: [], ended: false, undone: undefined });
    } else if (record.type === "undo") {
      open.set(record.id, record);
    } else if (record.type === "undone") {
      const undo = open.get(record.id);
      if (undo !== undefined && record.outcome === "stuck") open.set(record.id, { ...undo, owner: "" });
      else open.delete(record.id);
      if (undo !== undefined && record.outcome === "done") enforce(undo, turns, undos);
    } else
      addToTurn(
        record,
        turns.findLast((turn) => turn.turn === record.turn),
      );
  }
  return { turns, undos, unfinished: [...open.values()] };
}

function addToTurn(record: CallRecord | ChangesRecord | TurnEndRecord, turn: TurnHistory | undefined): void {
  if (turn === undefined) return;
  if (record.type === "call") turn.calls.push({ call: record, changes: undefined, undone: undefined });
  else if (record.type === "turn_end") turn.ended = true;
  else {
    const call = turn.calls.findLast((one) => one.call.call === record.call);
    if (call !== undefined) call.changes = record;
  }
}

function enforce(undo: UndoRecord, turns: readonly TurnHistory[], undos: UndoRecord[]): void {
  const taken = undos.findIndex((other) => other.id === undo.of);
  if (undo.of !== undefined) undos.splice(taken, taken < 0 ? 0 : 1);
  else undos.push(undo);
  const turn = turns.findLast((one) => one.turn === undo.turn);
  const inForce = undo.of === undefined ? undo : undefined;
  if (undo.call === undefined) {
    if (turn !== undefined) turn.undone = inForce;
    return;
  }
  for (const call of turn?.calls ?? []) if (call.call.call === undo.call) call.undone = inForce;
}

/** What several calls came to together, path by path; `torn`: someone else changed it between two of them. */
export function netChanges(calls: readonly CallHistory[]): (Change & { readonly torn: boolean })[] {
  const net = new Map<string, Change & { readonly torn: boolean }>();
  for (const { changes } of calls) {
    for (const change of changes?.changes ?? []) {
      const known = net.get(change.path);
      const torn = known !== undefined && (known.torn || !sameState(known.after, change.before));
      net.set(change.path, known === undefined ? { ...change, torn } : { ...change, before: known.before, torn });
    }
  }
  return [...net.values()].filter((change) => change.torn || !sameState(change.before, change.after));
}

/** Whether two states are the same to the user: content, mode, link. Of contents that were not kept nothing is known. */
export function sameState(one: State | null, other: State | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.kind === "file" && other.kind === "file") {
    if (one.mode !== other.mode || one.size !== other.size) return false;
    if (one.sha !== undefined && other.sha !== undefined) return one.sha === other.sha;
    return one.ino === other.ino && one.mtime === other.mtime && one.ctime === other.ctime;
  }
  if (one.kind === "link" && other.kind === "link") return one.target === other.target;
  if (one.kind === "folder" && other.kind === "folder") return one.mode === other.mode;
  return one.kind === "uncovered" && other.kind === "uncovered";
}
