import * as v from "valibot";
import { inputItemSchema } from "./op.js";
import { fileChangeSchema, sandboxLevelSchema } from "./policy.js";

/** The event half of the queue pair (Codex 0.23 `codex proto`). Fields marked "ours" are additions its clients ignore. */

const callId = { call_id: v.string() };
const duration = v.object({ secs: v.number(), nanos: v.number() });
const changes = v.record(v.string(), fileChangeSchema);
const optionalString = v.optional(v.nullable(v.string()));
const optionalCount = v.optional(v.nullable(v.number()));
const invocation = v.object({ server: v.string(), tool: v.string(), arguments: v.optional(v.unknown()) });

/** What became of one tool call of a turn. */
export const callOutcomeSchema = v.object({
  ...callId,
  name: v.string(),
  outcome: v.picklist(["done", "cut", "not_started"]),
});

/**
 * What became of a process that a call of the turn started. `killed`: by us, and with it all that is known to have come
 * from it. `may_survive`: its own group is dead, but what left that group can't be proven dead on this platform. `kept`: it
 * goes on: a terminal, whichever turn started it, or what the settings let commands leave running.
 */
export const processOutcomeSchema = v.object({
  ...callId,
  pid: v.number(),
  command: v.array(v.string()),
  outcome: v.picklist(["exited", "killed", "may_survive", "kept"]),
  /** Of a terminal: the id that the model knows it by. */
  process_id: v.optional(v.string()),
  exit_code: v.optional(v.nullable(v.number())),
});

/** A command that runs on beyond the call that started it; `call_id` is that call's. */
export const terminalSchema = v.object({
  ...callId,
  /** The id that the model knows it by. */
  process_id: v.string(),
  command: v.array(v.string()),
  cwd: v.string(),
  os_pid: v.optional(v.nullable(v.number())),
  tty: v.boolean(),
  sandbox_mode: v.picklist(["danger-full-access", "read-only", "workspace-write"]),
  /** Ms since its start. */
  running_ms: v.number(),
});

/** Of commands that may become terminals, as in Codex 0.169; others have none of it. */
const inTerminal = {
  process_id: v.optional(v.nullable(v.string())),
  source: v.optional(v.nullable(v.picklist(["agent", "unified_exec_startup"]))),
};

const typed = <const T extends string, const E extends v.ObjectEntries>(type: T, entries: E) =>
  v.object({ type: v.literal(type), ...entries });

/** A turn that did not end by itself. All but `reason` is ours: the receipt of the stop. */
const pathWithReason = v.object({ path: v.string(), why: v.string() });

const turnAborted = typed("turn_aborted", {
  reason: v.picklist(["interrupted", "replaced"]),
  calls: v.optional(v.array(callOutcomeSchema)),
  processes: v.optional(v.array(processOutcomeSchema)),
  /** Absolute paths of the files that the turn's calls changed, cut ones too. */
  changed_files: v.optional(v.array(v.string())),
  /** Input that was typed during the turn and that no model has seen: each element one submission. */
  unused_input: v.optional(v.array(v.array(inputItemSchema))),
  /** Parts of the turn that had not stopped within the bound. */
  lingering: v.optional(v.array(v.string())),
  /** Ms from the request to stop to this event. */
  stop_ms: v.optional(v.number()),
  /** The program was killed while the turn ran: this was found, and told, when the session was opened again. */
  killed: v.optional(v.boolean()),
});

/** What was said before a conversation was resumed. */
const historyMsg = v.variant("type", [
  typed("user_message", { message: v.string(), images: v.optional(v.array(v.string())) }),
  typed("agent_message", { message: v.string() }),
  typed("agent_reasoning", { text: v.string() }),
]);

/** Tokens, summed. */
export const tokenUsageSchema = v.object({
  input_tokens: v.number(),
  cached_input_tokens: v.number(),
  output_tokens: v.number(),
  reasoning_output_tokens: v.number(),
  total_tokens: v.number(),
});

export type TokenUsage = v.InferOutput<typeof tokenUsageSchema>;

export const NO_TOKENS: TokenUsage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
  reasoning_output_tokens: 0,
  total_tokens: 0,
};

export function addTokens(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    input_tokens: one.input_tokens + other.input_tokens,
    cached_input_tokens: one.cached_input_tokens + other.cached_input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    reasoning_output_tokens: one.reasoning_output_tokens + other.reasoning_output_tokens,
    total_tokens: one.total_tokens + other.total_tokens,
  };
}

export const eventMsgSchema = v.variant("type", [
  typed("session_configured", {
    session_id: v.string(),
    model: v.string(),
    history_log_id: v.number(),
    history_entry_count: v.number(),
    /** Ours: the session file, when the conversation is recorded. */
    rollout_path: v.optional(v.string()),
    /** Of a resumed conversation. */
    initial_messages: v.optional(v.nullable(v.array(historyMsg))),
    /** Ours: input that was typed and that no model has seen; one element a submission. */
    unused_input: v.optional(v.array(v.array(inputItemSchema))),
    /** Ours: what keeps commands to their sandbox mode on this machine. */
    sandbox: v.optional(sandboxLevelSchema),
    /** Ours, of a resumed conversation: the tokens that its record tells of. */
    conversation_usage: v.optional(tokenUsageSchema),
  }),
  typed("task_started", { model_context_window: optionalCount }),
  typed("agent_message_delta", { delta: v.string() }),
  typed("agent_message", {
    message: v.string(),
    /** Ours: `commentary` on the way, or `final_answer`, as the model says. */
    phase: v.optional(v.string()),
    /** Ours: the text was cut before its end. */
    partial: v.optional(v.boolean()),
  }),
  typed("agent_reasoning_delta", { delta: v.string() }),
  typed("agent_reasoning", { text: v.string() }),
  typed("agent_reasoning_section_break", {}),
  typed("agent_reasoning_raw_content_delta", { delta: v.string() }),
  typed("agent_reasoning_raw_content", { text: v.string() }),
  typed("token_count", {
    input_tokens: v.number(),
    cached_input_tokens: optionalCount,
    output_tokens: v.number(),
    reasoning_output_tokens: optionalCount,
    total_tokens: v.number(),
    /** Ours: sums over the conversation, and the window of the model, in tokens. */
    conversation_total_tokens: v.optional(v.number()),
    model_context_window: optionalCount,
  }),
  typed("exec_command_begin", {
    ...callId,
    command: v.array(v.string()),
    cwd: v.string(),
    parsed_cmd: v.array(v.record(v.string(), v.unknown())),
    ...inTerminal,
    /** Ours: whether it has a pseudo-terminal. */
    tty: v.optional(v.boolean()),
  }),
  typed("exec_command_output_delta", {
    ...callId,
    stream: v.picklist(["stdout", "stderr"]),
    /** On the wire an array of byte values. */
    chunk: v.pipe(
      v.array(v.number()),
      v.check(
        (bytes) => bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255),
        "expected bytes, 0 to 255",
      ),
      v.transform((bytes): Uint8Array => Uint8Array.from(bytes)),
    ),
  }),
  typed("exec_command_end", {
    ...callId,
    stdout: v.string(),
    stderr: v.string(),
    exit_code: v.number(),
    duration,
    ...inTerminal,
    /** Ours: both streams as they came, head and tail, and why there is no ordinary exit code. */
    aggregated_output: v.optional(v.string()),
    end: v.optional(v.picklist(["exited", "signalled", "timed_out", "cancelled", "not_started"])),
    /** Ours: what it left running, where the settings allow that. */
    kept: v.optional(v.array(v.object({ pid: v.number(), command: v.array(v.string()) }))),
  }),
  /** The model has read a terminal, and typed `stdin` into it before (as in Codex 0.169); `call_id` is of the call that started it. */
  typed("terminal_interaction", { ...callId, process_id: v.string(), stdin: v.string() }),
  /** Ours: the answer to the ops about terminals. `terminals` run now; `stopped` is what this op stopped. */
  typed("background_terminals_response", {
    terminals: v.array(terminalSchema),
    stopped: v.array(processOutcomeSchema),
  }),
  typed("exec_approval_request", {
    ...callId,
    command: v.array(v.string()),
    cwd: v.string(),
    reason: optionalString,
    /** As in `exec_command_begin` (Codex 0.153). */
    parsed_cmd: v.optional(v.array(v.record(v.string(), v.unknown()))),
    /** The words of an `allow` rule that would end the asking (Codex 0.169); absent when no good one is known. */
    proposed_execpolicy_amendment: v.optional(v.nullable(v.array(v.string()))),
  }),
  typed("apply_patch_approval_request", {
    ...callId,
    changes,
    reason: optionalString,
    grant_root: optionalString,
  }),
  typed("patch_apply_begin", { ...callId, auto_approved: v.boolean(), changes }),
  typed("patch_apply_end", { ...callId, stdout: v.string(), stderr: v.string(), success: v.boolean() }),
  typed("turn_diff", { unified_diff: v.string() }),
  typed("mcp_tool_call_begin", { ...callId, invocation }),
  typed("mcp_tool_call_end", {
    ...callId,
    invocation,
    duration,
    result: v.union([v.object({ Ok: v.unknown() }), v.object({ Err: v.string() })]),
  }),
  typed("mcp_list_tools_response", { tools: v.record(v.string(), v.unknown()) }),
  typed("get_history_entry_response", {
    offset: v.number(),
    log_id: v.number(),
    entry: v.optional(v.nullable(v.object({ session_id: v.string(), ts: v.number(), text: v.string() }))),
  }),
  /** Of Codex versions after 0.23: the model was shown an image file; `path` is absolute. */
  typed("view_image_tool_call", { ...callId, path: v.string() }),
  typed("plan_update", {
    explanation: optionalString,
    plan: v.array(v.object({ step: v.string(), status: v.picklist(["pending", "in_progress", "completed"]) })),
  }),
  typed("undo_started", { message: v.optional(v.nullable(v.string())) }),
  typed("undo_completed", {
    success: v.boolean(),
    message: v.optional(v.nullable(v.string())),
    /** Ours: the turn, the call if it was that alone, and the undo that was taken back, if it was a redo. */
    turn: v.optional(v.string()),
    call: v.optional(v.string()),
    redo: v.optional(v.boolean()),
    /** Ours, absolute paths: what is as it was before now; what was changed since; what can't be brought back. */
    files: v.optional(v.array(v.string())),
    conflicts: v.optional(v.array(pathWithReason)),
    lost: v.optional(v.array(pathWithReason)),
  }),
  typed("background_event", {
    message: v.string(),
    /** Ours: the tool call this speaks of, when it was refused, unknown or malformed and so has no events of its own. */
    call: v.optional(
      v.object({
        ...callId,
        name: v.string(),
        arguments: v.string(),
        command: v.optional(v.array(v.string())),
        status: v.picklist(["failed", "declined"]),
      }),
    ),
  }),
  typed("error", { message: v.string() }),
  typed("task_complete", {
    last_agent_message: optionalString,
    /** Ours: as in turn_aborted, when the turn failed before it could use the input. */
    unused_input: v.optional(v.array(v.array(inputItemSchema))),
    /** Ours: the turn ended by an error, sent just before. */
    failed: v.optional(v.boolean()),
    /** Ours: the processes that run on; left out when there are none. */
    processes: v.optional(v.array(processOutcomeSchema)),
  }),
  turnAborted,
  typed("shutdown_complete", {}),
]);

export const eventSchema = v.object({ id: v.string(), msg: eventMsgSchema });

export type CallOutcome = v.InferOutput<typeof callOutcomeSchema>;
export type ProcessOutcome = v.InferOutput<typeof processOutcomeSchema>;
export type TerminalInfo = v.InferOutput<typeof terminalSchema>;
export type TurnAborted = v.InferOutput<typeof turnAborted>;
export type HistoryMsg = v.InferOutput<typeof historyMsg>;
export type TurnAbortReason = TurnAborted["reason"];
export type EventMsg = v.InferOutput<typeof eventMsgSchema>;
/** `id` is that of the submission that started the turn, or "" outside one. */
export type Event = v.InferOutput<typeof eventSchema>;
export type EventOf<T extends EventMsg["type"]> = Extract<EventMsg, { type: T }>;

/** The one event that ends a turn. */
export type TerminalMsg = EventOf<"task_complete"> | EventOf<"turn_aborted">;

export function isTerminal(msg: EventMsg): msg is TerminalMsg {
  return msg.type === "task_complete" || msg.type === "turn_aborted";
}

/** An event as one JSON line, without its line feed. */
export function encodeEvent(event: Event): string {
  const { msg } = event;
  if (msg.type !== "exec_command_output_delta") return JSON.stringify(event);
  const { chunk, ...rest } = msg;
  const head = JSON.stringify({ id: event.id, msg: rest });
  return `${head.slice(0, -2)},"chunk":[${chunk.join(",")}]}}`;
}
