import type { LevelReport, TurnAborted } from "../../protocol/index.js";

/** What `belay exec --json` prints, one a line: the thread events of Codex 0.169. Fields marked "ours" are additions. */
export type ThreadEvent =
  /** Ours: `sandbox`, as in `session_configured`. */
  | { readonly type: "thread.started"; readonly thread_id: string; readonly sandbox?: LevelReport }
  | { readonly type: "turn.started" }
  | { readonly type: "item.started" | "item.updated" | "item.completed"; readonly item: ThreadItem }
  | ({ readonly type: "turn.completed" } & Usages)
  | { readonly type: "turn.failed"; readonly error: { readonly message: string } }
  /** Ours: the terminal line of a turn that was stopped, with the receipt of the stop. */
  | ({ readonly type: "turn.aborted" } & Usages & Omit<TurnAborted, "type">)
  | { readonly type: "error"; readonly message: string };

/** `usage`: of the whole thread. Ours: `run_usage`, of this run alone, where there were others before. */
export interface Usages {
  readonly usage: Usage;
  readonly run_usage?: Usage;
}

/** Tokens, summed. */
export interface Usage {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_output_tokens: number;
}

/** `id` counts up within one run. */
export type ThreadItem =
  | AgentMessageItem
  | { readonly id: string; readonly type: "reasoning"; readonly text: string }
  | { readonly id: string; readonly type: "error"; readonly message: string }
  /** Ours: the model was shown an image file. */
  | { readonly id: string; readonly type: "image_view"; readonly path: string }
  | CommandItem
  | FileChangeItem
  | TodoListItem
  | McpToolCallItem;

export interface AgentMessageItem {
  readonly id: string;
  readonly type: "agent_message";
  readonly text: string;
  /** Ours: `commentary` on the way, or `final_answer`, where the model says. */
  readonly phase?: string;
  /** Ours: the text was cut before its end. */
  readonly partial?: boolean;
}

export interface CommandItem {
  readonly id: string;
  readonly type: "command_execution";
  /** For a shell to read. */
  readonly command: string;
  /** Of a refused command: why. */
  readonly aggregated_output: string;
  readonly exit_code: number | null;
  readonly status: "in_progress" | "completed" | "failed" | "declined";
}

export interface FileChangeItem {
  readonly id: string;
  readonly type: "file_change";
  readonly changes: readonly { readonly path: string; readonly kind: "add" | "delete" | "update" }[];
  readonly status: "in_progress" | "completed" | "failed";
  /** Ours: why it failed. */
  readonly error?: { readonly message: string };
}

export interface TodoListItem {
  readonly id: string;
  readonly type: "todo_list";
  readonly items: readonly { readonly text: string; readonly completed: boolean }[];
}

export interface McpToolCallItem {
  readonly id: string;
  readonly type: "mcp_tool_call";
  readonly server: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly result: unknown;
  readonly error: { readonly message: string } | null;
  readonly status: "in_progress" | "completed" | "failed";
}
