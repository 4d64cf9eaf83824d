import { join } from "node:path";
import { type Clock, makeFolder, messageOf } from "../base/index.js";
import { capture, missingFolders } from "./capture.js";
import { changesFrom } from "./changes.js";
import type { Env } from "./git.js";
import { checkpointsFolder, conversationFolder, Journal } from "./journal.js";
import type { Room } from "./keep.js";
import { Lookout } from "./lookout.js";
import { ObjectStore } from "./objects.js";
import { paced } from "./pace.js";
import { type CallRecord, sameState } from "./records.js";
import { sweepIfDue } from "./sweep.js";
import type { Surroundings, Territory } from "./territory.js";
import { type Budget, type Change, DEFAULT_BUDGET, type State } from "./types.js";

export interface CheckpointsInit {
  readonly home: string;
  readonly conversation: string;
  readonly clock: Clock;
  /** The environment git is looked for and run in. */
  readonly env: Env;
  /** This process, as `alive` of an undo will know it again. */
  readonly owner: string;
  readonly budget?: Budget;
}

/** Where a call may change files: anywhere in folders (a command), or these files alone (a patch). Absolute. */
export type Area = { readonly roots: readonly string[] } | { readonly files: readonly string[] };

export interface CallPlace {
  readonly turn: string;
  readonly call: string;
  readonly cwd: string;
}

type Begun = Pick<CallRecord, "type" | "turn" | "call" | "at">;

/** A call under way, from `before` to `after`. */
export interface Watched {
  readonly record: CallRecord;
  readonly territory: Territory | undefined;
}

/**
 * Keeps what the calls of one conversation change, so that it can be undone: looks before and after each, and puts the
 * difference on record. Everything happens in order; `before` is waited for, `after` is not.
 */
export class Checkpoints {
  readonly #init: CheckpointsInit;
  readonly #journal: Journal;
  readonly #around: Surroundings;
  readonly #closing = new AbortController();
  #last: Promise<void> = Promise.resolve();
  readonly #lookout: Lookout;
  /** Calls between their two looks. */
  #underWay = 0;
  #turn: { readonly id: string; readonly changed: Set<string> } | undefined;
  #failures: string[] = [];

  constructor(init: CheckpointsInit) {
    this.#init = init;
    this.#journal = new Journal(conversationFolder(init.home, init.conversation));
    const { clock, env, home, budget = DEFAULT_BUDGET } = init;
    const store = new ObjectStore(join(checkpointsFolder(home), "objects"), () => clock.now());
    this.#around = { clock, env, home, budget, store };
    this.#lookout = new Lookout(this.#journal.folder, this.#around);
  }

  /** Starts to look at the folders, so that the first `before` has less to do. Nothing has to wait for it. */
  prepare(roots: readonly string[]): void {
    this.#enqueue(async () => {
      // By now a call may be under way: what a look found then would be missing from the one behind the call.
      if (this.#underWay > 0 || this.#lookout.knows(roots)) return;
      await this.#lookout.look(roots, { signal: this.#closing.signal, ahead: true });
    }).catch(() => {
      // `before` meets the same trouble, and tells of it.
    });
  }

  /**
   * To be waited for right before a call: from here on what it changes can be undone. Never throws but the signal's reason;
   * undefined where it could not be done, and `takeFailures` says why.
   */
  before(place: CallPlace, area: Area, signal: AbortSignal): Promise<Watched | undefined> {
    return this.#enqueue(async () => {
      const { turn, call } = place;
      const begun = { type: "call", turn, call, at: this.#init.clock.now() } as const;
      try {
        this.#beginTurn(place);
        const watched =
          "files" in area
            ? await this.#beforePatch(begun, area.files, signal)
            : await this.#beforeCommand(begun, area.roots, signal);
        this.#underWay += 1;
        return watched;
      } catch (error) {
        signal.throwIfAborted();
        this.#fail(begun, error);
        return undefined;
      }
    });
  }

  /** To be called right after the call; what it changed is found out in the background. */
  after(watched: Watched): void {
    const endedAt = this.#init.clock.now();
    this.#underWay -= 1;
    this.#enqueue(() => this.#record(watched, endedAt)).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#fail(watched.record, error);
    });
  }

  /**
   * Ends a turn once all its calls are on record, at most `withinMs` later. Returns the files it changed, absolute; `known`
   * is false when the time was too short to see all.
   */
  async settle(
    turn: string,
    withinMs: number,
  ): Promise<{ readonly files: readonly string[]; readonly known: boolean }> {
    if (this.#turn?.id !== turn) return { files: [], known: true };
    const known = await isWithin(this.#last, withinMs);
    const files = [...this.#turn.changed].sort();
    this.#turn = undefined;
    if (known) this.#end(turn);
    this.#enqueue(async () => {
      if (!known) this.#end(turn);
      sweepIfDue(this.#init.home, this.#init.clock.now());
    }).catch((error: unknown) => {
      this.#failures.push(`checkpoints could not be cleaned up: ${messageOf(error)}`);
    });
    return { files, known };
  }

  /** Resolves once all that was asked for is done. */
  idle(): Promise<void> {
    return this.#last;
  }

  /** Why what was done since the last time can't be undone; for people. */
  takeFailures(): readonly string[] {
    return this.#failures.splice(0);
  }

  /** Stops looking. What a call changed and is not on record yet is found out by the next process that asks. */
  async close(): Promise<void> {
    const idle = await isWithin(this.#last, 0);
    this.#closing.abort(new Error("closed"));
    await this.#last;
    if (idle) this.#lookout.leave();
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  #beginTurn({ turn, cwd }: CallPlace): void {
    if (this.#turn?.id === turn) return;
    this.#turn = { id: turn, changed: new Set() };
    const { clock, owner } = this.#init;
    this.#journal.append({ type: "turn", v: 1, turn, at: clock.now(), cwd, owner });
  }

  #end(turn: string): void {
    try {
      this.#journal.append({ type: "turn_end", turn }, { sync: true });
    } catch (error) {
      // The changes are on record, or their failure was told: only the end of the turn is missing.
      this.#failures.push(messageOf(error));
    }
  }

  async #beforeCommand(begun: Begun, roots: readonly string[], signal: AbortSignal): Promise<Watched> {
    const { of: territory, live } = await this.#lookout.current(roots, signal);
    makeFolder(this.#journal.folder);
    live.save(territory.trees, territory.origin);
    await territory.settle(signal);
    const record = { ...begun, at: this.#init.clock.now(), roots: territory.roots, live: live.name };
    this.#journal.append(record);
    return { record, territory };
  }

  async #beforePatch(begun: Begun, files: readonly string[], signal: AbortSignal): Promise<Watched> {
    const keeping = { store: this.#around.store, room: this.#room(), pace: paced(this.#init.clock, signal) };
    const states: { path: string; state: State | null }[] = [];
    for (const path of [...missingFolders(files), ...files]) states.push({ path, state: await capture(path, keeping) });
    const record = { ...begun, files: states };
    this.#journal.append(record);
    return { record, territory: undefined };
  }

  async #record({ record, territory }: Watched, endedAt: number): Promise<void> {
    const { turn, call } = record;
    const changes =
      territory === undefined ? await this.#changesOfPatch(record) : await this.#changesOfCommand(territory, endedAt);
    for (const { path, before, after } of changes) if (isFile(before) || isFile(after)) this.#turn?.changed.add(path);
    this.#journal.append({ type: "changes", turn, call, changes });
  }

  async #changesOfPatch({ files = [] }: CallRecord): Promise<Change[]> {
    const keeping = { store: this.#around.store, room: this.#room(), pace: paced(this.#init.clock, undefined) };
    const changes: Change[] = [];
    for (const { path, state } of files) {
      const after = await capture(path, keeping);
      if (!sameState(state, after)) changes.push({ path, before: state, after });
    }
    return changes;
  }

  async #changesOfCommand(territory: Territory, endedAt: number): Promise<Change[]> {
    const { signal } = this.#closing;
    const room = this.#room();
    const differences = await this.#lookout.differences(territory, { signal, room });
    return changesFrom(differences, { around: this.#around, room, endedAt, signal });
  }

  #room(): Room {
    const { callBytes, fileBytes, keptFiles } = this.#around.budget;
    return { files: keptFiles, bytes: callBytes, fileBytes };
  }

  #fail({ turn, call, at }: Pick<CallRecord, "turn" | "call" | "at">, error: unknown): void {
    const unknown = messageOf(error);
    this.#failures.push(unknown);
    try {
      this.#journal.append({ type: "call", turn, call, at });
      this.#journal.append({ type: "changes", turn, call, changes: [], unknown });
    } catch {
      // The journal itself can't be written: the user is told by `takeFailures`, and there is nothing to undo.
    }
  }
}

function isFile(state: State | null): boolean {
  return state !== null && state.kind !== "folder" && !(state.kind === "uncovered" && state.ignored === true);
}

/** Whether the promise, which never rejects, settles in time. */
async function isWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
