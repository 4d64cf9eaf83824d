import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, hold, partial, stall, status, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, type Talk } from "../support/talk.js";

/** Interrupts by op, and returns the submission's id. */
function interrupt(talk: Talk): string {
  return talk.conversation.submit({ type: "interrupt" });
}

test("an interrupt with no turn is answered at once, in both forms", async () => {
  const { server, talk } = await openTalk();
  assert.equal(await talk.conversation.interrupt(), undefined);
  const id = interrupt(talk);
  await talk.until("error", (_, event) => event.id === id);
  checkStopContract(talk.events, [id]);
  await talk.close();
  await server.close();
});

test("an interrupt sent right behind the input stops the turn that input started", async () => {
  const { server, talk } = await openTalk();
  const turn = talk.say("go");
  const end = await talk.conversation.interrupt();
  assert.equal(end?.status, "interrupted");
  assert.equal(end?.turnId, turn);
  await talk.close();
  await server.close();
});

test("ten interrupts at one turn have ten answers, all after its end", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([partial("thin"), stall()]);
  const turn = talk.say("go");
  await talk.until("agent_message_delta");
  const ids = Array.from({ length: 10 }, () => interrupt(talk));
  await talk.end(turn);
  await talk.until("background_event", (_, event) => event.id === ids.at(-1));
  checkStopContract(talk.events, ids);
  await talk.close();
  await server.close();
});

test("the model's socket closes at the interrupt while the server is silent", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(stall());
  talk.say("go");
  const request = (await server.nextRequest().then(() => server.requests.at(-1)))!;
  const asked = performance.now();
  const end = await talk.conversation.interrupt();
  assert.equal(end?.status, "interrupted");
  assert.ok((await request.closed) - asked < 500);
  await talk.close();
  await server.close();
});

test("partial text is kept once, marked as cut, and the model is told", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([partial("The answer is "), stall()], text("Forty-two."));
  talk.say("what is it?");
  await talk.until("agent_message_delta");
  await talk.conversation.interrupt();
  const first = server.requests.length;
  await talk.end(talk.say("go on"));
  const input = server.requests[first]!.input;
  const cut = input.filter((item) => item.role === "assistant");
  assert.equal(cut.length, 1);
  assert.equal(cut[0]?.status, "incomplete");
  assert.deepEqual(cut[0]?.content, [{ type: "output_text", text: "The answer is ", annotations: [] }]);
  const note = server.requests[first]!.userTexts().find((line) => line.startsWith("<turn_aborted>"));
  assert.match(note ?? "", /stopped the previous turn after .*\n.*cut off/);
  await talk.close();
  await server.close();
});

test("a running command is dead at the terminal event, its call is cut, its output so far is kept, the next never starts", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(
    [
      text("I will do three things."),
      call("exec_command", { cmd: "echo done > done" }, "finished"),
      call("exec_command", { cmd: "echo begun; sleep 30; echo late > late" }, "running"),
      call("exec_command", { cmd: "echo never > never" }, "waiting"),
    ],
    text("ok"),
  );
  const turn = talk.say("go");
  await talk.until("exec_command_output_delta");
  await talk.conversation.interrupt();
  const end = await talk.end(turn);
  assert.ok(end.type === "turn_aborted");
  assert.deepEqual(
    end.calls?.map((made) => [made.call_id, made.outcome]),
    [
      ["finished", "done"],
      ["running", "cut"],
      ["waiting", "not_started"],
    ],
  );
  const [, killed] = end.processes ?? [];
  assert.throws(() => process.kill(killed!.pid, 0), { code: "ESRCH" });
  checkStopContract(talk.events);
  const first = server.requests.length;
  await talk.end(talk.say("go on"));
  // What was said whole before the calls is there once, and is not taken for cut.
  const said = server.requests[first]!.input.filter((item) => item.role === "assistant");
  assert.deepEqual(
    said.map(({ content, status: how }) => [content, how]),
    [[[{ type: "output_text", text: "I will do three things.", annotations: [] }], "completed"]],
  );
  assert.match(
    server.requests[first]!.outputOf("running") ?? "",
    /^aborted by user after .*s\nOutput so far:\nbegun\n$/,
  );
  assert.equal(server.requests[first]!.outputOf("waiting"), "not started: aborted by user before this call");
  const note = server.requests[first]!.userTexts().find((line) => line.startsWith("<turn_aborted>")) ?? "";
  assert.match(note, /Ran to their end: exec_command \(finished\)\./);
  assert.match(note, /Cut, and may have partly happened: exec_command \(running\)\./);
  assert.match(note, /Never started: exec_command \(waiting\)\./);
  assert.deepEqual(
    ["done", "late", "never"].map((name) => existsSync(join(talk.cwd, name))),
    [true, false, false],
  );
  await talk.close();
  await server.close();
});

test("an interrupt during the wait for a retry ends the turn at once", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(status(429, { error: { message: "slow down" } }, { "retry-after": "60" }));
  const turn = talk.say("go");
  await talk.until("background_event", (msg) => /retrying 1\//.test(msg.message));
  const end = await talk.conversation.interrupt();
  assert.equal(end?.turnId, turn);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("a pending approval is withdrawn, and a late answer to it is refused", async () => {
  const { server, talk } = await openTalk({ approvalPolicy: "untrusted" });
  server.enqueue(call("exec_command", { cmd: "echo ran > ran" }, "asks"), text("ok"));
  const turn = talk.say("go");
  await talk.until("exec_approval_request");
  await talk.conversation.interrupt();
  await talk.end(turn);
  const late = talk.conversation.submit({ type: "exec_approval", id: "asks", decision: "approved" });
  const refused = await talk.until("background_event", (_, event) => event.id === late);
  assert.match(refused.message, /no approval is pending for asks/);
  assert.equal(existsSync(join(talk.cwd, "ran")), false);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("approvals: approved runs, approved for the session is not asked again, denied goes back to the model, abort stops the turn", async () => {
  const { server, talk } = await openTalk({ approvalPolicy: "untrusted" });
  const command = { cmd: "echo x >> log" };
  const first = server.requests.length;
  server.enqueue(
    call("exec_command", command, "a"),
    call("exec_command", command, "b"),
    call("exec_command", { cmd: "echo no >> log" }, "c"),
  );
  server.enqueue(call("exec_command", { cmd: "echo abort >> log" }, "d"));
  const turn = talk.say("go");
  await talk.until("exec_approval_request", (msg) => msg.call_id === "a");
  talk.conversation.submit({ type: "exec_approval", id: turn, decision: "approved_for_session" });
  await talk.until("exec_approval_request", (msg) => msg.call_id === "c");
  talk.conversation.submit({ type: "exec_approval", id: "c", decision: "denied" });
  await talk.until("exec_approval_request", (msg) => msg.call_id === "d");
  talk.conversation.submit({ type: "exec_approval", id: "d", decision: "abort" });
  const end = await talk.end(turn);
  assert.equal(end.type === "turn_aborted" && end.reason, "interrupted");
  const asked = talk.events.flatMap(({ msg }) => (msg.type === "exec_approval_request" ? [msg.call_id] : []));
  assert.deepEqual(asked, ["a", "c", "d"]);
  assert.equal(server.requests[first + 3]?.outputOf("c"), "exec command rejected by user");
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("a turn that ends by itself first is not called interrupted", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(text("done"));
  const turn = talk.say("go");
  const ids: string[] = [];
  talk.conversation.subscribe((event) => {
    if (event.msg.type === "agent_message") queueMicrotask(() => ids.push(interrupt(talk)));
  });
  await talk.end(turn);
  await talk.until("error", (_, event) => event.id === ids[0]).catch(() => undefined);
  checkStopContract(talk.events, ids);
  await talk.close();
  await server.close();
});

test("closing stops the turn and its command, and everything after it is refused", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(call("exec_command", { cmd: "echo on; sleep 30; echo late > late" }), text("ok"));
  const turn = talk.say("go");
  await talk.until("exec_command_output_delta");
  await talk.conversation.close();
  const end = await talk.end(turn);
  assert.equal(end.type, "turn_aborted");
  const refused = talk.say("again");
  await talk.until("error", (_, event) => event.id === refused);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("a model that goes on talking after the cut has no effect", async () => {
  const { server, talk } = await openTalk();
  const gate = hold();
  server.enqueue([partial("wait"), gate, call("exec_command", { cmd: "echo late > late" })], text("fine"));
  talk.say("go");
  await gate.reached;
  await talk.until("agent_message_delta");
  const stopped = talk.conversation.interrupt();
  gate.release();
  await stopped;
  await talk.end(talk.say("still there?"));
  assert.equal(existsSync(join(talk.cwd, "late")), false);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("what left its session and ignores SIGTERM is dead at the terminal event too, and the receipt says killed", async (t) => {
  const { server, talk } = await openTalk();
  const mark = `300.${String(process.pid).padStart(7, "0")}`;
  const cmd = `trap '' TERM; setsid sleep ${mark} & (setsid nohup sleep ${mark} >/dev/null 2>&1 &); echo on; sleep ${mark}`;
  server.enqueue(call("exec_command", { cmd, login: false }));
  const turn = talk.say("go");
  await talk.until("exec_command_output_delta");
  let alive: string[] = [];
  talk.conversation.subscribe((event) => {
    if (event.msg.type === "turn_aborted") alive = processesNaming(mark);
  });
  await talk.conversation.interrupt();
  const end = await talk.end(turn);
  await talk.close();
  await server.close();
  const outcome = end.type === "turn_aborted" ? end.processes?.[0]?.outcome : undefined;
  if (outcome === "may_survive") {
    t.skip("no PID namespace can be had on this machine");
    return;
  }
  assert.equal(outcome, "killed");
  assert.deepEqual(alive, []);
});

/** The command lines of all processes of the machine that hold a text. Zombies have none. */
function processesNaming(mark: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids.map((pid) => commandLine(pid)).filter((line) => line.includes(mark));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    // It ended while we looked.
    return "";
  }
}
