import { Mailbox, type Scope } from "../base/index.js";
import type { Config } from "../config/index.js";
import type { EventMsg, LevelReport, Op, ProcessOutcome, TerminalMsg } from "../protocol/index.js";
import { historyLog } from "../rollout/index.js";
import { Approvals } from "./approvals.js";
import { ChangeKeeper } from "./change-keeper.js";
import { compact } from "./compaction.js";
import { Conversing } from "./conversing.js";
import type { Doubles } from "./doubles.js";
import { EventHub } from "./event-hub.js";
import { initialMessages } from "./initial-messages.js";
import { endCutPatches } from "./patch-recovery.js";
import { answerQuery } from "./queries.js";
import { type Recorder, recorderFor } from "./recorder.js";
import type { Resumed } from "./resume.js";
import { ConversationLevel, type SandboxLevels } from "./sandbox-levels.js";
import { keepToLimits } from "./session-limits.js";
import { type Settings, settingsOf, settingsOfTurn, withOverrides } from "./settings.js";
import { runSteps } from "./steps.js";
import { answerTerminalOp } from "./terminal-ops.js";
import { Terminals } from "./terminals.js";
import { type StopRecord, Turn, type TurnHost, type WorkEnd } from "./turn.js";
import type { Conversation, EngineDeps, InputOp, Listener, TurnEnd } from "./types.js";
import { endCutUndos } from "./undo-recovery.js";
import { type UndoOp, undoTurn } from "./undo-turn.js";

/** A submission as the mailbox holds it; `answer` is called once for an interrupt, and for input that wants a turn of its own. */
interface Submitted {
  readonly id: string;
  readonly op: Op;
  readonly answer?: (end: TurnEnd | undefined) => void;
}

interface Init {
  readonly id: string;
  readonly scope: Scope;
  readonly config: Config;
  readonly deps: EngineDeps;
  readonly levels: SandboxLevels;
  /** Undefined for a new conversation. */
  readonly resumed: Resumed | undefined;
  /** Undefined but for a replay. */
  readonly doubles: Doubles | undefined;
  /** Called once, when nothing of the conversation is left. */
  readonly onClosed: () => void;
}

/**
 * One conversation. A single loop takes submissions in order and owns the one slot for a turn; it never waits for a turn
 * except for the bounded end of one that is being stopped.
 */
export class Session implements Conversation, TurnHost {
  readonly id: string;
  readonly clock;
  readonly #config: Config;
  readonly #scope: Scope;
  readonly #mailbox = new Mailbox<Submitted>();
  readonly #events = new EventHub();
  readonly #approvals = new Approvals();
  readonly #recorder: Recorder;
  readonly #talk: Conversing;
  readonly #changes: ChangeKeeper;
  readonly #level: ConversationLevel;
  readonly #terminals: Terminals;
  readonly #runsCommands: boolean;
  #resumed: Resumed | undefined;
  #settings: Settings;
  #turn: Turn | undefined;
  #isShutDown = false;
  #nextId = 0;
  readonly #onClosed: Init["onClosed"];
  #closing: Promise<void> | undefined;

  constructor({ id, scope, config, deps, levels, resumed, doubles, onClosed }: Init) {
    this.#onClosed = onClosed;
    this.id = id;
    this.clock = deps.clock;
    this.#scope = scope;
    this.#config = config;
    this.#resumed = resumed;
    // Turns of one session have different ids, in whatever process they ran: an undo names them.
    this.#nextId = resumed?.nextSubmission ?? 0;
    this.#settings = resumed?.settings ?? settingsOf(config);
    this.#recorder = resumed?.recorder ?? recorderFor({ id, config, deps, sink: doubles?.record });
    this.#level = new ConversationLevel(levels, config, (message) => {
      this.#tell("", { type: "background_event", message });
    });
    const { clock, random, version } = deps;
    this.#changes = new ChangeKeeper({ id, config, clock });
    this.#terminals = new Terminals({ scope: scope.child("terminals"), clock, random });
    this.#talk = new Conversing({
      id,
      config,
      recorder: this.#recorder,
      approvals: this.#approvals,
      level: this.#level,
      changes: this.#changes,
      terminals: this.#terminals,
      tell: (msg) => this.emit("", msg),
      clock,
      random,
      version,
      restored: resumed?.items ?? [],
      restoredUsage: resumed?.usage,
      doubles,
    });
    this.#runsCommands = doubles?.runsCommands ?? true;
    scope.spawn("loop", () => this.#loop()).catch((error: unknown) => this.#crash(error));
  }

  submit(op: Op, id?: string): string {
    const given = this.#takeId(id);
    const answer = (end: TurnEnd | undefined) => this.#answerInterrupt(given, end);
    const submitted = op.type === "interrupt" ? { id: given, op, answer } : { id: given, op };
    if (!this.#mailbox.push(submitted)) this.#refuse(submitted);
    return given;
  }

  runTurn(op: InputOp, id?: string): { id: string; ended: Promise<TurnEnd | undefined> } {
    const given = this.#takeId(id);
    const ended = new Promise<TurnEnd | undefined>((answer) => {
      if (!this.#mailbox.push({ id: given, op, answer })) answer(undefined);
    });
    return { id: given, ended };
  }

  subscribe(listener: Listener): () => void {
    return this.#events.subscribe(listener);
  }

  interrupt(): Promise<TurnEnd | undefined> {
    return new Promise((answer) => {
      this.#nextId += 1;
      if (!this.#mailbox.push({ id: "", op: { type: "interrupt" }, answer })) answer(undefined);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // What a turn needs of its conversation.

  emit(turnId: string, msg: EventMsg): Promise<void> | undefined {
    return this.#events.emit({ id: turnId, msg });
  }

  /** For what nobody waits for. */
  #tell(id: string, msg: EventMsg): void {
    void this.emit(id, msg);
  }

  changedFiles(turn: Turn): Promise<readonly string[]> {
    return this.#changes.changedFiles(turn);
  }

  keep(turn: Turn): ProcessOutcome[] {
    return this.#terminals.keep(turn.ended);
  }

  settle(turn: Turn, end: StopRecord): void {
    this.#talk.settle(turn, end);
  }

  async record(turn: Turn, terminal: TerminalMsg): Promise<void> {
    this.#talk.recordUsage(turn);
    this.#recorder.terminal(terminal);
    await this.#recorder.flush();
    if (this.#recorder.isGone) await this.#recorder.restart(this.#talk.history.items, turn.settings);
    const message = this.#recorder.takeNotice();
    if (message !== undefined) void turn.emit({ type: "background_event", message });
  }

  release(turn: Turn): void {
    if (this.#turn === turn) this.#turn = undefined;
  }

  /** The id given, or the next number; numbers go on above those given, so that no two turns have one id. */
  #takeId(id: string | undefined): string {
    const given = id ?? String(this.#nextId);
    const number = Number(given);
    if (String(number) === given && Number.isSafeInteger(number)) this.#nextId = Math.max(this.#nextId, number + 1);
    return given;
  }

  // The loop.

  async #loop(): Promise<void> {
    const level = this.#runsCommands ? this.#level.introduce() : undefined;
    this.#introduce(level instanceof Promise ? await level : level);
    // Before anything of this conversation touches the files.
    const { signal } = this.#scope;
    const tidied = [
      ...(await endCutPatches(this.#config.home)),
      ...(await endCutUndos(this.#config, { clock: this.clock, signal })),
      ...(await keepToLimits(this.#config, this.clock)),
    ];
    for (const message of tidied) this.#tell("", { type: "background_event", message });
    for await (const submitted of this.#mailbox) {
      if (!this.#isShutDown) await this.#handle(submitted);
      else this.#refuse(submitted);
    }
  }

  /** The first event. */
  #introduce(level: LevelReport | undefined): void {
    const { home } = this.#config;
    const resumed = this.#resumed;
    // It was for this alone: what was said before need not be held any longer.
    this.#resumed = undefined;
    const log = historyLog(home);
    this.#tell("", {
      type: "session_configured",
      session_id: this.id,
      model: this.#settings.model,
      history_log_id: log.logId,
      history_entry_count: log.count,
      rollout_path: this.#recorder.path,
      ...(resumed === undefined ? {} : { initial_messages: initialMessages(resumed.items) }),
      ...((resumed?.unusedInput.length ?? 0) === 0
        ? {}
        : { unused_input: resumed!.unusedInput.map((items) => [...items]) }),
      ...(level === undefined ? {} : { sandbox: level }),
      ...(resumed?.usage === undefined ? {} : { conversation_usage: resumed.usage }),
    });
    for (const message of resumed?.notices ?? []) this.#tell("", { type: "background_event", message });
    if (resumed?.killed !== undefined) this.#tell(resumed.killed.turnId, resumed.killed.msg);
  }

  /** After a shutdown every submission is still answered. */
  #refuse({ id, answer }: Submitted): void {
    if (answer !== undefined) answer(undefined);
    else this.#tell(id, { type: "error", message: "the conversation is closed" });
  }

  async #handle(submitted: Submitted): Promise<void> {
    const { id, op, answer } = submitted;
    switch (op.type) {
      case "interrupt":
        return this.#interrupt(answer);
      case "user_input":
      case "user_turn":
        return this.#takeInput(op, submitted);
      case "compact":
        return this.#startCompact(id);
      case "undo":
        return this.#startUndo(id, op);
      case "override_turn_context":
        this.#settings = withOverrides(this.#settings, op);
        return;
      case "exec_approval":
      case "patch_approval":
        if (!this.#approvals.answer(op.id, op.decision)) {
          this.#tell(id, {
            type: "background_event",
            message: `no approval is pending for ${op.id}: the answer is refused`,
          });
        }
        return;
      case "list_background_terminals":
      case "terminate_background_terminal":
      case "clean_background_terminals":
        // Not waited for: whoever wants to interrupt meanwhile must be heard.
        void this.#scope.spawn("terminals", async () => this.#tell(id, await answerTerminalOp(op, this.#terminals)));
        return;
      case "shutdown":
        await this.#stopTurn("interrupted");
        await this.#terminals.stop();
        this.#isShutDown = true;
        this.#mailbox.close();
        this.#tell(id, { type: "shutdown_complete" });
        return;
      default:
        answerQuery(op, {
          home: this.#config.home,
          sessionId: this.id,
          clock: this.clock,
          tell: (msg) => this.#tell(id, msg),
        });
    }
  }

  #interrupt(answer: Submitted["answer"]): void {
    const turn = this.#turn;
    if (turn === undefined) {
      answer?.(undefined);
      return;
    }
    turn.onEnded((end) => answer?.(end));
    turn.stop("interrupted");
  }

  async #takeInput(op: InputOp, { id, answer }: Submitted): Promise<void> {
    if (answer !== undefined && this.#turn?.isRunning === true) {
      answer(undefined);
      return;
    }
    if (this.#turn?.steer({ submission: id, items: op.items }) === true) {
      this.#recorder.submitted(id, op.items);
      return;
    }
    await this.#turn?.ended;
    const turn = this.#begin(id, settingsOfTurn(this.#settings, op));
    if (answer !== undefined) turn.onEnded(answer);
    turn.steer({ submission: id, items: op.items });
    // Images are read first, which may take a while.
    if (op.items.some((item) => item.type === "local_image")) this.#recorder.submitted(id, op.items);
    this.#drive(turn, () => runSteps(turn, this.#talk));
  }

  async #startCompact(id: string): Promise<void> {
    await this.#stopTurn("replaced");
    const turn = this.#begin(id, this.#settings);
    this.#drive(turn, () => this.#compactTurn(turn));
  }

  async #startUndo(id: string, op: UndoOp): Promise<void> {
    await this.#stopTurn("replaced");
    const turn = this.#begin(id, this.#settings);
    const place = { conversation: this.id, config: this.#config, clock: this.clock };
    this.#drive(turn, () => undoTurn(turn, op, { ...place, changes: this.#changes, talk: this.#talk }));
  }

  async #compactTurn(turn: Turn): Promise<WorkEnd> {
    const failure = await compact(turn, this.#talk);
    if (failure !== undefined)
      return { status: "failed", message: `the conversation could not be summarised: ${failure}` };
    void turn.emit({ type: "agent_message", message: "Compact task completed" });
    if (turn.closeInput()) return { status: "completed", message: undefined };
    return runSteps(turn, this.#talk);
  }

  #begin(id: string, settings: Settings): Turn {
    const turn = new Turn(this, { id, scope: this.#scope.child(`turn ${id}`), settings });
    this.#turn = turn;
    const window = this.#talk.contextWindow(turn);
    this.#recorder.turn(id, settings, window);
    void turn.emit({ type: "task_started", model_context_window: window ?? null });
    return turn;
  }

  #drive(turn: Turn, work: () => Promise<WorkEnd>): void {
    this.#scope.spawn(`turn ${turn.id}`, () => turn.drive(work)).catch((error: unknown) => this.#crash(error));
  }

  async #stopTurn(reason: "interrupted" | "replaced"): Promise<void> {
    const turn = this.#turn;
    if (turn === undefined) return;
    turn.stop(reason);
    await turn.ended;
  }

  #answerInterrupt(id: string, end: TurnEnd | undefined): void {
    if (end?.event.type === "turn_aborted") {
      this.#tell(id, { type: "background_event", message: `turn ${end.turnId} was stopped` });
    } else {
      this.#tell(id, { type: "error", message: "no active turn to interrupt" });
    }
  }

  async #close(): Promise<void> {
    const stopped = this.interrupt();
    this.#mailbox.close();
    await stopped;
    await this.#scope.end({ reason: { kind: "closed" } });
    await this.#changes.close();
    this.#talk.close();
    this.#onClosed();
  }

  /** An error that nothing expects is a bug: it must end the process with its trace, not the conversation in silence. */
  #crash(error: unknown): void {
    queueMicrotask(() => {
      throw error;
    });
  }
}
