import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ThreadEvents } from "../../src/front/exec/json-items.js";
import type { ThreadEvent } from "../../src/front/exec/thread-events.js";
import { type EventMsg, isTerminal } from "../../src/protocol/index.js";
import fc from "../support/fast-check.js";

function printed(msgs: readonly EventMsg[], failure?: string): readonly ThreadEvent[] {
  const thread = new ThreadEvents();
  return msgs.flatMap((msg) => [...thread.take(msg), ...(isTerminal(msg) ? thread.end(msg, failure) : [])]);
}

const duration = { secs: 0, nanos: 5e6 };
const bash = (script: string) => ["/bin/bash", "-lc", script];
const begin = (call_id: string, command: string[]): EventMsg => ({
  type: "exec_command_begin",
  call_id,
  command,
  cwd: "/w",
  parsed_cmd: [],
});
const end = (call_id: string, exit_code: number, aggregated_output: string): EventMsg => ({
  type: "exec_command_end",
  call_id,
  stdout: "",
  stderr: "",
  exit_code,
  duration,
  aggregated_output,
});
const done = (text: string | null): EventMsg => ({ type: "task_complete", last_agent_message: text });
const tokens: EventMsg = {
  type: "token_count",
  input_tokens: 100,
  cached_input_tokens: 10,
  output_tokens: 20,
  reasoning_output_tokens: 5,
  total_tokens: 120,
};
const usage = (times: number) => ({
  input_tokens: 100 * times,
  cached_input_tokens: 10 * times,
  cache_write_input_tokens: 0,
  output_tokens: 20 * times,
  reasoning_output_tokens: 5 * times,
});

describe("thread events", () => {
  it("print a turn as Codex does, with commands that overlap", () => {
    const changes = {
      "/w/a.txt": { update: { unified_diff: "@@ -1 +1 @@\n-a\n+b\n", move_path: null } },
      "/w/b.txt": "delete" as const,
      "/w/n.txt": { add: { content: "n\n" } },
    };
    const lines = printed([
      { type: "session_configured", session_id: "t1", model: "m", history_log_id: 0, history_entry_count: 0 },
      { type: "task_started" },
      { type: "agent_reasoning", text: "**Plan** think" },
      { type: "agent_message_delta", delta: "I will " },
      { type: "agent_message", message: "I will look" },
      begin("c1", bash("echo out; echo err >&2; exit 2")),
      { type: "exec_command_output_delta", call_id: "c1", stream: "stdout", chunk: Uint8Array.of(111) },
      end("c1", 2, "out\nerr\n"),
      tokens,
      { type: "patch_apply_begin", call_id: "p", auto_approved: true, changes },
      { type: "patch_apply_end", call_id: "p", stdout: "", stderr: "", success: true },
      begin("c2", bash("sleep 0.5; echo two")),
      begin("c3", ["ls", "a b"]),
      end("c3", 0, "three\n"),
      end("c2", 0, "two\n"),
      tokens,
      { type: "agent_message", message: "final" },
      done("final"),
    ]);
    const command = (id: string, text: string) => ({
      id,
      type: "command_execution",
      command: text,
      aggregated_output: "",
      exit_code: null,
      status: "in_progress",
    });
    const first = command("item_2", "/bin/bash -lc 'echo out; echo err >&2; exit 2'");
    const second = command("item_4", "/bin/bash -lc 'sleep 0.5; echo two'");
    const third = command("item_5", "ls 'a b'");
    const patch = {
      id: "item_3",
      type: "file_change",
      changes: [
        { path: "/w/a.txt", kind: "update" },
        { path: "/w/b.txt", kind: "delete" },
        { path: "/w/n.txt", kind: "add" },
      ],
      status: "in_progress",
    };
    assert.deepEqual(lines, [
      { type: "thread.started", thread_id: "t1" },
      { type: "turn.started" },
      { type: "item.completed", item: { id: "item_0", type: "reasoning", text: "**Plan** think" } },
      { type: "item.completed", item: { id: "item_1", type: "agent_message", text: "I will look" } },
      { type: "item.started", item: first },
      {
        type: "item.completed",
        item: { ...first, aggregated_output: "out\nerr\n", exit_code: 2, status: "failed" },
      },
      { type: "item.started", item: patch },
      { type: "item.completed", item: { ...patch, status: "completed" } },
      { type: "item.started", item: second },
      { type: "item.started", item: third },
      { type: "item.completed", item: { ...third, aggregated_output: "three\n", exit_code: 0, status: "completed" } },
      { type: "item.completed", item: { ...second, aggregated_output: "two\n", exit_code: 0, status: "completed" } },
      { type: "item.completed", item: { id: "item_6", type: "agent_message", text: "final" } },
      { type: "turn.completed", usage: usage(2) },
    ]);
  });

  it("complete what a stop left open, then give the receipt", () => {
    const lines = printed([
      begin("c1", ["sleep", "9"]),
      tokens,
      {
        type: "turn_aborted",
        reason: "interrupted",
        calls: [{ call_id: "c1", name: "shell", outcome: "cut" }],
        changed_files: ["/w/a"],
        stop_ms: 7,
      },
    ]);
    assert.equal(lines.length, 3);
    assert.deepEqual(lines[1], {
      type: "item.completed",
      item: {
        id: "item_0",
        type: "command_execution",
        command: "sleep 9",
        aggregated_output: "",
        exit_code: null,
        status: "failed",
      },
    });
    assert.deepEqual(lines[2], {
      type: "turn.aborted",
      reason: "interrupted",
      calls: [{ call_id: "c1", name: "shell", outcome: "cut" }],
      changed_files: ["/w/a"],
      stop_ms: 7,
      usage: usage(1),
    });
  });

  it("give a command that was cut or never ran no exit code", () => {
    for (const how of ["cancelled", "not_started"] as const) {
      const lines = printed([begin("c", ["x"]), { ...end("c", -1, "so far"), end: how } as EventMsg]);
      const item = lines[1]?.type === "item.completed" ? lines[1].item : undefined;
      assert.deepEqual(item, {
        id: "item_0",
        type: "command_execution",
        command: "x",
        aggregated_output: "so far",
        exit_code: null,
        status: "failed",
      });
    }
  });

  it("show refused commands and unknown tools as items", () => {
    const call = { call_id: "c", name: "shell", arguments: "{}" };
    const lines = printed([
      { type: "background_event", message: "rejected", call: { ...call, command: ["rm", "x"], status: "declined" } },
      { type: "background_event", message: "fly: no such tool", call: { ...call, name: "fly", status: "failed" } },
      { type: "background_event", message: "retrying" },
    ]);
    assert.deepEqual(
      lines.map((line) => (line.type === "item.completed" ? line.item : line)),
      [
        {
          id: "item_0",
          type: "command_execution",
          command: "rm x",
          aggregated_output: "rejected",
          exit_code: null,
          status: "declined",
        },
        { id: "item_1", type: "error", message: "fly (failed): no such tool" },
        { id: "item_2", type: "error", message: "retrying" },
      ],
    );
  });

  it("tell what was typed into a terminal, and images that were looked at, but not what was only read", () => {
    const typed = (stdin: string): EventMsg => ({ type: "terminal_interaction", call_id: "c", process_id: "7", stdin });
    const looked: EventMsg = { type: "view_image_tool_call", call_id: "d", path: "/w/a.png" };
    assert.deepEqual(
      printed([typed(""), typed("rm x\n"), looked]).map((line) => (line.type === "item.completed" ? line.item : line)),
      [
        {
          id: "item_0",
          type: "command_execution",
          command: "write_stdin 7 'rm x\n'",
          aggregated_output: "",
          exit_code: null,
          status: "completed",
        },
        { id: "item_1", type: "image_view", path: "/w/a.png" },
      ],
    );
  });

  it("keep one to-do list, completed at the end", () => {
    const plan = (status: "pending" | "completed"): EventMsg => ({
      type: "plan_update",
      plan: [{ step: "s", status }],
    });
    const list = (completed: boolean) => ({ id: "item_0", type: "todo_list", items: [{ text: "s", completed }] });
    assert.deepEqual(printed([plan("pending"), plan("completed"), done(null)]), [
      { type: "item.started", item: list(false) },
      { type: "item.updated", item: list(true) },
      { type: "item.completed", item: list(true) },
      { type: "turn.completed", usage: usage(0) },
    ]);
  });

  it("fail a turn with its last error, or with what was wrong with its answer", () => {
    const failed: EventMsg = { type: "task_complete", last_agent_message: null, failed: true };
    assert.deepEqual(printed([{ type: "error", message: "401: bad key" }, failed]), [
      { type: "error", message: "401: bad key" },
      { type: "turn.failed", error: { message: "401: bad key" } },
    ]);
    assert.deepEqual(printed([done("{}")], "does not match"), [
      { type: "turn.failed", error: { message: "does not match" } },
    ]);
  });

  it("tell results and failures of MCP tools and patches", () => {
    const invocation = { server: "s", tool: "t", arguments: { a: 1 } };
    const mcpBegin: EventMsg = { type: "mcp_tool_call_begin", call_id: "m", invocation };
    const mcpEnd = (result: { Ok: unknown } | { Err: string }): EventMsg => ({
      type: "mcp_tool_call_end",
      call_id: "m",
      invocation,
      duration,
      result: result as { Ok: unknown },
    });
    const last = (msgs: readonly EventMsg[]) => {
      const line = printed(msgs).at(-1);
      return line?.type === "item.completed" ? (line.item as unknown as Record<string, unknown>) : {};
    };
    const ok = last([mcpBegin, mcpEnd({ Ok: { content: [] } })]);
    assert.deepEqual([ok.status, ok.result, ok.error], ["completed", { content: [] }, null]);
    assert.equal(last([mcpBegin, mcpEnd({ Ok: { content: [], isError: true } })]).status, "failed");
    assert.deepEqual(last([mcpBegin, mcpEnd({ Err: "gone" })]).error, { message: "gone" });
    const patch = last([
      { type: "patch_apply_begin", call_id: "p", auto_approved: true, changes: { "/w/a": "delete" } },
      { type: "patch_apply_end", call_id: "p", stdout: "", stderr: "no such file", success: false },
    ]);
    assert.deepEqual([patch.status, patch.error], ["failed", { message: "no such file" }]);
  });

  it("complete every item once, number them in order, and end with the terminal line, whatever comes", () => {
    const callId = fc.constantFrom("a", "b", "c");
    const msg = fc.oneof(
      callId.map((id) => begin(id, ["x"])),
      callId.map((id) => end(id, 0, "")),
      callId.map((call_id): EventMsg => ({ type: "patch_apply_begin", call_id, auto_approved: true, changes: {} })),
      fc.constant<EventMsg>({ type: "agent_message", message: "m" }),
      fc.constant<EventMsg>({ type: "plan_update", plan: [] }),
      callId.map(
        (call_id): EventMsg => ({
          type: "background_event",
          message: "no",
          call: { call_id, name: "shell", arguments: "", command: ["x"], status: "declined" },
        }),
      ),
    );
    const last = fc.constantFrom<EventMsg>(done(null), { type: "turn_aborted", reason: "interrupted" });
    fc.assert(
      fc.property(fc.array(msg, { maxLength: 40 }), last, (msgs, terminal) => {
        const lines = printed([...msgs, terminal]);
        const open = new Set<string>();
        const completed = new Set<string>();
        const ids: string[] = [];
        for (const line of lines) {
          if (!("item" in line)) continue;
          const { id } = line.item;
          assert.ok(!completed.has(id), `${id} goes on after its end`);
          if (!open.has(id)) ids.push(id);
          if (line.type === "item.completed") {
            completed.add(id);
            open.delete(id);
          } else open.add(id);
        }
        assert.equal(open.size, 0);
        assert.deepEqual(
          ids,
          ids.map((_, n) => `item_${n}`),
        );
        assert.match(lines.at(-1)?.type ?? "", /^turn\.(completed|aborted)$/);
      }),
    );
  });

  it("do nothing for deltas", () => {
    const thread = new ThreadEvents();
    const first = thread.take({ type: "agent_message_delta", delta: "a" });
    assert.equal(first.length, 0);
    assert.equal(thread.take({ type: "agent_reasoning_delta", delta: "b" }), first);
  });
});
