import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decideTyping } from "../../src/engine/tools/typing.js";
import type { SandboxPolicy } from "../../src/protocol/index.js";
import { call, text } from "../support/model-server.js";
import { WALLED } from "../support/walls.js";
import { type Desk, deskTest } from "./desk.js";

const FULL: SandboxPolicy = { mode: "danger-full-access" };
const READ: SandboxPolicy = { mode: "read-only" };
const WORK = {
  ...{ mode: "workspace-write", writable_roots: [], network_access: false },
  ...{ exclude_tmpdir_env_var: false, exclude_slash_tmp: false },
} as SandboxPolicy & { mode: "workspace-write" };
const NETWORK: SandboxPolicy = { ...WORK, network_access: true };

describe("who may type into a terminal", () => {
  const asks = (
    approval: "untrusted" | "on-request" | "never",
    now: SandboxPolicy,
    terminal: SandboxPolicy,
    cwd = "/w",
  ) =>
    decideTyping(
      { approvalPolicy: approval, sandboxPolicy: now, cwd },
      { policy: terminal, place: { cwd: "/w", home: "/h" } },
      { kind: "none", reason: "" },
    ).kind;

  test("under untrusted everything asks", () => {
    const all = [FULL, WORK, READ];
    const kinds = all.flatMap((now) => all.map((there) => asks("untrusted", now, there)));
    assert.deepEqual(new Set(kinds), new Set(["ask"]));
  });

  test("free where a command could do as much unasked; else a person is asked, or it is refused", () => {
    const free: readonly (readonly [SandboxPolicy, SandboxPolicy])[] = [
      [FULL, FULL],
      [FULL, WORK],
      [FULL, READ],
      [WORK, WORK],
      [WORK, READ],
      [NETWORK, READ],
      [READ, READ],
    ];
    for (const [now, there] of free) assert.equal(asks("never", now, there), "run");
    const wider: readonly (readonly [SandboxPolicy, SandboxPolicy])[] = [
      [WORK, FULL],
      [WORK, NETWORK],
      [WORK, { ...WORK, writable_roots: ["/x"] }],
      [READ, FULL],
      [READ, WORK],
    ];
    for (const [now, there] of wider) {
      assert.equal(asks("on-request", now, there), "ask");
      assert.equal(asks("never", now, there), "refuse");
    }
    // Its writable folder is the one it was started for.
    assert.equal(asks("never", WORK, WORK, "/elsewhere"), "refuse");
  });
});

/** Types in a turn of its own; the turn, and the request that comes of it. */
async function typeAsked(desk: Desk, id: number, chars: string) {
  const turn = desk.begin(call("write_stdin", { session_id: id, chars }));
  desk.server.enqueue(text("done"));
  const asked = await desk.talk.until("exec_approval_request", ({ command }) => command[2] === chars);
  return { turn, asked };
}

/** Opens a shell that a person approved. */
async function approvedShell(desk: Desk): Promise<number> {
  const opening = desk.open("echo up; exec sh");
  const { call_id } = await desk.talk.until("exec_approval_request");
  desk.talk.conversation.submit({ type: "exec_approval", id: call_id, decision: "approved_for_session" });
  return opening;
}

describe("typing into what a person approved", () => {
  deskTest(
    "that a shell was approved does not approve what is typed into it",
    async (desk) => {
      const id = await approvedShell(desk);
      const { turn, asked } = await typeAsked(desk, id, "echo > denied\n");
      assert.deepEqual(asked.command, ["write_stdin", String(id), "echo > denied\n"]);
      assert.match(asked.reason!, /types into a running program — terminal \d+: .*exec sh/);
      desk.talk.conversation.submit({ type: "exec_approval", id: asked.call_id, decision: "denied" });
      await desk.talk.end(turn);
      const told = await desk.talk.until("background_event", ({ call: refused }) => refused?.status === "declined");
      assert.match(told.message, /nothing was typed: rejected by user/);
      // Looking, interrupting and closing are free.
      const ended = await desk.use("write_stdin", { session_id: id, chars: "\u0003", yield_time_ms: 20_000 });
      assert.match(ended, /^Process /m);
      assert.equal(existsSync(join(desk.talk.cwd, "denied")), false);
    },
    { overrides: { approvalPolicy: "untrusted" } },
  );

  deskTest(
    "approved for the session it asks no more, for that terminal alone",
    async (desk) => {
      const id = await approvedShell(desk);
      const { turn, asked } = await typeAsked(desk, id, "echo one\n");
      desk.talk.conversation.submit({ type: "exec_approval", id: asked.call_id, decision: "approved_for_session" });
      await desk.talk.end(turn);
      await desk.use("write_stdin", { session_id: id, chars: "echo two\n" });
      await desk.shown("one\ntwo\n");
      const other = await desk.open("echo up; exec sh");
      const again = await typeAsked(desk, other, "echo three\n");
      desk.talk.conversation.submit({ type: "exec_approval", id: again.asked.call_id, decision: "abort" });
      assert.equal((await desk.talk.end(again.turn)).type, "turn_aborted");
    },
    { overrides: { approvalPolicy: "untrusted" } },
  );

  deskTest(
    "a terminal with full access is closed to typing once the mode is stricter and nobody may be asked (needs bubblewrap)",
    async (desk) => {
      const id = await desk.open("exec sh");
      desk.talk.conversation.submit({ type: "override_turn_context", sandbox_policy: READ });
      const refused = await desk.use("write_stdin", { session_id: id, chars: "echo > hole\n" });
      assert.match(refused, /^nothing was typed: .*danger-full-access.*read-only.*"never" forbids asking$/);
      const read = await desk.use("write_stdin", { session_id: id, close: true });
      assert.match(read, /^Process was stopped/m);
      assert.equal(existsSync(join(desk.talk.cwd, "hole")), false);
    },
    WALLED,
  );

  deskTest("what a rule forbids is not typed, and what it asks for asks", async (desk) => {
    const rules = '[[rule]]\nprefix = ["rm"]\ndecision = "forbid"\n[[rule]]\nprefix = ["git"]\ndecision = "ask"\n';
    writeFileSync(join(desk.talk.home, "rules.toml"), rules);
    const id = await desk.open("exec sh");
    const forbidden = await desk.use("write_stdin", { session_id: id, chars: "rm -rf /nowhere\n" });
    assert.match(forbidden, /^nothing was typed: .*forbid/);
    const asked = await desk.use("write_stdin", { session_id: id, chars: "git push\n" });
    assert.match(asked, /^nothing was typed: .*"never" forbids asking$/);
    await desk.use("write_stdin", { session_id: id, chars: "echo fine\n" });
    await desk.shown("fine");
  });

  deskTest(
    "what is typed into a confined terminal is confined (needs bubblewrap)",
    async (desk) => {
      const id = await desk.open("exec sh");
      await desk.use("write_stdin", { session_id: id, chars: "echo > hole; echo tried\n" });
      await desk.shown("tried");
      assert.equal(existsSync(join(desk.talk.cwd, "hole")), false);
    },
    { ...WALLED, overrides: { sandboxPolicy: READ } },
  );
});
