import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Config } from "../../src/config/index.js";
import { decideCommand, decidePatch } from "../../src/engine/tools/decision.js";
import { isReadingCommand } from "../../src/engine/tools/shell-command.js";
import type { EventMsg, EventOf, SandboxPolicy } from "../../src/protocol/index.js";
import { call, type Step, text } from "../support/model-server.js";
import { openTalk, scratch } from "../support/talk.js";
import { WALLED } from "../support/walls.js";

/** One call in a turn of its own: its output, and what was told of it. */
async function tryCall(step: Step, overrides: Partial<Config> = {}, prepare: (cwd: string) => void = () => {}) {
  const { server, talk } = await openTalk(overrides);
  prepare(talk.cwd);
  server.enqueue(step, text("ok"));
  await talk.end(talk.say("go"));
  const output = server.requests[1]!.outputOf("call_0_0") ?? "";
  const input = server.requests[1]!.input;
  const events = talk.events.map((event) => event.msg);
  await talk.close();
  await server.close();
  return { output, input, events };
}

function only<T extends EventMsg["type"]>(events: readonly EventMsg[], type: T): EventOf<T> {
  const found = events.filter((msg): msg is EventOf<T> => msg.type === type);
  assert.equal(found.length, 1, `${found.length} events ${type}`);
  return found[0]!;
}

test("shell runs a program without a shell between", async () => {
  const { output, events } = await tryCall(call("shell", { command: ["printf", "%s|", "$HOME", "a b"] }));
  assert.match(output, /Exit code: 0\n.*\nOutput:\n\$HOME\|a b\|$/);
  assert.deepEqual(only(events, "exec_command_begin").command, ["printf", "%s|", "$HOME", "a b"]);
});

test("exec_command runs a script in the user's shell, both streams in order, with its exit code", async () => {
  const { output, events } = await tryCall(call("exec_command", { cmd: "echo a; sleep 0.1; echo b >&2; exit 3" }));
  assert.match(output, /^Exit code: 3\n.*\nOutput:\na\nb\n$/);
  const end = only(events, "exec_command_end");
  assert.deepEqual([end.stdout, end.stderr, end.exit_code], ["a\n", "b\n", 3]);
});

test("a time limit is said with what to do about it", async () => {
  const { output, events } = await tryCall(call("exec_command", { cmd: "echo begun; sleep 20", timeout_ms: 150 }));
  assert.match(output, /^Timed out after 150 ms and was killed, with its children\. Set timeout_ms[\s\S]*begun/);
  assert.equal(only(events, "exec_command_end").end, "timed_out");
});

test("long output keeps head and tail within the budget and says how much was cut; events carry all of it", async () => {
  const { output, events } = await tryCall(call("exec_command", { cmd: "seq 1 20000", max_output_tokens: 100 }));
  assert.match(output, /Output:\n1\n2\n/);
  assert.match(output, /…\d+ tokens \(\d+ bytes of 108894\) cut…/);
  assert.match(output, /\n19999\n20000\n$/);
  assert.ok(output.length < 700);
  const chunks = events.flatMap((msg) => (msg.type === "exec_command_output_delta" ? [msg.chunk.length] : []));
  assert.equal(
    chunks.reduce((sum, length) => sum + length, 0),
    108894,
  );
});

test("a missing folder or program is told plainly", async () => {
  const { output } = await tryCall(call("exec_command", { cmd: "true", workdir: "no/such" }));
  assert.match(output, /^Not started: .*no\/such.*does not exist/);
  const program = await tryCall(call("shell", { command: ["no-such-program"] }));
  assert.match(program.output, /^Not started: .*no-such-program.*not found/);
});

test("background children end with their command, and the model is told", async () => {
  const { output } = await tryCall(call("exec_command", { cmd: "sleep 30 & echo hi" }));
  assert.match(output, /left running in the background were stopped[\s\S]*hi/);
});

/** The user's environment without the programs a sandbox is made of. */
const BARE = { commandEnv: { PATH: "/nowhere", HOME: "/", SHELL: "/bin/sh" } };

test("a command that can't be confined is refused under never, with the reason, and shows as declined", async () => {
  const { output, events } = await tryCall(call("exec_command", { cmd: "echo > made" }), {
    sandboxPolicy: { mode: "read-only" },
    ...BARE,
  });
  assert.match(output, /the command was not run\. sandbox mode read-only can't be kept here: .*install bubblewrap/);
  const told = only(events, "background_event");
  assert.equal(told.call?.status, "declined");
  assert.equal(told.call?.command?.at(-1), "echo > made");
  assert.ok(!events.some((msg) => msg.type === "exec_command_begin"));
});

test("in read-only and workspace-write commands run within walls (needs bubblewrap)", WALLED, async () => {
  const cmd =
    "exec 2>&1; echo in > inside; echo out > $HOME/outside; ls inside $HOME/outside; echo mode=$BELAY_SANDBOX";
  const readOnly = await tryCall(call("exec_command", { cmd }), { sandboxPolicy: { mode: "read-only" } });
  assert.match(readOnly.output, /inside.*[Nn]o such[\s\S]*outside.*[Nn]o such[\s\S]*mode=read-only\n$/);
  const sandboxPolicy: SandboxPolicy = {
    mode: "workspace-write",
    writable_roots: [],
    network_access: false,
    exclude_tmpdir_env_var: true,
    exclude_slash_tmp: true,
  };
  const workspace = await tryCall(call("exec_command", { cmd }), { sandboxPolicy });
  assert.match(workspace.output, /outside.*[Nn]o such[\s\S]*\ninside\n[\s\S]*mode=workspace-write\n$/);
});

test("under on-request a model may ask to leave the walls; denied it stays in (needs bubblewrap)", WALLED, async () => {
  const { server, talk } = await openTalk({ approvalPolicy: "on-request", sandboxPolicy: { mode: "read-only" } });
  const escalated = { cmd: "echo x > made", sandbox_permissions: "require_escalated", justification: "to write" };
  server.enqueue([call("exec_command", escalated, "no"), call("exec_command", escalated, "yes")], text("ok"));
  const turn = talk.say("go");
  const asked = await talk.until("exec_approval_request", (msg) => msg.call_id === "no");
  assert.equal(asked.reason, "to write — it would run outside of the sandbox (read-only)");
  talk.conversation.submit({ type: "exec_approval", id: "no", decision: "denied" });
  await talk.until("exec_approval_request", (msg) => msg.call_id === "yes");
  assert.equal(existsSync(join(talk.cwd, "made")), false);
  talk.conversation.submit({ type: "exec_approval", id: "yes", decision: "approved" });
  await talk.end(turn);
  assert.equal(existsSync(join(talk.cwd, "made")), true);
  await talk.close();
  await server.close();
});

test(
  "a file that tools obey and that a command made is told to the model and the user (needs bubblewrap)",
  WALLED,
  async () => {
    const sandboxPolicy: SandboxPolicy = {
      mode: "workspace-write",
      writable_roots: [],
      network_access: false,
      exclude_tmpdir_env_var: true,
      exclude_slash_tmp: true,
    };
    const { output, events } = await tryCall(call("exec_command", { cmd: "mkdir .vscode" }), { sandboxPolicy });
    assert.match(output, /Note: .*\.vscode/);
    assert.match(only(events, "background_event").message, /\.vscode.*before you trust this folder/);
  },
);

const PATCH = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch";

test("a patch inside the writable roots is applied in workspace-write, one outside is refused under never", async () => {
  const policy: SandboxPolicy = {
    mode: "workspace-write",
    writable_roots: [],
    network_access: false,
    exclude_tmpdir_env_var: true,
    exclude_slash_tmp: true,
  };
  const inside = await tryCall(call("apply_patch", { input: PATCH }), { sandboxPolicy: policy });
  assert.equal(only(inside.events, "patch_apply_end").success, true);
  const elsewhere = scratch();
  const linked = await tryCall(
    call("apply_patch", { input: PATCH.replace("new.txt", "link/new.txt") }),
    { sandboxPolicy: policy },
    (cwd) => symlinkSync(elsewhere.path, join(cwd, "link")),
  );
  assert.match(linked.output, /^patch rejected: it writes outside/);
  assert.equal(existsSync(join(elsewhere.path, "new.txt")), false);
  elsewhere.dispose();
});

test("in workspace-write a patch may not write what makes git or an agent run things", async () => {
  const policy: SandboxPolicy = {
    mode: "workspace-write",
    writable_roots: [],
    network_access: false,
    exclude_tmpdir_env_var: false,
    exclude_slash_tmp: false,
  };
  const settings = [".codex/config.toml", ".agents/x", ".belay/x", ".vscode/tasks.json", ".idea/x"];
  for (const path of [".git/hooks/pre-commit", "sub/.GIT/config", "sub/.vscode/tasks.json", "husky/x", ...settings]) {
    const { output } = await tryCall(
      call("apply_patch", { input: PATCH.replace("new.txt", path) }),
      { sandboxPolicy: policy },
      (cwd) => {
        // Hooks may lie in the project: what commands can't write there, patches don't either.
        for (const name of [".git", ".git/objects", ".git/refs", "husky"])
          mkdirSync(join(cwd, name), { recursive: true });
        writeFileSync(join(cwd, ".git/HEAD"), "ref: refs/heads/main\n");
        writeFileSync(join(cwd, ".git/config"), "[core]\n\thooksPath = husky\n");
      },
    );
    assert.match(output, /^patch rejected: it writes outside/, path);
  }
  // The home folder is wherever the user put it, and the rules in it are the user's.
  const elsewhere = scratch();
  const [settingsFolder, project] = ["settings", "settings/project"].map((name) => join(elsewhere.path, name));
  mkdirSync(project!, { recursive: true });
  for (const [cwd, path, fits] of [
    [elsewhere.path, "settings/rules.toml", false],
    [elsewhere.path, "settings/sessions/x.jsonl", false],
    [elsewhere.path, "new.txt", true],
    [project!, "../rules.toml", false],
    [project!, "new.txt", true],
  ] as const) {
    const overrides = { cwd, home: settingsFolder!, sandboxPolicy: policy };
    const { output } = await tryCall(call("apply_patch", { input: PATCH.replace("new.txt", path) }), overrides);
    assert.equal(!output.startsWith("patch rejected"), fits, output);
  }
  elsewhere.dispose();
  const plain = await tryCall(call("apply_patch", { input: PATCH.replace("new.txt", ".github/x") }), {
    sandboxPolicy: policy,
  });
  assert.equal(only(plain.events, "patch_apply_end").success, true);
});

test("a patch is refused in read-only mode, and one that does not fit names what it looked for", async () => {
  const refused = await tryCall(call("apply_patch", { input: PATCH }), { sandboxPolicy: { mode: "read-only" } });
  assert.match(refused.output, /^patch rejected: the sandbox mode is read-only/);
  const unfit = "*** Begin Patch\n*** Update File: a.txt\n@@\n-nothing like it\n+x\n*** End Patch";
  const { output } = await tryCall(call("apply_patch", { input: unfit }), {}, (cwd) =>
    writeFileSync(join(cwd, "a.txt"), "one\n"),
  );
  assert.match(output, /^the patch does not apply, nothing was changed: .*a\.txt/s);
  assert.match(output, /nothing like it/);
});

test("view_image sends the image to the model, and says what is none", async () => {
  const png = Buffer.from("89504e470d0a1a0a0000", "hex");
  const seen = await tryCall(call("view_image", { path: "sub/a.png" }), {}, (cwd) => {
    mkdirSync(join(cwd, "sub"));
    writeFileSync(join(cwd, "sub/a.png"), png);
  });
  const output = seen.input.find((item) => item.type === "function_call_output");
  assert.deepEqual(output?.output, [
    { type: "input_image", image_url: `data:image/png;base64,${png.toString("base64")}`, detail: "auto" },
  ]);
  assert.match(only(seen.events, "view_image_tool_call").path, /^\/.*\/sub\/a\.png$/);
  const none = await tryCall(call("view_image", { path: "a.txt" }), {}, (cwd) =>
    writeFileSync(join(cwd, "a.txt"), "text"),
  );
  assert.match(none.output, /a\.txt is not an image/);
  assert.deepEqual(
    none.events.filter(({ type }) => type === "view_image_tool_call"),
    [],
  );
});

test("update_plan shows the plan", async () => {
  const plan = [{ step: "look", status: "in_progress" }];
  const { output, events } = await tryCall(call("update_plan", { plan }));
  assert.equal(output, "Plan updated");
  assert.deepEqual(only(events, "plan_update").plan, plan);
});

test("the decision table of commands and patches", () => {
  const modes: readonly SandboxPolicy[] = [
    { mode: "read-only" },
    {
      mode: "workspace-write",
      writable_roots: [],
      network_access: false,
      exclude_tmpdir_env_var: false,
      exclude_slash_tmp: false,
    },
    { mode: "danger-full-access" },
  ];
  const verdict = { kind: "none", walled: false, reason: "" } as const;
  const plain = { granted: false, verdict, escalated: false, unconfinable: undefined };
  const rows = (["untrusted", "on-failure", "on-request", "never"] as const).map((approvalPolicy) =>
    modes.map((sandboxPolicy) => {
      const policies = { approvalPolicy, sandboxPolicy };
      const command = (known: Partial<typeof plain> | { unconfinable: string }) =>
        decideCommand(policies, { ...plain, ...known }).kind;
      const commands = [command({}), command({ escalated: true }), command({ unconfinable: "no walls" })];
      return [
        ...commands,
        decidePatch(policies, { inside: true }).kind,
        decidePatch(policies, { inside: false }).kind,
      ].join(" ");
    }),
  );
  // A plain command, one that asks to leave the walls, one where there are none; a patch inside the roots, and outside.
  assert.deepEqual(rows, [
    ["ask ask ask ask ask", "ask ask ask ask ask", "ask ask ask ask ask"],
    ["confine ask ask run ask", "confine ask ask run ask", "run run run run run"],
    ["confine ask ask run ask", "confine ask ask run ask", "run run run run run"],
    ["confine confine refuse run refuse", "confine confine refuse run refuse", "run run run run run"],
  ]);
  const granted = { ...plain, granted: true };
  assert.equal(
    decideCommand({ approvalPolicy: "untrusted", sandboxPolicy: { mode: "read-only" } }, granted).kind,
    "run",
  );
});

test("only what surely changes nothing may run beside others", () => {
  const script = (cmd: string) => ["/bin/sh", "-c", cmd];
  for (const argv of [["ls"], script("cat a b"), script("sleep 1"), script("grep -rn x src")])
    assert.ok(isReadingCommand(argv), argv.join(" "));
  for (const argv of [
    script("echo x > f"),
    script("ls; rm f"),
    script("cat $(x)"),
    script("find . -delete"),
    script("ls\nrm f"),
    script("rg --pre x"),
    ["rm", "f"],
    script("date -s x"),
    script(""),
    [],
    script("FOO=1 ls"),
    script("ls & rm x"),
  ]) {
    assert.ok(!isReadingCommand(argv), argv.join(" "));
  }
});
