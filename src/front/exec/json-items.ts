import { shellJoin } from "../../base/index.js";
import type { EventMsg, EventOf, FileChange, TerminalMsg, TokenUsage } from "../../protocol/index.js";
import { refusalOf } from "./format.js";
import { RunTokens } from "./run-tokens.js";
import type {
  AgentMessageItem,
  CommandItem,
  FileChangeItem,
  McpToolCallItem,
  ThreadEvent,
  ThreadItem,
  TodoListItem,
  Usage,
  Usages,
} from "./thread-events.js";

const NOTHING: readonly ThreadEvent[] = [];

type CallMsg = EventOf<
  | "exec_command_begin"
  | "exec_command_end"
  | "patch_apply_begin"
  | "patch_apply_end"
  | "mcp_tool_call_begin"
  | "mcp_tool_call_end"
>;

/** The events of one turn as thread events: what each comes to is a matter of the events alone. */
export class ThreadEvents {
  /** Items that were started and not completed, by call id; insertion order is print order. */
  readonly #open = new Map<string, ThreadItem>();
  readonly #tokens = new RunTokens();
  #items = 0;
  #plan: TodoListItem | undefined;
  #lastError: string | undefined;

  /** What to print for an event; terminal ones are for `end`. */
  take(msg: EventMsg): readonly ThreadEvent[] {
    switch (msg.type) {
      case "agent_message_delta":
      case "agent_reasoning_delta":
      case "agent_reasoning_raw_content_delta":
      case "agent_reasoning_section_break":
      case "exec_command_output_delta":
      case "turn_diff":
      // Nobody is there to be asked: the engine answers these itself.
      case "exec_approval_request":
      case "apply_patch_approval_request":
      case "undo_started":
      case "undo_completed":
      case "mcp_list_tools_response":
      case "background_terminals_response":
      case "get_history_entry_response":
      case "shutdown_complete":
      case "task_complete":
      case "turn_aborted":
        return NOTHING;
      case "session_configured":
        this.#tokens.begin(msg);
        return [{ type: "thread.started", thread_id: msg.session_id, ...sandboxOf(msg) }];
      case "task_started":
        return [{ type: "turn.started" }];
      case "agent_message":
        return this.#single(agentMessage(this.#nextId(), msg));
      case "agent_reasoning":
      case "agent_reasoning_raw_content":
        return this.#single({ id: this.#nextId(), type: "reasoning", text: msg.text });
      case "token_count":
        this.#tokens.count(msg);
        return NOTHING;
      case "exec_command_begin":
      case "exec_command_end":
      case "patch_apply_begin":
      case "patch_apply_end":
      case "mcp_tool_call_begin":
      case "mcp_tool_call_end":
        return this.#takeCall(msg);
      case "terminal_interaction":
        return this.#takeTyped(msg);
      case "view_image_tool_call":
        return this.#single({ id: this.#nextId(), type: "image_view", path: msg.path });
      case "plan_update":
        return this.#takePlan(msg);
      case "background_event":
        return this.#takeRefused(msg);
      case "error":
        this.#lastError = msg.message;
        return [{ type: "error", message: msg.message }];
      default:
        return msg satisfies never;
    }
  }

  /** The rest, with the terminal line last: every item that is still open, then how the turn ended. `failure` fails a completed turn. */
  end(msg: TerminalMsg, failure?: string): readonly ThreadEvent[] {
    const rest: ThreadEvent[] = [];
    for (const item of this.#open.values()) rest.push({ type: "item.completed", item: cutItem(item) });
    this.#open.clear();
    if (this.#plan !== undefined) rest.push({ type: "item.completed", item: this.#plan });
    if (msg.type === "turn_aborted") {
      const { type, ...receipt } = msg;
      rest.push({ type: "turn.aborted", ...receipt, ...this.#usages() });
    } else if (msg.failed === true || failure !== undefined) {
      const message = failure ?? this.#lastError ?? "the turn failed";
      rest.push({ type: "turn.failed", error: { message } });
    } else {
      rest.push({ type: "turn.completed", ...this.#usages() });
    }
    return rest;
  }

  #nextId(): string {
    return `item_${this.#items++}`;
  }

  #single(item: ThreadItem): readonly ThreadEvent[] {
    return [{ type: "item.completed", item }];
  }

  #start(callId: string, item: ThreadItem): readonly ThreadEvent[] {
    // A call id that is used again takes nothing from the item that had it before.
    const before = this.#open.get(callId);
    this.#open.set(callId, item);
    const started: ThreadEvent = { type: "item.started", item };
    return before === undefined ? [started] : [{ type: "item.completed", item: cutItem(before) }, started];
  }

  /** An end without a beginning is an item of its own: no action goes missing. */
  #complete(callId: string, end: (id: string, begun: ThreadItem | undefined) => ThreadItem): readonly ThreadEvent[] {
    const begun = this.#open.get(callId);
    this.#open.delete(callId);
    return this.#single(end(begun?.id ?? this.#nextId(), begun));
  }

  #usages(): Usages {
    const { total, run, isFirst } = this.#tokens;
    return { usage: usageOf(total), ...(isFirst ? {} : { run_usage: usageOf(run) }) };
  }

  #takeCall(msg: CallMsg): readonly ThreadEvent[] {
    const { call_id: callId } = msg;
    switch (msg.type) {
      case "exec_command_begin":
        return this.#start(callId, commandItem(this.#nextId(), msg.command));
      case "patch_apply_begin":
        return this.#start(callId, fileChangeItem(this.#nextId(), msg.changes));
      case "mcp_tool_call_begin":
        return this.#start(callId, mcpItem(this.#nextId(), msg));
      case "exec_command_end":
        return this.#complete(callId, (id, begun) => endedCommand(id, msg, begun));
      case "patch_apply_end":
        return this.#complete(callId, (id, begun) => endedPatch(id, msg, begun));
      case "mcp_tool_call_end":
        return this.#complete(callId, (id) => endedMcp(id, msg));
    }
  }

  #takePlan(msg: EventOf<"plan_update">): readonly ThreadEvent[] {
    const items = msg.plan.map(({ step, status }) => ({ text: step, completed: status === "completed" }));
    const type = this.#plan === undefined ? "item.started" : "item.updated";
    this.#plan = { id: this.#plan?.id ?? this.#nextId(), type: "todo_list", items };
    return [{ type, item: this.#plan }];
  }

  /** What was typed into a terminal, as a refused call of the tool is told; to have read it only is no action. */
  #takeTyped({ process_id: id, stdin }: EventOf<"terminal_interaction">): readonly ThreadEvent[] {
    if (stdin === "") return NOTHING;
    return this.#single({ ...commandItem(this.#nextId(), ["write_stdin", id, stdin]), status: "completed" });
  }

  #takeRefused({ call, message }: EventOf<"background_event">): readonly ThreadEvent[] {
    if (call === undefined) return this.#single({ id: this.#nextId(), type: "error", message });
    const { command, name, status } = call;
    const why = refusalOf(call, message);
    if (command === undefined) {
      return this.#single({ id: this.#nextId(), type: "error", message: `${name} (${status}): ${why}` });
    }
    return this.#complete(call.call_id, (id) => ({ ...commandItem(id, command), aggregated_output: why, status }));
  }
}

function agentMessage(id: string, { message: text, phase, partial }: EventOf<"agent_message">): AgentMessageItem {
  return {
    id,
    type: "agent_message",
    text,
    ...(phase === undefined ? {} : { phase }),
    ...(partial === undefined ? {} : { partial }),
  };
}

/** Providers tell nothing of what was written to their caches. */
function usageOf(tokens: TokenUsage): Usage {
  return {
    input_tokens: tokens.input_tokens,
    cached_input_tokens: tokens.cached_input_tokens,
    cache_write_input_tokens: 0,
    output_tokens: tokens.output_tokens,
    reasoning_output_tokens: tokens.reasoning_output_tokens,
  };
}

function sandboxOf({ sandbox }: EventOf<"session_configured">) {
  return sandbox === undefined ? {} : { sandbox };
}

function commandItem(id: string, command: readonly string[]): CommandItem {
  return {
    id,
    type: "command_execution",
    command: shellJoin(command),
    aggregated_output: "",
    exit_code: null,
    status: "in_progress",
  };
}

/** A command that was cut or never ran has no exit code of its own. */
function endedCommand(id: string, msg: EventOf<"exec_command_end">, begun: ThreadItem | undefined): CommandItem {
  const own = msg.end === undefined || msg.end === "exited" || msg.end === "signalled" || msg.end === "timed_out";
  return {
    ...(begun?.type === "command_execution" ? begun : commandItem(id, [])),
    aggregated_output: msg.aggregated_output ?? `${msg.stdout}${msg.stderr}`,
    exit_code: own ? msg.exit_code : null,
    status: own && msg.exit_code === 0 ? "completed" : "failed",
  };
}

function fileChangeItem(id: string, changes: Readonly<Record<string, FileChange>>): FileChangeItem {
  const list = Object.entries(changes).map(([path, change]) => ({ path, kind: kindOf(change) }));
  return { id, type: "file_change", changes: list, status: "in_progress" };
}

function kindOf(change: FileChange): "add" | "delete" | "update" {
  if (change === "delete") return "delete";
  return "add" in change ? "add" : "update";
}

function endedPatch(id: string, msg: EventOf<"patch_apply_end">, begun: ThreadItem | undefined): FileChangeItem {
  const item = begun?.type === "file_change" ? begun : fileChangeItem(id, {});
  if (msg.success) return { ...item, status: "completed" };
  return { ...item, status: "failed", error: { message: msg.stderr === "" ? msg.stdout : msg.stderr } };
}

function mcpItem(id: string, msg: EventOf<"mcp_tool_call_begin">): McpToolCallItem {
  const { server, tool, arguments: args } = msg.invocation;
  return {
    id,
    type: "mcp_tool_call",
    server,
    tool,
    arguments: args ?? null,
    result: null,
    error: null,
    status: "in_progress",
  };
}

function endedMcp(id: string, msg: EventOf<"mcp_tool_call_end">): McpToolCallItem {
  const item = mcpItem(id, { ...msg, type: "mcp_tool_call_begin" });
  if ("Err" in msg.result) return { ...item, error: { message: msg.result.Err }, status: "failed" };
  const failed = (msg.result.Ok as { isError?: unknown } | null)?.isError === true;
  return { ...item, result: msg.result.Ok ?? null, status: failed ? "failed" : "completed" };
}

/** An item whose end never came: the turn ended first. */
function cutItem(item: ThreadItem): ThreadItem {
  return "status" in item ? { ...item, status: "failed" } : item;
}
