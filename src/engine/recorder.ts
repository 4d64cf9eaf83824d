import { dirname } from "node:path";
import { newId } from "../base/index.js";
import type { Config } from "../config/index.js";
import {
  type InputItem,
  type MessageItem,
  type ResponseItem,
  ROLLOUT_SCHEMA,
  type SessionMeta,
  type TerminalMsg,
  textOf,
} from "../protocol/index.js";
import { type Lock, type RolloutRecord, RolloutWriter, tryLock } from "../rollout/index.js";
import type { Settings } from "./settings.js";
import type { EngineDeps } from "./types.js";

/**
 * What Codex shows of a message when it opens one of our files: up to so many characters are written a second time for it.
 * Its model is sent the items themselves, whole.
 */
const SHOWN = 500;

/** Where the lines of a record go. `failure`: why they can't at this moment. */
export type RecordSink = Pick<RolloutWriter, "path" | "append" | "flush" | "close" | "failure" | "nextOrdinal">;

const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const NO_RIGHT: ReadonlySet<string> = new Set(["EROFS", "EACCES", "EPERM"]);

interface Init {
  readonly id: string;
  readonly writer: RecordSink;
  /** Undefined for a session that has its head. */
  readonly meta: SessionMeta | undefined;
  readonly lock: Lock | undefined;
  readonly deps: EngineDeps;
}

/** What a conversation writes to its session file, and the notices when that stops and when it works again. */
export class Recorder {
  readonly #id: string;
  readonly #writer: RecordSink;
  readonly #lock: Lock | undefined;
  readonly #deps: EngineDeps;
  #meta: SessionMeta | undefined;
  #turn: { readonly id: string; readonly startedAt: number } | undefined;
  #lastText: string | undefined;
  #failing = false;

  constructor({ id, writer, meta, lock, deps }: Init) {
    this.#id = id;
    this.#writer = writer;
    this.#meta = meta;
    this.#lock = lock;
    this.#deps = deps;
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
    const startedAt = this.#deps.clock.now();
    // What a client calls a submission need not be a name that no other turn of the session has.
    this.#turn = { id: newId(this.#deps), startedAt };
    this.#lastText = undefined;
    const started = {
      type: "task_started",
      turn_id: this.#turn.id,
      started_at: Math.floor(startedAt / 1000),
      model_context_window: contextWindow ?? null,
      submission,
    };
    this.#write(
      { type: "event_msg", payload: started },
      {
        type: "turn_context",
        payload: {
          turn_id: this.#turn.id,
          cwd: settings.cwd,
          approval_policy: settings.approvalPolicy,
          sandbox_policy: settings.sandboxPolicy,
          model: settings.model,
          effort: settings.effort,
          summary: settings.summary,
        },
      },
    );
  }

  /** Input that no model has seen yet: a crash must not lose it. */
  submitted(submission: string, items: readonly InputItem[]): void {
    this.#write({ type: "event_msg", payload: { type: "input_submitted", submission, items } });
  }

  compacted(replacement: readonly ResponseItem[]): void {
    // The summary is in the replacement; the field is Codex's.
    this.#write({ type: "compacted", payload: { message: "", replacement_history: replacement } });
  }

  /** `turnId`: of a turn of another process. */
  terminal(msg: TerminalMsg, turnId?: string): void {
    const at = this.#deps.clock.now();
    const times = {
      turn_id: turnId ?? this.#turn?.id,
      completed_at: Math.floor(at / 1000),
      ...(this.#turn === undefined ? {} : { duration_ms: Math.max(0, Math.round(at - this.#turn.startedAt)) }),
    };
    // A message that stands right before it need not be there twice.
    const said = msg.type === "task_complete" && msg.last_agent_message === this.#lastText;
    this.#write({
      type: "event_msg",
      payload: { ...msg, ...(said ? { last_agent_message: null } : {}), ...times },
    });
    this.#turn = undefined;
  }

  flush(): Promise<void> {
    this.#lock?.touch(this.#deps.clock.now());
    return this.#writer.flush();
  }

  /** What the user should know of the record since the last time: that it stopped, or goes on. */
  takeNotice(): string | undefined {
    const { failure } = this.#writer;
    const wasFailing = this.#failing;
    this.#failing = failure !== undefined;
    if (failure !== undefined && !wasFailing) {
      return `this conversation is no longer recorded on disk: ${failure}${this.#remedy(failure)}`;
    }
    if (failure === undefined && wasFailing) return "this conversation is recorded on disk again";
    return undefined;
  }

  /** What helps, where that is known by the name of the system's error. */
  #remedy(failure: string): string {
    const [code = ""] = failure.split(":");
    const place = dirname(this.#writer.path);
    const later = "what is missing is written as soon as that works, while this conversation is open";
    if (NO_SPACE.has(code)) return `; free space on the disk of ${place}: ${later}`;
    if (NO_RIGHT.has(code))
      return `; see to it that ${place} can be written (or set BELAY_HOME to another folder): ${later}`;
    return "";
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

  #show(message: MessageItem, typed: boolean): void {
    const text = textOf(message);
    if (message.role === "assistant") this.#lastText = text;
    else if (!typed) return;
    const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
    const id = `item_${this.#writer.nextOrdinal ?? 0}`;
    const item =
      message.role === "assistant"
        ? { type: "AgentMessage", id, content: [{ type: "Text", text: shown }] }
        : { type: "UserMessage", id, content: [{ type: "text", text: shown, text_elements: [] }] };
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
  const meta: SessionMeta = {
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
  if (sink !== undefined) return new Recorder({ id, writer: sink, meta, lock: undefined, deps });
  const writer = RolloutWriter.create({ home: config.home, id, clock: deps.clock });
  return new Recorder({ id, writer, meta, lock: ownLock(config.home, id, deps), deps });
}

/** Nobody else knows this id yet. */
function ownLock(home: string, id: string, { clock }: EngineDeps): Lock | undefined {
  try {
    const taken = tryLock(home, id, clock.now());
    return taken.ok ? taken.lock : undefined;
  } catch {
    // A home that can't be written: nothing is recorded there either, which the first turn says.
    return undefined;
  }
}
