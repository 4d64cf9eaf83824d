import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, messageOf } from "../base/index.js";
import { capture } from "./capture.js";
import { carryOut, type Left, lockedFolders } from "./carry-out.js";
import { asCall, chooseTurn, chooseUndo, type UndoRequest } from "./choice.js";
import type { Env } from "./git.js";
import { checkpointsFolder, conversationFolder, conversationsIn, Journal } from "./journal.js";
import { ObjectStore } from "./objects.js";
import { paced } from "./pace.js";
import { type OnConflict, planUndo, type UndoPlan } from "./plan.js";
import { type History, historyOf, type TurnHistory, type UndoRecord } from "./records.js";
import { sealCutCalls } from "./seal.js";
import type { Surroundings } from "./territory.js";
import { type Change, DEFAULT_BUDGET, type State } from "./types.js";
import { type Mark, readMarks, removeMark, setMark } from "./under-way.js";
import { leaveWord } from "./words.js";

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

/** An undo that a process had left half done. */
export interface EndedUndo {
  readonly conversation: string;
  /** What was neither as before nor as after, and was left as it is. */
  readonly left: readonly Left[];
  /** Why it could not be carried on; undefined: it is done. */
  readonly stuck: string | undefined;
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
    const mark = { conversation, owner: this.#deps.owner };
    try {
      setMark(this.#deps.home, mark);
      if (this.#isTaken(conversation)) {
        removeMark(this.#deps.home, mark);
        return { history, resumed: [], stuck: "another process carries on an undo that was cut: try again after it" };
      }
      const resumed = await carryOut(cut.changes, { store: this.#store, ...cut });
      leaveWord(journal.folder, cut);
      journal.append({ type: "undone", id: cut.id, outcome: "done" }, { sync: true });
      removeMark(this.#deps.home, mark);
      return { history: historyOf(journal.read()), resumed };
    } catch (error) {
      // It stays as it is: nothing else of this conversation can be undone before it.
      return { history, resumed: [], stuck: `an undo that was cut can't be carried on: ${messageOf(error)}` };
    }
  }

  /** Carries on what processes that are gone left half undone, in any conversation. */
  async endCut(): Promise<readonly EndedUndo[]> {
    const { home, isAlive } = this.#deps;
    const ended: EndedUndo[] = [];
    for (const mark of readMarks(home).filter(({ owner }) => !isAlive(owner))) {
      const { conversation } = mark;
      try {
        const { resumed, stuck } = await this.open(conversation);
        if (stuck === undefined) removeMark(home, mark);
        if (resumed !== undefined) ended.push({ conversation, left: resumed, stuck });
      } catch (error) {
        this.#deps.signal.throwIfAborted();
        ended.push({ conversation, left: [], stuck: messageOf(error) });
      }
    }
    return ended;
  }

  /** Another process is at an undo of the conversation. */
  #isTaken(conversation: string): boolean {
    const { home, owner, isAlive } = this.#deps;
    return readMarks(home).some(
      (other) => other.conversation === conversation && other.owner !== owner && isAlive(other.owner),
    );
  }

  /** Works out an undo on the files as they are. No effect on them. */
  async prepare(request: UndoRequest): Promise<Prepared> {
    const { history, stuck } = await this.open(request.conversation);
    if (stuck !== undefined) return { ok: false, message: stuck };
    const { onConflict = "refuse" } = request;
    const chosen = request.redo === true ? chooseUndo(history, request) : chooseTurn(history, request);
    if (typeof chosen === "string") return { ok: false, message: chosen };
    const { isAlive, owner } = this.#deps;
    // Any turn: what is undone while its commands run would count as done by them.
    const running = history.turns.find((one) => !one.ended && one.owner !== owner && isAlive(one.owner));
    if (running !== undefined) {
      return { ok: false, message: `turn ${running.turn} is still running in another process: stop it first` };
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
    const { home, owner, signal, clock } = this.#deps;
    const mark = { conversation, owner };
    const journal = this.#journal(conversation);
    let record: UndoRecord;
    try {
      const changes = await this.#kept(undo.changes);
      if (typeof changes === "string") return { ok: false, message: changes };
      signal.throwIfAborted();
      const { turn, call, of } = undo;
      const id = `undo-${randomBytes(6).toString("hex")}`;
      const part = { ...(call === undefined ? {} : { call }), ...(of === undefined ? {} : { of }) };
      const locked = lockedFolders(changes);
      record = { type: "undo", id, at: clock.now(), turn, ...part, owner, changes, locked };
      setMark(home, mark);
      journal.append(record, { sync: true });
      if (historyOf(journal.read()).unfinished[0]?.id !== id) {
        journal.append({ type: "undone", id, outcome: "back" });
        removeMark(home, mark);
        return { ok: false, message: "another process is undoing something of this conversation: try again after it" };
      }
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, message: `nothing was undone: ${messageOf(error)}` };
    }
    return this.#run(journal, record, mark);
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

  async #run(journal: Journal, record: UndoRecord, mark: Mark): Promise<UndoEnd> {
    const { id, changes } = record;
    try {
      const left = await carryOut(changes, { store: this.#store, ...record });
      leaveWord(journal.folder, record);
      journal.append({ type: "undone", id, outcome: "done" }, { sync: true });
      removeMark(this.#deps.home, mark);
      return { ok: true, id, left };
    } catch (error) {
      return this.#goBack(journal, record, { mark, why: messageOf(error) });
    }
  }

  async #goBack(
    journal: Journal,
    { id, changes, locked }: UndoRecord,
    { mark, why }: { readonly mark: Mark; readonly why: string },
  ): Promise<UndoEnd> {
    try {
      const back = changes.map(({ path, before, after }) => ({ path, before: after, after: before }));
      await carryOut(back, { store: this.#store, id, locked });
      journal.append({ type: "undone", id, outcome: "back" }, { sync: true });
      removeMark(this.#deps.home, mark);
      return { ok: false, message: `nothing was undone: ${why}` };
    } catch (error) {
      // The next undo of this conversation carries it on, or the next start.
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
