import type { EventMsg, Op } from "../../src/protocol/index.js";

type Json = Readonly<Record<string, unknown>>;

const text = { type: "text", text: "hi" };
const turn = { cwd: "/w", approval_policy: "on-request", sandbox_policy: { mode: "read-only" }, model: "m" };
const duration = { secs: 1, nanos: 5 };
const invocation = { server: "calc", tool: "add", arguments: { a: 1 } };
const changes = {
  "/w/a": { add: { content: "x\n" } },
  "/w/b": "delete",
  "/w/c": { update: { unified_diff: "@@ -1 +1 @@\n-a\n+b\n", move_path: null } },
  "/w/d": { update: { unified_diff: "@@ -1 +1 @@\n-a\n+b\n", move_path: "/w/e" } },
};

/** Samples of every op, less its `type`: the barest one and the fullest one. */
export const opSamples: Readonly<Record<Op["type"], readonly Json[]>> = {
  interrupt: [{}],
  user_input: [
    { items: [] },
    { items: [text, { type: "image", image_url: "data:," }, { type: "local_image", path: "/a.png" }] },
  ],
  user_turn: [
    { ...turn, items: [text] },
    { ...turn, items: [text], effort: "high", summary: "auto", final_output_json_schema: { type: "object" } },
    { ...turn, items: [text], effort: null, summary: null, final_output_json_schema: null },
  ],
  override_turn_context: [{}, { ...turn, effort: "xhigh", summary: "none" }, { cwd: null, model: null, effort: null }],
  exec_approval: [
    { id: "1", decision: "approved" },
    { id: "1", decision: { approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["npm", "test"] } } },
  ],
  patch_approval: [{ id: "1", decision: "abort" }],
  add_to_history: [{ text: "x" }],
  get_history_entry_request: [{ offset: 3, log_id: 12 }],
  list_mcp_tools: [{}],
  list_background_terminals: [{}],
  terminate_background_terminal: [{ process_id: "4711" }],
  clean_background_terminals: [{}],
  compact: [{}],
  undo: [{}, { turn: "3", call: "last", redo: false, on_conflict: "keep" }, { turn: null, redo: true }],
  shutdown: [{}],
};

/** Samples of every event, less its `type`: as the older protocol has it, and with what is ours. */
export const eventSamples: Readonly<Record<EventMsg["type"], readonly Json[]>> = {
  session_configured: [
    { session_id: "s", model: "m", history_log_id: 0, history_entry_count: 0 },
    {
      ...{ session_id: "s", model: "m", history_log_id: 1, history_entry_count: 2, rollout_path: "/r.jsonl" },
      sandbox: { mode: "read-only", level: "none", summary: "s", missing: ["install it"] },
    },
  ],
  task_started: [{}, { model_context_window: 1000 }],
  agent_message_delta: [{ delta: "d" }],
  agent_message: [{ message: "m" }],
  agent_reasoning_delta: [{ delta: "d" }],
  agent_reasoning: [{ text: "t" }],
  agent_reasoning_section_break: [{}],
  agent_reasoning_raw_content_delta: [{ delta: "d" }],
  agent_reasoning_raw_content: [{ text: "t" }],
  token_count: [
    { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    {
      input_tokens: 1,
      cached_input_tokens: null,
      output_tokens: 2,
      reasoning_output_tokens: 1,
      total_tokens: 3,
      conversation_total_tokens: 9,
      model_context_window: null,
    },
  ],
  exec_command_begin: [
    { call_id: "c", command: ["ls"], cwd: "/w", parsed_cmd: [{ Unknown: { cmd: "ls" } }] },
    {
      ...{ call_id: "c", command: ["ls"], cwd: "/w", parsed_cmd: [{ Unknown: { cmd: "ls" } }] },
      ...{ process_id: "4711", source: "unified_exec_startup", tty: true },
    },
  ],
  exec_command_output_delta: [
    { call_id: "c", stream: "stdout", chunk: [0, 128, 255] },
    { call_id: "c", stream: "stderr", chunk: [] },
  ],
  exec_command_end: [
    { call_id: "c", stdout: "o", stderr: "e", exit_code: -1, duration },
    { call_id: "c", stdout: "", stderr: "", exit_code: 0, duration, aggregated_output: "oe", end: "timed_out" },
    { call_id: "c", stdout: "", stderr: "", exit_code: 0, duration, kept: [{ pid: 2, command: ["gradle"] }] },
    {
      ...{ call_id: "c", stdout: "", stderr: "", exit_code: 0, duration },
      ...{ process_id: "4711", source: "unified_exec_startup" },
    },
  ],
  terminal_interaction: [{ call_id: "c", process_id: "4711", stdin: "q\n" }],
  background_terminals_response: [
    { terminals: [], stopped: [] },
    {
      terminals: [
        {
          ...{ call_id: "c", process_id: "4711", command: ["sleep", "9"], cwd: "/w", os_pid: 7, tty: false },
          ...{ sandbox_mode: "read-only", running_ms: 12 },
        },
      ],
      stopped: [{ call_id: "c", pid: 7, command: ["sleep", "9"], outcome: "killed", process_id: "4711" }],
    },
  ],
  exec_approval_request: [
    { call_id: "c", command: ["ls"], cwd: "/w" },
    { call_id: "c", command: ["ls"], cwd: "/w", reason: "because" },
    { call_id: "c", command: ["ls"], cwd: "/w", proposed_execpolicy_amendment: ["ls"] },
  ],
  apply_patch_approval_request: [
    { call_id: "c", changes: {} },
    { call_id: "c", changes, reason: null, grant_root: "/w" },
  ],
  patch_apply_begin: [{ call_id: "c", auto_approved: true, changes }],
  patch_apply_end: [{ call_id: "c", stdout: "", stderr: "", success: false }],
  turn_diff: [{ unified_diff: "diff --git a/a b/a\n" }],
  mcp_tool_call_begin: [
    { call_id: "c", invocation },
    { call_id: "c", invocation: { server: "a", tool: "b", arguments: null } },
  ],
  mcp_tool_call_end: [
    { call_id: "c", invocation, duration, result: { Ok: { content: [] } } },
    { call_id: "c", invocation, duration, result: { Err: "no" } },
  ],
  mcp_list_tools_response: [{ tools: {} }, { tools: { a__b: { name: "b" } } }],
  get_history_entry_response: [
    { offset: 0, log_id: 1 },
    { offset: 0, log_id: 1, entry: { session_id: "s", ts: 1, text: "t" } },
    { offset: 0, log_id: 1, entry: null },
  ],
  view_image_tool_call: [{ call_id: "c", path: "/p/a.png" }],
  plan_update: [
    { plan: [] },
    {
      explanation: "why",
      plan: [
        { step: "a", status: "completed" },
        { step: "b", status: "in_progress" },
        { step: "c", status: "pending" },
      ],
    },
  ],
  undo_started: [{}, { message: "undoing" }],
  undo_completed: [
    { success: true },
    {
      success: false,
      message: "m",
      turn: "1",
      call: "c",
      redo: true,
      files: ["/w/a"],
      conflicts: [{ path: "/w/b", why: "changed" }],
      lost: [{ path: "/w/c", why: "large" }],
    },
  ],
  background_event: [
    { message: "m" },
    { message: "m", call: { call_id: "c", name: "n", arguments: "{", status: "failed" } },
    { message: "m", call: { call_id: "c", name: "n", arguments: "{}", command: ["rm"], status: "declined" } },
  ],
  error: [{ message: "m" }],
  task_complete: [
    { last_agent_message: null },
    { last_agent_message: "done" },
    { last_agent_message: null, failed: true, unused_input: [[text]] },
    {
      last_agent_message: "done",
      processes: [{ call_id: "c", pid: 7, command: ["sleep", "9"], outcome: "kept", process_id: "4711" }],
    },
  ],
  turn_aborted: [
    { reason: "interrupted" },
    {
      reason: "replaced",
      calls: [{ call_id: "c", name: "shell", outcome: "cut" }],
      processes: [{ call_id: "c", pid: 7, command: ["sleep", "9"], outcome: "killed", exit_code: null }],
      changed_files: ["/w/a"],
      unused_input: [[text], []],
      lingering: ["turn/call"],
      stop_ms: 12,
    },
  ],
  shutdown_complete: [{}],
};

/** Samples of every response item, whole. */
export const itemSamples: readonly Json[] = [
  { type: "message", role: "user", content: [{ type: "input_text", text: "a" }] },
  {
    type: "message",
    id: "i",
    role: "assistant",
    status: "incomplete",
    content: [
      { type: "output_text", text: "b", annotations: [] },
      { type: "refusal", refusal: "no" },
    ],
  },
  { type: "message", role: "user", content: [{ type: "input_image", image_url: "data:,", detail: "low" }] },
  { type: "reasoning", summary: [] },
  {
    type: "reasoning",
    id: null,
    summary: [{ type: "summary_text", text: "s" }],
    content: [{ type: "reasoning_text", text: "r" }],
    encrypted_content: "e",
  },
  { type: "function_call", name: "f", arguments: "{", call_id: "c" },
  { type: "custom_tool_call", id: "i", name: "f", input: "x", call_id: "c" },
  { type: "function_call_output", call_id: "c", output: "o" },
  { type: "custom_tool_call_output", call_id: "c", output: [{ type: "input_text", text: "o" }] },
];
