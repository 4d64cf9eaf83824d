import { Cancelled, type CancelReason, type Clock, messageOf, type Scope } from "../base/index.js";
import type {
  CallOutcome,
  EventMsg,
  InputItem,
  ProcessOutcome,
  TerminalMsg,
  TurnAbortReason,
} from "../protocol/index.js";
import type { Settings } from "./settings.js";
import { TurnDiff } from "./turn-diff.js";
import type { TurnEnd } from "./types.js";

/** How long the parts of a stopped turn may take before they are named as lingering, ms. Above TERM, grace, KILL, drain. */
const STOP_BOUND_MS = 5_000;

/** What the work of a turn came to when it was not stopped. */
export type WorkEnd =
  | { readonly status: "completed"; readonly message: string | undefined }
  | { readonly status: "failed"; readonly message: string };

/** What a turn needs from its conversation, in the order the exit uses it. */
export interface TurnHost {
  readonly clock: Clock;
  emit(turnId: string, msg: EventMsg): Promise<void> | undefined;
  /** The files the turn changed, absolute, once all its calls are looked at. Bounded, and never throws. */
  changedFiles(turn: Turn): Promise<readonly string[]>;
  /** What runs on beyond the turn; nothing of it is told until the turn has `ended`. */
  keep(turn: Turn): ProcessOutcome[];
  /** Settles the history after a stop or failure: outputs for open calls, partial text, the marker. */
  settle(turn: Turn, end: StopRecord): void;
  /** Puts the terminal event on record and syncs it to disk. Never throws. */
  record(turn: Turn, terminal: TerminalMsg): Promise<void>;
  /** The slot is free from here on. */
  release(turn: Turn, end: TurnEnd): void;
}

/** One submission of input. */
export interface TurnInput {
  readonly submission: string;
  readonly items: readonly InputItem[];
}

/** What the exit knows when it settles the history. */
export interface StopRecord {
  readonly status: TurnEnd["status"];
  readonly calls: readonly CallOutcome[];
  readonly processes: readonly ProcessOutcome[];
  readonly lingering: readonly string[];
  /** Ms since the turn began. */
  readonly after: number;
}

/** What a turn's exit found. */
interface Left {
  readonly status: TurnEnd["status"];
  readonly lingering: readonly string[];
  readonly kept: readonly ProcessOutcome[];
  /** Absolute paths. */
  readonly changed: readonly string[];
}

/** The parts of a turn that its work fills in and its exit reads. */
export interface TurnLedger {
  readonly processes: Map<string, ProcessOutcome>;
  readonly diff: TurnDiff;
  /** Set once the work has calls. */
  calls: { outcomes(): CallOutcome[]; seal(why: string): void } | undefined;
  /** Assistant text streamed and not yet part of a whole message. */
  partial: string;
  /** An event to send before the terminal one, when the turn is stopped before its time came. */
  owed: EventMsg | undefined;
}

/**
 * One turn: from user input to its one terminal event. Whether it ends by itself or is stopped, there is one way out,
 * `#exit`; the first to decide (`finish` of the work, or `stop`) wins, synchronously.
 */
export class Turn {
  readonly id: string;
  readonly scope: Scope;
  readonly settings: Settings;
  readonly startedAt: number;
  readonly ledger: TurnLedger = {
    processes: new Map(),
    diff: new TurnDiff(),
    calls: undefined,
    partial: "",
    owed: undefined,
  };
  readonly ended: Promise<TurnEnd>;
  readonly #host: TurnHost;
  readonly #waiting: ((end: TurnEnd) => void)[] = [];
  readonly #pending: TurnInput[] = [];
  readonly #rejected: TurnInput[] = [];
  #state: "running" | "closing" | "ended" = "running";
  #stopped: { readonly reason: TurnAbortReason; readonly at: number } | undefined;
  #requestStop: () => void = () => {};
  #settleEnded: (end: TurnEnd) => void = () => {};

  constructor(host: TurnHost, init: { readonly id: string; readonly scope: Scope; readonly settings: Settings }) {
    this.#host = host;
    this.id = init.id;
    this.scope = init.scope;
    this.settings = init.settings;
    this.startedAt = host.clock.monotonic();
    this.ended = new Promise((resolve) => (this.#settleEnded = resolve));
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Its terminal event is out. */
  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  /** Events of a turn that has ended are dropped: nothing comes after the terminal one. */
  emit(msg: EventMsg): Promise<void> | undefined {
    return this.#state === "ended" ? undefined : this.#host.emit(this.id, msg);
  }

  /** Input for the next step. False when the turn takes no more. */
  steer(input: TurnInput): boolean {
    if (!this.isRunning) return false;
    this.#pending.push(input);
    return true;
  }

  /** The oldest input not taken up yet; it stays until `dropInput` or `rejectInput`, so that a stop can't lose it. */
  peekInput(): TurnInput | undefined {
    return this.#pending[0];
  }

  /** The oldest input is in the history now. */
  dropInput(): void {
    this.#pending.shift();
  }

  /** The oldest input can't be used: it is handed back with the terminal event. */
  rejectInput(): void {
    this.#rejected.push(...this.#pending.splice(0, 1));
  }

  /** For the work, right before it ends: true, and no more input is taken, unless some is waiting. */
  closeInput(): boolean {
    if (this.#pending.length > 0 || !this.isRunning) return false;
    this.#state = "closing";
    return true;
  }

  /** Stops the turn: everything in it is cancelled before this returns. `ended` tells when it is over. */
  stop(reason: TurnAbortReason): void {
    if (!this.isRunning) return;
    this.#state = "closing";
    this.#stopped = { reason, at: this.#host.clock.monotonic() };
    this.scope.cancel(cancelReason(reason));
    this.#requestStop();
  }

  /** Called after the terminal event, synchronously with it: before anything else can happen. */
  onEnded(listener: (end: TurnEnd) => void): void {
    this.#waiting.push(listener);
  }

  /** Runs the work to the turn's end. Never throws. */
  async drive(work: (turn: Turn) => Promise<WorkEnd>): Promise<void> {
    const stopped = new Promise<undefined>((resolve) => (this.#requestStop = () => resolve(undefined)));
    const finished = this.scope.spawn("work", () => this.#guard(work));
    await this.#exit(await Promise.race([finished, stopped]));
  }

  async #guard(work: (turn: Turn) => Promise<WorkEnd>): Promise<WorkEnd | undefined> {
    try {
      return await work(this);
    } catch (error) {
      // Cancelled work is no failure; whatever else comes up ends the turn as failed, with its message.
      if (this.#stopped !== undefined || error instanceof Cancelled) return undefined;
      return { status: "failed", message: messageOf(error) };
    } finally {
      if (this.isRunning) this.#state = "closing";
    }
  }

  /** The one exit. The order is the contract. */
  async #exit(work: WorkEnd | undefined): Promise<void> {
    const reason = this.#stopped?.reason ?? "interrupted";
    const why = cancelReason(reason);
    const { lingering } = await this.scope.end({ reason: why, within: STOP_BOUND_MS });
    const status = this.#stopped !== undefined || work === undefined ? reason : work.status;
    const changed = await this.#host.changedFiles(this);
    this.ledger.calls?.seal(status === "failed" ? "the turn failed" : "aborted by user");
    const kept = this.#host.keep(this);
    this.#host.settle(this, this.#stopRecord({ status, lingering, kept }));
    if (this.ledger.owed !== undefined) void this.emit(this.ledger.owed);
    if (work?.status === "failed" && status === "failed") this.#tellFailure(work.message);
    const terminal = this.#terminal({ status, lingering, kept, changed }, work);
    await this.#host.record(this, terminal);
    const end = { turnId: this.id, status, event: terminal };
    this.#host.release(this, end);
    void this.#host.emit(this.id, terminal);
    this.#state = "ended";
    for (const listener of this.#waiting) listener(end);
    this.#settleEnded(end);
  }

  /** What was said before the failure is told once more as a whole: not every reader has shown it as it streamed. */
  #tellFailure(message: string): void {
    const { partial } = this.ledger;
    if (partial.trim() !== "") void this.emit({ type: "agent_message", message: partial, partial: true });
    void this.emit({ type: "error", message });
  }

  #stopRecord({ status, lingering, kept }: Omit<Left, "changed">): StopRecord {
    return {
      status,
      calls: this.ledger.calls?.outcomes() ?? [],
      processes: [...this.ledger.processes.values(), ...kept],
      lingering,
      after: this.#host.clock.monotonic() - this.startedAt,
    };
  }

  #terminal({ status, lingering, kept, changed }: Left, work: WorkEnd | undefined): TerminalMsg {
    const unused = [...this.#rejected, ...this.#pending].map(({ items }) => [...items]);
    if (status === "completed" || status === "failed") {
      const left = [...this.ledger.processes.values()].filter(({ outcome }) => outcome === "kept");
      const running = [...left, ...kept];
      return {
        type: "task_complete",
        last_agent_message: work?.status === "completed" ? (work.message ?? null) : null,
        ...(status === "failed" ? { failed: true } : {}),
        ...(unused.length > 0 ? { unused_input: unused } : {}),
        ...(running.length > 0 ? { processes: running } : {}),
      };
    }
    return {
      type: "turn_aborted",
      reason: status,
      calls: this.ledger.calls?.outcomes() ?? [],
      processes: [...this.ledger.processes.values(), ...kept],
      changed_files: [...changed],
      unused_input: unused,
      lingering: [...lingering],
      stop_ms: Math.round(this.#host.clock.monotonic() - (this.#stopped?.at ?? this.startedAt)),
    };
  }
}

function cancelReason(reason: TurnAbortReason): CancelReason {
  return { kind: reason };
}
