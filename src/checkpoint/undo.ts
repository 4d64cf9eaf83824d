import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, messageOf } from "../base/index.js";
import { capture } from "./capture.js";
import { carryOut, type Left } from "./carry-out.js";
import type { Env } from "./git.js";
import { checkpointsFolder, conversationFolder, conversationsIn, Journal } from "./journal.js";
import { ObjectStore } from "./objects.js";
import { paced } from "./pace.js";
import { type OnConflict, planUndo, type UndoPlan } from "./plan.js";
import { type CallHistory, type History, historyOf, type TurnHistory, type UndoRecord } from "./records.js";
import { sealCutCalls } from "./seal.js";
import type { Surroundings } from "./territory.js";
import { type Change, DEFAULT_BUDGET, type State } from "./types.js";

export interface UndoDeps {
  readonly home: string;
  readonly clock: Clock;
  readonly env: Env;
  /** This process, as `isAlive` will know it again. */
  readonly owner: string;
  /** Whether the process that began a turn or an undo may still be at work on it. */
  readonly isAlive: (owner: string) => boolean;
  readonly signal: AbortSignal;
}

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

/** An undo that was worked out and not begun. */
export interface PreparedUndo extends UndoPlan {
  readonly turn: string;
  readonly call: string | undefined;
  /** The undo that is taken back. */
  readonly of: string | undefined;
  /** Why it will not be carried out as it is; undefined when it can be. */
  readonly refusal: string | undefined;
}

export type Prepared =
  | { readonly ok: true; readonly undo: PreparedUndo }
  | { readonly ok: false; readonly message: string };

export type UndoEnd =
  | { readonly ok: true; readonly id: string; readonly left: readonly Left[] }
  | { readonly ok: false; readonly message: string };

export interface Opened {
  readonly history: History;
  /** An undo that was cut and is done now: what of it was left as it was. */
  readonly resumed: readonly Left[] | undefined;
  /** Why it can't be done. */
  readonly stuck?: string;
}

/** The undos of one home folder. */
export class Undoing {
  readonly #deps: UndoDeps;
  readonly #store: ObjectStore;

  constructor(deps: UndoDeps) {
    this.#deps = deps;
    this.#store = new ObjectStore(join(checkpointsFolder(deps.home), "objects"), () => deps.clock.now());
  }

  /** What a conversation's turns changed, after finding out what killed ones did, and finishing an undo that was cut. */
  async open(conversation: string): Promise<Opened> {
    const journal = this.#journal(conversation);
    const { signal, isAlive } = this.#deps;
    await sealCutCalls(journal, this.#around(), { signal, isAlive });
    const history = historyOf(journal.read());
    const cut = history.unfinished.find(({ owner }) => owner === "" || !isAlive(owner));
    if (cut === undefined) return { history, resumed: undefined };
    const { id, changes } = cut;
    try {
      const resumed = await carryOut(changes, { store: this.#store, id });
      journal.append({ type: "undone", id, outcome: "done" }, { sync: true });
      return { history: historyOf(journal.read()), resumed };
    } catch (error) {
      // It stays as it is: nothing else of this conversation can be undone before it.
      return { history, resumed: [], stuck: `an undo that was cut can't be carried on: ${messageOf(error)}` };
    }
  }

  /** Works out an undo on the files as they are. No effect on them. */
  async prepare(request: UndoRequest): Promise<Prepared> {
    const { history, stuck } = await this.open(request.conversation);
    if (stuck !== undefined) return { ok: false, message: stuck };
    const { onConflict = "refuse" } = request;
    const chosen = request.redo === true ? chooseUndo(history, request) : chooseTurn(history, request);
    if (typeof chosen === "string") return { ok: false, message: chosen };
    if ("turn" in chosen && !chosen.turn.ended && this.#deps.isAlive(chosen.turn.owner)) {
      return { ok: false, message: `turn ${chosen.turn.turn} is still running in another process: stop it first` };
    }
    const calls = "undo" in chosen ? [asCall(chosen.undo)] : chosen.calls;
    const plan = planUndo(calls, this.#store, onConflict);
    const { turn, call } = "undo" in chosen ? chosen.undo : { turn: chosen.turn.turn, call: chosen.call };
    const of = "undo" in chosen ? chosen.undo.id : undefined;
    return { ok: true, undo: { ...plan, turn, call, of, refusal: refusalOf(plan, onConflict) } };
  }

  /**
   * Carries out what `prepare` worked out: what is there now is kept first, then the undo is on record, then it is done. A
   * failure takes back what was done; a kill in the middle is carried on by the next `open`. Throws only the signal's
   * reason, before anything was done.
   */
  async carryOut(conversation: string, undo: PreparedUndo): Promise<UndoEnd> {
    if (undo.refusal !== undefined) return { ok: false, message: undo.refusal };
    const { signal, clock } = this.#deps;
    const journal = this.#journal(conversation);
    let record: UndoRecord;
    try {
      const changes = await this.#kept(undo.changes);
      if (typeof changes === "string") return { ok: false, message: changes };
      signal.throwIfAborted();
      const { turn, call, of } = undo;
      const id = `undo-${randomBytes(6).toString("hex")}`;
      const part = { ...(call === undefined ? {} : { call }), ...(of === undefined ? {} : { of }) };
      record = { type: "undo", id, at: clock.now(), turn, ...part, owner: this.#deps.owner, changes };
      journal.append(record, { sync: true });
      if (historyOf(journal.read()).unfinished[0]?.id !== id) {
        journal.append({ type: "undone", id, outcome: "back" });
        return { ok: false, message: "another process is undoing something of this conversation: try again after it" };
      }
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, message: `nothing was undone: ${messageOf(error)}` };
    }
    return this.#run(journal, record);
  }

  /** What a file holds now and what it is to hold, for a look at the difference; undefined what is not there, or is large. */
  contents({ path, before, after }: Change, limit: number): { readonly now?: Buffer; readonly then?: Buffer } {
    const then =
      after?.kind === "file" && after.size <= limit && after.sha !== undefined
        ? this.#store.read(after.sha)
        : undefined;
    const now = before?.kind === "file" && before.size <= limit ? readWhole(path, limit) : undefined;
    return { ...(now === undefined ? {} : { now }), ...(then === undefined ? {} : { then }) };
  }

  async #run(journal: Journal, { id, changes }: UndoRecord): Promise<UndoEnd> {
    try {
      const left = await carryOut(changes, { store: this.#store, id });
      journal.append({ type: "undone", id, outcome: "done" }, { sync: true });
      return { ok: true, id, left };
    } catch (error) {
      return this.#goBack(journal, { id, changes, why: messageOf(error) });
    }
  }

  async #goBack(
    journal: Journal,
    { id, changes, why }: { readonly id: string; readonly changes: readonly Change[]; readonly why: string },
  ): Promise<UndoEnd> {
    try {
      const back = changes.map(({ path, before, after }) => ({ path, before: after, after: before }));
      await carryOut(back, { store: this.#store, id });
      journal.append({ type: "undone", id, outcome: "back" }, { sync: true });
      return { ok: false, message: `nothing was undone: ${why}` };
    } catch (error) {
      // The next undo of this conversation carries it on.
      journal.append({ type: "undone", id, outcome: "stuck" });
      const message = `the undo failed in the middle (${why}), and so did taking it back (${messageOf(error)})`;
      return { ok: false, message: `${message}; "belay undo" carries it on once the cause is gone` };
    }
  }

  /** The same changes, with all that is there now in the store; why not, when something can't be kept. */
  async #kept(changes: readonly Change[]): Promise<Change[] | string> {
    const { clock, signal } = this.#deps;
    const all = Number.MAX_SAFE_INTEGER;
    const keeping = {
      store: this.#store,
      room: { files: all, bytes: all, fileBytes: all },
      pace: paced(clock, signal),
    };
    const kept: Change[] = [];
    for (const { path, before, after } of changes) {
      if (before?.kind !== "file") {
        kept.push({ path, before, after });
        continue;
      }
      const now: State | null = await capture(path, keeping);
      if (now?.kind !== "file" || now.sha === undefined) return `nothing was undone: ${path} can't be kept for a redo`;
      if (before.sha !== undefined && before.sha !== now.sha) {
        return `nothing was undone: ${path} has just been changed by someone else. Try again`;
      }
      kept.push({ path, before: now, after });
    }
    return kept;
  }

  #journal(conversation: string): Journal {
    return new Journal(conversationFolder(this.#deps.home, conversation));
  }

  #around(): Surroundings {
    const { clock, env, home } = this.#deps;
    return { clock, env, home, budget: DEFAULT_BUDGET, store: this.#store };
  }
}

/** Conversations that have checkpoints, the one that changed something last first. */
export function conversationsWithCheckpoints(
  home: string,
): { readonly id: string; readonly turns: readonly TurnHistory[] }[] {
  return conversationsIn(home)
    .map((id) => ({ id, turns: historyOf(new Journal(conversationFolder(home, id)).read()).turns }))
    .filter(({ turns }) => turns.length > 0)
    .sort((one, other) => other.turns.at(-1)!.at - one.turns.at(-1)!.at);
}

type Chosen = { readonly turn: TurnHistory; readonly call: string | undefined; readonly calls: readonly CallHistory[] };

function chooseTurn({ turns }: History, { turn: id, call: callId }: UndoRequest): Chosen | string {
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

function chooseUndo({ undos }: History, { turn }: UndoRequest): { readonly undo: UndoRecord } | string {
  const undo = turn === undefined ? undos.at(-1) : undos.findLast((one) => one.turn === turn);
  if (undo !== undefined) return { undo };
  return turn === undefined ? "nothing is undone that could be redone" : `turn ${turn} is not undone`;
}

/** An undo as if it were a call: what it changed is what is to be taken back. */
function asCall({ turn, id, at, changes }: UndoRecord): CallHistory {
  const call = { type: "call", turn, call: id, at } as const;
  return { call, changes: { type: "changes", turn, call: id, changes }, undone: undefined };
}

function refusalOf({ changes, conflicts, lost, notes }: UndoPlan, onConflict: OnConflict): string | undefined {
  if (onConflict === "refuse") {
    if (conflicts.length > 0) return "files were changed since, and would be overwritten";
    if (lost.length > 0) return "not everything can be brought back";
  }
  if (changes.length > 0) return undefined;
  return notes.length > 0 ? notes.join("; ") : "the files are already as they were before";
}

function readWhole(path: string, limit: number): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length <= limit ? bytes : undefined;
  } catch {
    // Gone or unreadable by now: it is not shown.
    return undefined;
  }
}
