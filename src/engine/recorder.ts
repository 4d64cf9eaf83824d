import { newId, shortened } from "../base/index.js";
import type { Config } from "../config/index.js";
import {
  type InputItem,
  type MessageItem,
  type ResponseItem,
  ROLLOUT_SCHEMA,
  type SessionMeta,
  type TerminalMsg,
  type TokenUsage,
  type TurnContext,
  textOf,
} from "../protocol/index.js";
import { type Lock, noteUse, type RolloutRecord, RolloutWriter, tryLock } from "../rollout/index.js";
import { remedyFor } from "./disk-remedy.js";
import type { Settings } from "./settings.js";
import type { EngineDeps } from "./types.js";

/**
 * What Codex shows of a message when it opens one of our files: up to so many characters are written a second time for it.
 * Its model is sent the items themselves, whole.
 */
const SHOWN = 500;
/** What turns run with is written again after so many lines, so that nobody has to read far for it. */
const CONTEXT_EVERY = 200;

interface Known {
  readonly context: { readonly context: TurnContext; readonly at: number } | undefined;
  readonly usage: TokenUsage | undefined;
}

/** Where the lines of a record go. `failure`: why they can't at this moment. */
export type RecordSink = Pick<
  RolloutWriter,
  "path" | "append" | "flush" | "close" | "failure" | "isGone" | "nextOrdinal"
>;

interface Init {
  readonly id: string;
  /** Undefined where the lines go elsewhere. */
  readonly home: string | undefined;
  readonly writer: RecordSink;
  readonly head: SessionMeta;
  /** Whether the file still needs its head. */
  readonly isNew: boolean;
  /** What the record has already, and need not be written again. */
  readonly known: Known;
  readonly lock: Lock | undefined;
  readonly deps: EngineDeps;
}

/** What a conversation writes to its session file, and the notices when that stops and when it works again. */
export class Recorder {
  readonly #id: string;
  readonly #home: string | undefined;
  readonly #head: SessionMeta;
  readonly #deps: EngineDeps;
  #writer: RecordSink;
  #lock: Lock | undefined;
  #meta: SessionMeta | undefined;
  #turn: { readonly id: string; readonly startedAt: number } | undefined;
  #lastText: string | undefined;
  #failing = false;
  #hasRestarted = false;
  /** What turns run with, as it was written last, and the ordinal of that line. */
  #context: { readonly text: string; readonly at: number } | undefined;
  #usage: TokenUsage | undefined;

  constructor({ id, home, writer, head, isNew, known, lock, deps }: Init) {
    this.#id = id;
    this.#home = home;
    this.#writer = writer;
    this.#lock = lock;
    this.#deps = deps;
    this.#head = head;
    this.#meta = isNew ? head : undefined;
    this.#usage = known.usage;
    if (known.context !== undefined) this.#context = { ...known.context, text: JSON.stringify(known.context.context) };
  }

  get path(): string {
    return this.#writer.path;
  }

  /** Items of the history; `submission`: what a user's message came from. */
  items(items: readonly ResponseItem[], submission?: string): void {
    for (const payload of items) {
      this.#write({ type: "response_item", payload, submission });
      if (payload.type === "message") this.#show(payload, submission !== undefined);
    }
  }

  /** A turn begins, by a submission. */
  turn(submission: string, settings: Settings, contextWindow: number | undefined): void {
    // What a client calls a submission need not be a name that no other turn of the session has.
    this.#turn = { id: newId(this.#deps), startedAt: this.#deps.clock.monotonic() };
    this.#lastText = undefined;
    const started = {
      type: "task_started",
      turn_id: this.#turn.id,
      model_context_window: contextWindow,
      submission,
    };
    this.#write({ type: "event_msg", payload: started }, ...this.#contextFor(settings));
  }

  /** Input that no model has seen yet: a crash must not lose it. */
  submitted(submission: string, items: readonly InputItem[]): void {
    this.#write({ type: "event_msg", payload: { type: "input_submitted", submission, items } });
  }

  compacted(replacement: readonly ResponseItem[]): void {
    // The summary is in the replacement; the field is Codex's.
    this.#write({ type: "compacted", payload: { message: "", replacement_history: replacement } });
    // Who goes on reads no further back than this, if all that is needed stands behind it.
    this.#context = undefined;
  }

  /** The history in the place of what was, but for what a model's server refused. */
  amended(replacement: readonly ResponseItem[]): void {
    this.#write({ type: "compacted", payload: { message: "", replacement_history: replacement, amended: true } });
    this.#context = undefined;
  }

  /** How many tokens requests took: the last one, and all of them. Written when it is more than what is on record. */
  usage({ last, total, window }: { last: TokenUsage; total: TokenUsage; window: number | undefined }): void {
    if (this.#usage?.total_tokens === total.total_tokens) return;
    this.#usage = total;
    const info = { total_token_usage: total, last_token_usage: last, model_context_window: window };
    this.#write({ type: "event_msg", payload: { type: "token_count", info } });
  }

  /** `turnId`: of a turn of another process. */
  terminal(msg: TerminalMsg, turnId?: string): void {
    const at = this.#deps.clock.now();
    const times = {
      turn_id: turnId ?? this.#turn?.id,
      completed_at: Math.floor(at / 1000),
      ...(this.#turn === undefined
        ? {}
        : { duration_ms: Math.round(this.#deps.clock.monotonic() - this.#turn.startedAt) }),
    };
    // A message that stands right before it need not be there twice.
    const isTwice = msg.type === "task_complete" && (msg.last_agent_message ?? this.#lastText) === this.#lastText;
    this.#write({
      type: "event_msg",
      payload: { ...msg, ...(isTwice ? { last_agent_message: undefined } : {}), ...times },
    });
    this.#turn = undefined;
  }

  async flush(): Promise<void> {
    const now = this.#deps.clock.now();
    this.#lock?.touch(now);
    await this.#writer.flush();
    if (this.#home !== undefined) noteUse(this.path, { home: this.#home, now });
  }

  /** Whether the session's file was removed while the conversation goes on. */
  get isGone(): boolean {
    return this.#writer.isGone;
  }

  /** Begins another file of the session in the place of one that is gone, with what the model knows. */
  async restart(items: readonly ResponseItem[], settings: Settings): Promise<void> {
    const home = this.#home;
    if (home === undefined) return;
    this.#writer.close();
    this.#writer = RolloutWriter.create({ home, id: this.#id, clock: this.#deps.clock });
    // The lock may have gone with its folder.
    this.#lock = ownLock(home, this.#id, this.#deps) ?? this.#lock;
    // It refers to no other session: all there is stands in it.
    const { history_base: _, forked_from_ordinal_exclusive: __, ...head } = this.#head;
    this.#meta = head;
    const usage = this.#usage;
    this.#context = undefined;
    this.#write(...this.#contextFor(settings));
    if (usage !== undefined) {
      this.#usage = undefined;
      this.usage({ last: usage, total: usage, window: undefined });
    }
    this.compacted(items);
    await this.#writer.flush();
    this.#failing = false;
    this.#hasRestarted = true;
  }

  /** What the user should know of the record since the last time: that it stopped, or goes on. */
  takeNotice(): string | undefined {
    const { failure } = this.#writer;
    const wasFailing = this.#failing;
    const hasRestarted = this.#hasRestarted;
    this.#failing = failure !== undefined;
    this.#hasRestarted = false;
    if (failure !== undefined && !wasFailing) {
      return `this conversation is no longer recorded on disk: ${failure}${this.#remedy(failure)}`;
    }
    if (failure !== undefined) return undefined;
    if (hasRestarted) {
      return `the file of this conversation was removed: another one has what the model knows so far, and goes on: ${this.path}`;
    }
    return wasFailing ? "this conversation is recorded on disk again" : undefined;
  }

  /** What helps, as far as that can be told. */
  #remedy(failure: string): string {
    const remedy = remedyFor(failure, this.#home ?? "");
    const later = "what is missing is written as soon as that works, while this conversation is open";
    return remedy === undefined ? "" : `; ${remedy}: ${later}`;
  }

  close(): void {
    this.#writer.close();
    this.#lock?.release();
  }

  #write(...records: readonly RolloutRecord[]): void {
    const meta = this.#meta;
    this.#meta = undefined;
    this.#writer.append(meta === undefined ? records : [{ type: "session_meta", payload: meta }, ...records]);
  }

  /** What a turn runs with, where the record does not say so already. */
  #contextFor(settings: Settings): RolloutRecord[] {
    const payload: TurnContext = {
      cwd: settings.cwd,
      approval_policy: settings.approvalPolicy,
      sandbox_policy: settings.sandboxPolicy,
      model: settings.model,
      effort: settings.effort,
      summary: settings.summary,
    };
    const text = JSON.stringify(payload);
    const at = this.#writer.nextOrdinal;
    const before = this.#context;
    if (at !== undefined && before?.text === text && at - before.at < CONTEXT_EVERY) return [];
    this.#context = at === undefined ? undefined : { text, at };
    return [{ type: "turn_context", payload }];
  }

  #show(message: MessageItem, typed: boolean): void {
    const text = textOf(message);
    if (message.role === "assistant") this.#lastText = text;
    else if (!typed) return;
    const shown = shortened(text, SHOWN);
    const id = `item_${this.#writer.nextOrdinal ?? 0}`;
    const item =
      message.role === "assistant"
        ? { type: "AgentMessage", id, content: [{ type: "Text", text: shown }] }
        : { type: "UserMessage", id, content: [{ type: "text", text: shown }] };
    const payload = { type: "item_completed", thread_id: this.#id, turn_id: this.#turn?.id, item };
    this.#write({ type: "event_msg", payload });
  }
}

/** The recorder of a new conversation: its file comes into being with the first line; with a `sink` there is none. */
export function recorderFor(init: {
  readonly id: string;
  readonly config: Config;
  readonly deps: EngineDeps;
  readonly sink?: RecordSink | undefined;
}): Recorder {
  const { id, config, deps, sink } = init;
  const { home } = config;
  const head = headOf(init);
  const known = { context: undefined, usage: undefined };
  const all = { id, head, isNew: true, known, deps };
  if (sink !== undefined) return new Recorder({ ...all, home: undefined, writer: sink, lock: undefined });
  const writer = RolloutWriter.create({ home, id, clock: deps.clock });
  return new Recorder({ ...all, home, writer, lock: ownLock(home, id, deps) });
}

/** The head of a session that has none yet. */
export function headOf({
  id,
  config,
  deps,
}: {
  readonly id: string;
  readonly config: Config;
  readonly deps: EngineDeps;
}): SessionMeta {
  return {
    id,
    timestamp: new Date(deps.clock.now()).toISOString(),
    cwd: config.cwd,
    originator: "belay",
    cli_version: deps.version,
    source: "exec",
    model_provider: config.provider.id,
    history_mode: "paginated",
    belay_schema: ROLLOUT_SCHEMA,
  };
}

/** Nobody else can have it: the id is new, or this process has had its lock so far. */
function ownLock(home: string, id: string, { clock }: EngineDeps): Lock | undefined {
  try {
    const taken = tryLock(home, id, clock.now());
    return taken.ok ? taken.lock : undefined;
  } catch {
    // A home that can't be written: nothing is recorded there either, which the first turn says.
    return undefined;
  }
}
