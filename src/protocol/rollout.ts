import * as v from "valibot";
import { type TokenUsage, tokenUsageSchema } from "./event.js";
import type { ResponseItem } from "./item.js";
import { type InputItem, inputItemSchema } from "./op.js";
import {
  type AskForApproval,
  askForApprovalSchema,
  type ReasoningEffort,
  type ReasoningSummary,
  reasoningEffortSchema,
  reasoningSummarySchema,
  type SandboxPolicy,
  sandboxPolicySchema,
} from "./policy.js";
import { decodeRecordedItem } from "./recorded-item.js";

/**
 * Lines of session files, as Codex 0.169 names them. Files of Codex 0.23 (bare items, no envelope), of 0.169 in both of its
 * modes and all of our own are read; what is written is the last of ours. Fields marked "ours" are additions that Codex
 * passes over.
 */

/** Of our files; 0 had neither ordinals nor this field. Counts up when a reader has to know. */
export const ROLLOUT_SCHEMA = 1;

/** Where the history of a fork begins: all lines of another session below an ordinal, which end at a byte of its file. */
const historyBase = v.object({
  thread_id: v.string(),
  end_ordinal_exclusive: v.number(),
  end_byte_offset: v.optional(v.number()),
});

const text = v.optional(v.nullable(v.string()));

const sessionMetaSchema = v.object({
  id: v.string(),
  /** ISO 8601, UTC. */
  timestamp: v.string(),
  cwd: text,
  originator: text,
  cli_version: text,
  /** `exec`, `cli`, ...; an object for the sub-agents of Codex. */
  source: v.optional(v.unknown()),
  model_provider: text,
  /** `paginated`: every line has its ordinal. */
  history_mode: text,
  forked_from_id: text,
  forked_from_ordinal_exclusive: v.optional(v.nullable(v.number())),
  history_base: v.optional(v.nullable(historyBase)),
  git: v.optional(v.nullable(v.looseObject({ branch: text, commit_hash: text }))),
  /** Ours. */
  belay_schema: v.optional(v.number()),
});

/** What turns run with, from one such line to the next. On disk the sandbox's mode is called `type`. */
export interface TurnContext {
  readonly cwd: string | undefined;
  readonly approval_policy: AskForApproval | undefined;
  readonly sandbox_policy: SandboxPolicy | undefined;
  readonly model: string | undefined;
  readonly effort: ReasoningEffort | undefined;
  readonly summary: ReasoningSummary | undefined;
}

/** Ours: a text that is kept in a file of its own; `at` is its place in the payload (`content/0/image_url`). */
const blobRefSchema = v.object({
  at: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  bytes: v.number(),
});

export type SessionMeta = v.InferOutput<typeof sessionMetaSchema>;
export type HistoryBase = v.InferOutput<typeof historyBase>;
export type BlobRef = v.InferOutput<typeof blobRefSchema>;

/** An event on record: only its type is known for sure. */
export type RecordedEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What one line says. */
export type RolloutItem =
  | { readonly type: "session_meta"; readonly payload: SessionMeta }
  | { readonly type: "turn_context"; readonly payload: TurnContext }
  | { readonly type: "response_item"; readonly payload: ResponseItem }
  | {
      readonly type: "compacted";
      readonly payload: {
        readonly message: string;
        /** Missing in files of older programs: then it is the user's messages so far, and the summary. */
        readonly replacement_history?: readonly ResponseItem[] | undefined;
        /** Ours: no summary, but the history without what a model's server refused. */
        readonly amended?: boolean | undefined;
      };
    }
  | { readonly type: "event_msg"; readonly payload: RecordedEvent };

/** One line as it was read. */
export interface RolloutLine {
  /** ISO 8601; "" in files of Codex 0.23. */
  readonly timestamp: string;
  readonly ordinal: number | undefined;
  readonly item: RolloutItem;
  readonly blobs: readonly BlobRef[];
  /** Ours: which submission a user message came from. */
  readonly submission: string | undefined;
}

/** Ours: input that was given while a turn ran, before any model saw it. */
export interface InputSubmitted {
  readonly type: "input_submitted";
  readonly submission: string;
  readonly items: readonly InputItem[];
}

/** `foreign`: a whole line that says nothing we know of. Undefined: no line of a session file at all. */
export type DecodedLine = { readonly kind: "line"; readonly line: RolloutLine } | { readonly kind: "foreign" };

/** The blobs that a line's JSON refers to. */
export function blobRefsOf(value: Readonly<Record<string, unknown>>): BlobRef[] {
  return value.blobs === undefined ? [] : (parsed(v.array(blobRefSchema), value.blobs) ?? []);
}

/** Takes a line's JSON; `fill` puts the texts of blobs in their places before shapes are checked. */
export function decodeRolloutLine(
  value: unknown,
  fill: (payload: unknown, blobs: readonly BlobRef[]) => unknown = (payload) => payload,
): DecodedLine | undefined {
  if (!isRecord(value)) return undefined;
  const { type, payload, timestamp } = value;
  if (!isRecord(payload)) return decodeBare(value);
  if (typeof type !== "string") return undefined;
  const known = blobRefsOf(value);
  const item = decodeItem(type, known.length === 0 ? payload : fill(payload, known));
  if (item === undefined) return { kind: "foreign" };
  return {
    kind: "line",
    line: {
      timestamp: typeof timestamp === "string" ? timestamp : "",
      ordinal: typeof value.ordinal === "number" && Number.isSafeInteger(value.ordinal) ? value.ordinal : undefined,
      item,
      blobs: known,
      submission: typeof value.submission === "string" ? value.submission : undefined,
    },
  };
}

function decodeItem(type: string, payload: unknown): RolloutItem | undefined {
  if (!isRecord(payload)) return undefined;
  switch (type) {
    case "session_meta": {
      const meta = v.safeParse(sessionMetaSchema, payload);
      return meta.success ? { type, payload: meta.output } : undefined;
    }
    case "turn_context":
      return { type, payload: decodeContext(payload) };
    case "response_item": {
      const item = decodeRecordedItem(payload);
      return item === undefined ? undefined : { type, payload: item };
    }
    case "compacted":
      return decodeCompacted(payload);
    case "event_msg":
      return typeof payload.type === "string" ? { type, payload: payload as RecordedEvent } : undefined;
    default:
      return undefined;
  }
}

/** A field that can't be read counts as not there: the others still hold. */
function decodeContext(payload: Readonly<Record<string, unknown>>): TurnContext {
  const sandbox = isRecord(payload.sandbox_policy) ? payload.sandbox_policy : {};
  return {
    cwd: stringOf(payload.cwd),
    approval_policy: parsed(askForApprovalSchema, payload.approval_policy),
    sandbox_policy: parsed(sandboxPolicySchema, { ...sandbox, mode: sandbox.mode ?? sandbox.type }),
    model: stringOf(payload.model),
    effort: parsed(reasoningEffortSchema, payload.effort),
    summary: parsed(reasoningSummarySchema, payload.summary),
  };
}

function decodeCompacted(payload: Readonly<Record<string, unknown>>): RolloutItem | undefined {
  const { message, replacement_history: replacement, amended } = payload;
  if (!Array.isArray(replacement)) {
    return typeof message === "string" ? { type: "compacted", payload: { message } } : undefined;
  }
  const items = replacement.flatMap((item) => (isRecord(item) ? (decodeRecordedItem(item) ?? []) : []));
  const told = { message: stringOf(message) ?? "", replacement_history: items };
  return { type: "compacted", payload: amended === true ? { ...told, amended } : told };
}

/** Codex 0.23: the first line is the head, items stand bare, and `record_type` lines mark batches. */
function decodeBare(value: Readonly<Record<string, unknown>>): DecodedLine | undefined {
  if (value.record_type !== undefined) return { kind: "foreign" };
  const { id, timestamp, type } = value;
  const envelope = { timestamp: "", ordinal: undefined, blobs: [], submission: undefined };
  if (type === undefined && typeof id === "string" && typeof timestamp === "string") {
    const meta = v.safeParse(sessionMetaSchema, { id, timestamp, git: value.git });
    return meta.success
      ? { kind: "line", line: { ...envelope, timestamp, item: { type: "session_meta", payload: meta.output } } }
      : undefined;
  }
  if (typeof type !== "string") return undefined;
  const item = decodeRecordedItem(value);
  return item === undefined
    ? { kind: "foreign" }
    : { kind: "line", line: { ...envelope, item: { type: "response_item", payload: item } } };
}

/** The input a recorded event holds under `key`, one element a submission; what is no input is left out. */
export function recordedInput(event: RecordedEvent, key: "items" | "unused_input"): (readonly InputItem[])[] {
  const lists = key === "items" ? [event.items] : event.unused_input;
  if (!Array.isArray(lists)) return [];
  return lists.flatMap((list) => {
    const items = parsed(v.array(inputItemSchema), list);
    return items === undefined || items.length === 0 ? [] : [items];
  });
}

/** What a recorded `token_count` says of all requests so far; `line`: the line of an event that was not taken apart. */
export function recordedUsage({ info, line }: RecordedEvent): TokenUsage | undefined {
  if (typeof line === "string") {
    const { payload } = JSON.parse(line) as { readonly payload: RecordedEvent };
    return recordedUsage({ type: payload.type, info: payload.info });
  }
  return isRecord(info) ? parsed(tokenUsageSchema, info.total_token_usage) : undefined;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function parsed<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : undefined;
}
