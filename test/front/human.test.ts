import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HumanLines } from "../../src/front/exec/human.js";
import { makeStyle, sanitise, wantsColor } from "../../src/front/host/index.js";
import { type EventMsg, isTerminal } from "../../src/protocol/index.js";
import fc from "../support/fast-check.js";

const plain = makeStyle(false);

function shown(msgs: readonly EventMsg[], style = plain): string {
  const lines = new HumanLines({ style, cwd: "/w", here: "/w" });
  return msgs.map((msg) => (isTerminal(msg) ? lines.end(msg) : lines.take(msg))).join("");
}

const begin = (call_id: string, ...command: string[]): EventMsg => ({
  type: "exec_command_begin",
  call_id,
  command,
  cwd: "/w",
  parsed_cmd: [],
});
const end = (call_id: string, exit_code: number, output: string): EventMsg => ({
  type: "exec_command_end",
  call_id,
  stdout: output,
  stderr: "",
  exit_code,
  duration: { secs: 1, nanos: 250_000_000 },
});
const done = (text: string | null): EventMsg => ({ type: "task_complete", last_agent_message: text });

describe("human lines", () => {
  it("name an image that the model was shown", () => {
    const looked: EventMsg = { type: "view_image_tool_call", call_id: "d", path: "/w/sub/a\u001b.png" };
    assert.equal(shown([looked]), `image sub/${sanitise("a\u001b.png")}\n`);
  });

  it("tell a turn as it goes, without its final message", () => {
    const text = shown([
      { type: "agent_reasoning", text: "hm" },
      { type: "agent_message", message: "I will look" },
      begin("c", "bash", "-lc", "make test"),
      end("c", 2, "out\nerr\n"),
      {
        type: "token_count",
        input_tokens: 12345,
        cached_input_tokens: 45,
        output_tokens: 6,
        reasoning_output_tokens: 2,
        total_tokens: 0,
      },
      {
        type: "plan_update",
        explanation: "why",
        plan: [
          { step: "s1", status: "completed" },
          { step: "s2", status: "in_progress" },
          { step: "s3", status: "pending" },
        ],
      },
      { type: "background_event", message: "retrying in 2s" },
      { type: "agent_message", message: "final" },
      done("final"),
    ]);
    assert.equal(
      text,
      [
        "thinking",
        "hm",
        "belay",
        "I will look",
        "exec bash -lc 'make test' in /w",
        "bash -lc 'make test' exited 2 in 1.25s:",
        "out",
        "err",
        "plan why",
        "  [x] s1",
        "  [>] s2",
        "  [ ] s3",
        "retrying in 2s",
        "tokens: 12,345 in (45 cached), 6 out (2 reasoning)",
        "",
      ].join("\n"),
    );
  });

  it("keep head and tail of a long output, and cut long lines", () => {
    const output = Array.from({ length: 1000 }, (_, n) => `line ${n}`).join("\n");
    const lines = shown([begin("c", "x"), end("c", 0, output)]).split("\n");
    assert.equal(lines.length, 1 + 1 + 20 + 1);
    assert.equal(lines[2], "line 0");
    assert.equal(lines[12], "… 981 lines left out …");
    assert.equal(lines[21], "line 999");
    const long = shown([begin("c", "x"), end("c", 0, "y".repeat(100_000))]);
    assert.ok(long.length < 1000);
    assert.match(long, /99,600 more/);
  });

  it("colour patches line by line", () => {
    const changes = {
      "/w/a.txt": { update: { unified_diff: "@@ -1 +1 @@\n-a\n+b\n", move_path: "/w/sub/b.txt" } },
      "/etc/x": "delete" as const,
      "/w/n": { add: { content: "1\n2\n" } },
    };
    const patch: EventMsg = { type: "patch_apply_begin", call_id: "p", auto_approved: true, changes };
    assert.equal(shown([patch]), "patch\nM a.txt -> sub/b.txt\n@@ -1 +1 @@\n-a\n+b\nD /etc/x\nA n\n+1\n+2\n");
    assert.match(shown([patch], makeStyle(true)), /\x1b\[32m\+b\x1b\[39m/);
    const failed: EventMsg = {
      type: "patch_apply_end",
      call_id: "p",
      stdout: "",
      stderr: "no match\n",
      success: false,
    };
    assert.equal(shown([failed]), "patch failed: no match\n");
  });

  it("say how a turn stopped", () => {
    const text = shown([
      { type: "agent_message", message: "half way" },
      begin("c", "sleep", "9"),
      {
        type: "turn_aborted",
        reason: "interrupted",
        calls: [
          { call_id: "c", name: "shell", outcome: "cut" },
          { call_id: "d", name: "apply_patch", outcome: "not_started" },
          { call_id: "b", name: "shell", outcome: "done" },
        ],
        processes: [
          { call_id: "c", pid: 7, command: ["sleep", "9"], outcome: "killed" },
          { call_id: "c", pid: 8, command: ["daemon"], outcome: "may_survive" },
        ],
        changed_files: ["/w/a.txt"],
        unused_input: [[{ type: "text", text: "and\nthen" }]],
        lingering: ["turn/drain"],
        stop_ms: 12,
      },
    ]);
    assert.equal(
      text,
      [
        "belay",
        "half way",
        "exec sleep 9 in /w",
        "turn interrupted (stopped in 12ms)",
        "  cut:",
        "    shell",
        "  not started:",
        "    apply_patch",
        "  killed:",
        "    7 sleep 9",
        "  may still be running:",
        "    8 daemon",
        "    turn/drain",
        "  files changed:",
        "    a.txt",
        "  they stay so; belay undo takes all of it back, belay undo --call c only what the cut call did",
        "  input that no model has seen:",
        "    and then",
        "",
      ].join("\n"),
    );
  });

  it("show the message of a turn that failed, for it is not final", () => {
    const failed: EventMsg = { type: "task_complete", last_agent_message: null, failed: true };
    const text = shown([{ type: "agent_message", message: "half" }, { type: "error", message: "boom" }, failed]);
    assert.equal(text, "belay\nhalf\nerror: boom\n");
  });

  it("let no control character of a model or a command through", () => {
    const evil = "\x1b]0;x\x07a\rb\u202ec\u009b31m";
    const texts: EventMsg[] = [
      { type: "agent_message", message: evil },
      { type: "agent_reasoning", text: evil },
      begin(evil, evil),
      { ...begin("c", "x"), cwd: evil } as EventMsg,
      end("c", 1, evil),
      { type: "patch_apply_begin", call_id: "p", auto_approved: true, changes: { [evil]: { add: { content: evil } } } },
      { type: "patch_apply_end", call_id: "p", stdout: evil, stderr: "", success: false },
      { type: "plan_update", explanation: evil, plan: [{ step: evil, status: "pending" }] },
      { type: "background_event", message: evil, call: { call_id: "k", name: evil, arguments: "", status: "failed" } },
      { type: "mcp_tool_call_begin", call_id: "m", invocation: { server: evil, tool: evil, arguments: { a: evil } } },
      { type: "error", message: evil },
      {
        type: "turn_aborted",
        reason: "interrupted",
        changed_files: [evil],
        unused_input: [[{ type: "text", text: evil }]],
      },
    ];
    const unsafe = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/;
    for (const msg of texts) assert.doesNotMatch(shown([msg, begin("z", "x")]), unsafe, msg.type);
    assert.equal(sanitise("a\x1b[0m\r\n\tb\u202e"), "a\\x1b[0m\n\tb\\u202e");
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !unsafe.test(sanitise(text))));
  });
});

describe("colours", () => {
  const on = (env: Record<string, string>, isTTY: boolean) => wantsColor("auto", { env, isTTY });
  it("follow the terminal, NO_COLOR, FORCE_COLOR and the flag", () => {
    assert.equal(on({}, true), true);
    assert.equal(on({}, false), false);
    assert.equal(on({ NO_COLOR: "1" }, true), false);
    assert.equal(on({ NO_COLOR: "" }, true), true);
    assert.equal(on({ FORCE_COLOR: "1" }, false), true);
    assert.equal(on({ FORCE_COLOR: "0" }, false), false);
    assert.equal(on({ TERM: "dumb" }, true), false);
    assert.equal(wantsColor("always", { env: { NO_COLOR: "1" }, isTTY: false }), true);
    assert.equal(wantsColor("never", { env: { FORCE_COLOR: "1" }, isTTY: true }), false);
  });
});
