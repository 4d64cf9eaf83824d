import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, hold, partial, stall, status, text, usage } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk } from "../support/talk.js";

test("a turn runs its calls, feeds the outputs back and ends once", async () => {
  const { server, talk } = await openTalk();
  const first = server.requests.length;
  server.enqueue(
    [text("Looking."), call("exec_command", { cmd: "echo hi" }, "c1"), usage({ input: 7, output: 3 })],
    text("Done."),
  );
  const end = await talk.end(talk.say("go"));
  assert.deepEqual(end, { type: "task_complete", last_agent_message: "Done." });
  assert.deepEqual(talk.types("0"), [
    "task_started",
    "agent_message_delta",
    "agent_message",
    "exec_command_begin",
    "exec_command_output_delta",
    "exec_command_end",
    "token_count",
    "agent_message_delta",
    "agent_message",
    "token_count",
    "task_complete",
  ]);
  assert.match(server.requests[first + 1]?.outputOf("c1") ?? "", /^Exit code: 0\nWall time: .*\nOutput:\nhi\n$/);
  await talk.close();
  await server.close();
});

test("reading commands of one response run beside each other, outputs in call order", async () => {
  const { server, talk } = await openTalk();
  const first = server.requests.length;
  server.enqueue(
    [call("exec_command", { cmd: "sleep 0.4" }, "slow"), call("exec_command", { cmd: "echo quick" }, "quick")],
    text("ok"),
  );
  await talk.end(talk.say("go"));
  const order = talk.events.flatMap(({ msg }) => (msg.type === "exec_command_end" ? [msg.call_id] : []));
  assert.deepEqual(order, ["quick", "slow"]);
  const outputs = server.requests[first + 1]!.input.filter((item) => item.type === "function_call_output");
  assert.deepEqual(
    outputs.map((item) => item.call_id),
    ["slow", "quick"],
  );
  await talk.close();
  await server.close();
});

test("commands that may change something wait for each other", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(
    [call("exec_command", { cmd: "sleep 0.2; echo 1 >> log" }), call("exec_command", { cmd: "echo 2 >> log" })],
    text("ok"),
  );
  await talk.end(talk.say("go"));
  assert.equal(readFileSync(join(talk.cwd, "log"), "utf8"), "1\n2\n");
  await talk.close();
  await server.close();
});

test("a patch is applied and told", async () => {
  const { server, talk } = await openTalk();
  writeFileSync(join(talk.cwd, "a.txt"), "one\ntwo\n");
  const input = "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+uno\n two\n*** End Patch";
  server.enqueue(call("apply_patch", { input }), text("ok"));
  await talk.end(talk.say("go"));
  assert.equal(readFileSync(join(talk.cwd, "a.txt"), "utf8"), "uno\ntwo\n");
  const done = await talk.until("patch_apply_end");
  assert.equal(done.success, true);
  assert.match(done.stdout, /Success\. Updated the following files:\nM a\.txt\n/);
  await talk.close();
  await server.close();
});

test("broken arguments and unknown tools go back to the model in a plain sentence, and show as events", async () => {
  const { server, talk } = await openTalk();
  const first = server.requests.length;
  server.enqueue(
    [
      call("exec_command", '{"cmd": "ec', "bad"),
      call("frobnicate", {}, "unknown"),
      call("exec_command", { cmd: 7 }, "typed"),
    ],
    text("ok"),
  );
  await talk.end(talk.say("go"));
  const request = server.requests[first + 1]!;
  assert.match(request.outputOf("bad") ?? "", /^the arguments are not valid JSON/);
  assert.match(request.outputOf("unknown") ?? "", /^unsupported call: frobnicate\. .*exec_command/);
  assert.match(request.outputOf("typed") ?? "", /^wrong arguments: cmd: expected string/);
  const failed = talk.events.flatMap(({ msg }) =>
    msg.type === "background_event" && msg.call ? [msg.call.status] : [],
  );
  assert.deepEqual(failed, ["failed", "failed", "failed"]);
  await talk.close();
  await server.close();
});

test("input given while a turn runs is used once, at the next step", async () => {
  const { server, talk } = await openTalk();
  const first = server.requests.length;
  const gate = hold();
  server.enqueue([partial("thin"), gate, text("king")], text("answer"));
  const turn = talk.say("first");
  await gate.reached;
  talk.say("second");
  talk.say("third");
  gate.release();
  const end = await talk.end(turn);
  assert.deepEqual(end, { type: "task_complete", last_agent_message: "answer" });
  const texts = server.requests[first + 1]!.userTexts().filter((line) => !line.startsWith("<"));
  assert.deepEqual(texts, ["first", "second", "third"]);
  assert.equal(talk.events.filter(({ msg }) => msg.type === "task_started").length, 1);
  await talk.close();
  await server.close();
});

test("input that no model saw is handed back by the interrupt", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([partial("thinking"), stall()]);
  const turn = talk.say("first");
  await talk.until("agent_message_delta");
  talk.say("second");
  await talk.conversation.interrupt();
  const end = await talk.end(turn);
  assert.equal(end.type, "turn_aborted");
  assert.deepEqual(end.unused_input, [[{ type: "text", text: "second" }]]);
  await talk.close();
  await server.close();
});

test("a model error is an error, then the terminal event, and the conversation goes on", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(status(400, { error: { message: "no such model: mock-model" } }), text("fine"));
  const turn = talk.say("go");
  const end = await talk.end(turn);
  assert.equal(end.type === "task_complete" && end.failed, true);
  const error = await talk.until("error");
  assert.match(error.message, /no such model: mock-model/);
  assert.deepEqual(talk.types(turn), ["task_started", "error", "task_complete"]);
  await talk.end(talk.say("again"));
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("empty input and an image that is none end the turn with a clear error and lose nothing", async () => {
  const { server, talk } = await openTalk();
  writeFileSync(join(talk.cwd, "note.png"), "not an image");
  const items = [
    { type: "text" as const, text: "look" },
    { type: "local_image" as const, path: "note.png" },
  ];
  const end = await talk.end(talk.conversation.submit({ type: "user_input", items }));
  assert.deepEqual(end, { type: "task_complete", last_agent_message: null, failed: true, unused_input: [items] });
  assert.match((await talk.until("error")).message, /note\.png is not an image/);
  for (const empty of [[], [{ type: "text" as const, text: " \n" }]]) {
    const ended = await talk.end(talk.conversation.submit({ type: "user_input", items: empty }));
    assert.deepEqual(ended, { ...end, unused_input: [empty] });
  }
  const errors = talk.events.flatMap(({ msg }) => (msg.type === "error" ? [msg.message] : []));
  assert.match(errors[1] ?? "", /the input is empty/);
  assert.equal(errors[2], errors[1]);
  await talk.close();
  await server.close();
});

test("patches and commands that may write wait for what stands before them, and nothing runs beside them", async () => {
  const { server, talk } = await openTalk();
  const patch = (...lines: string[]) =>
    call("apply_patch", { input: ["*** Begin Patch", ...lines, "*** End Patch"].join("\n") });
  server.enqueue(
    [
      call("exec_command", { cmd: "sleep 0.2" }),
      patch("*** Add File: a.txt", "+one"),
      patch("*** Update File: a.txt", "@@", "-one", "+two"),
      call("exec_command", { cmd: "sleep 0.2; cp a.txt b.txt" }),
      call("exec_command", { cmd: "cat b.txt" }),
    ],
    text("done"),
  );
  await talk.end(talk.say("go"));
  const kinds = talk.types("0").filter((type) => /_(begin|end)$/.test(type));
  const [command, change] = [
    ["exec_command_begin", "exec_command_end"],
    ["patch_apply_begin", "patch_apply_end"],
  ];
  assert.deepEqual(kinds, [...command, ...change, ...change, ...command, ...command]);
  assert.equal(readFileSync(join(talk.cwd, "b.txt"), "utf8"), "two\n");
  await talk.close();
  await server.close();
});

test("a folder that is not there ends the turn before anything is done in it; a relative one starts at the conversation's", async () => {
  const { server, talk } = await openTalk();
  const items = [{ type: "text" as const, text: "go" }];
  const turnIn = (cwd: string) => {
    const policy = { approval_policy: "never", sandbox_policy: { mode: "danger-full-access" } } as const;
    return talk.end(talk.conversation.submit({ type: "user_turn", items, cwd, ...policy, model: "mock" }));
  };
  const gone = join(talk.cwd, "gone");
  const end = await turnIn(gone);
  assert.deepEqual(end, { type: "task_complete", last_agent_message: null, failed: true, unused_input: [items] });
  assert.equal((await talk.until("error")).message, `there is no folder ${gone}: give the turn a cwd that exists`);
  assert.equal(server.requests.length, 0);
  mkdirSync(join(talk.cwd, "sub"));
  server.enqueue(call("exec_command", { cmd: "pwd" }), text("done"));
  await turnIn("sub");
  assert.equal((await talk.until("exec_command_begin")).cwd, join(talk.cwd, "sub"));
  await talk.close();
  await server.close();
});

test("an op that starts its own task replaces the turn that runs", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([partial("thin"), stall()], text("the summary"));
  const turn = talk.say("first");
  await talk.until("agent_message_delta");
  const compacting = talk.conversation.submit({ type: "compact" });
  const end = await talk.end(turn);
  assert.equal(end.type === "turn_aborted" && end.reason, "replaced");
  await talk.end(compacting);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("a shutdown stops the turn first and answers what comes after it", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([partial("thin"), stall()]);
  const turn = talk.say("first");
  await talk.until("agent_message_delta");
  talk.conversation.submit({ type: "shutdown" });
  const late = talk.conversation.submit({ type: "interrupt" });
  const lost = talk.say("too late");
  await talk.end(turn);
  await talk.until("shutdown_complete");
  await talk.until("error", (_, event) => event.id === lost);
  checkStopContract(talk.events, [late]);
  assert.equal(await talk.conversation.interrupt(), undefined);
  await talk.close();
  await server.close();
});

test("a response with nothing in it ends the turn", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([]);
  assert.deepEqual(await talk.end(talk.say("go")), { type: "task_complete", last_agent_message: null });
  assert.equal(server.requests.length, 1);
  await talk.close();
  await server.close();
});

test("a server that numbers its calls from zero in every response gets each output under an id of its own", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(
    call("exec_command", { cmd: "echo a" }, "call_0"),
    call("exec_command", { cmd: "echo b" }, "call_0"),
    text("ok"),
  );
  await talk.end(talk.say("go"));
  assert.match(server.requests[2]!.outputOf("call_0") ?? "", /\na\n$/);
  assert.match(server.requests[2]!.outputOf("call_0_2") ?? "", /\nb\n$/);
  await talk.close();
  await server.close();
});

test("settings of a user turn hold for that turn, an override for all later ones, and the model is told", async () => {
  const { server, talk } = await openTalk();
  server.script(() => text("ok"));
  const settings = { approval_policy: "never", sandbox_policy: { mode: "read-only" }, cwd: talk.cwd } as const;
  const items = [{ type: "text" as const, text: "once" }];
  await talk.end(talk.conversation.submit({ type: "user_turn", items, model: "other-model", ...settings }));
  await talk.end(talk.say("then"));
  talk.conversation.submit({ type: "override_turn_context", model: "third-model", approval_policy: "untrusted" });
  await talk.end(talk.say("later"));
  assert.deepEqual(
    server.requests.map((request) => request.body.model),
    ["other-model", "mock-model", "third-model"],
  );
  const told = server.requests[2]!.userTexts().filter((line) => line.startsWith("<environment_context>"));
  assert.deepEqual(
    told.map((line) => [/Sandbox mode: (.*)/.exec(line)?.[1], /Approval policy: (.*)/.exec(line)?.[1]]),
    [
      ["read-only", "never"],
      ["danger-full-access", "never"],
      ["danger-full-access", "untrusted"],
    ],
  );
  await talk.close();
  await server.close();
});

test("a listener that asks to wait slows the stream down, and never the stop", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(text("word ".repeat(50), { chunks: 50, delayMs: 1 }));
  let waiting = 0;
  talk.conversation.subscribe((event) => {
    if (event.msg.type !== "agent_message_delta") return undefined;
    waiting += 1;
    return new Promise<void>(() => {});
  });
  const turn = talk.say("go");
  await talk.until("agent_message_delta");
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(waiting, 1);
  const end = await talk.conversation.interrupt();
  assert.equal(end?.turnId, turn);
  await talk.close();
  await server.close();
});

test("AGENTS.md texts are told once, each under its file's name", async () => {
  const { server, talk } = await openTalk();
  writeFileSync(join(talk.home, "AGENTS.md"), "be brief");
  writeFileSync(join(talk.cwd, "AGENTS.md"), "tabs, not blanks");
  server.script(() => text("ok"));
  await talk.end(talk.say("one"));
  await talk.end(talk.say("two"));
  const docs = server.requests[1]!.userTexts().filter((line) => line.startsWith("# AGENTS.md"));
  assert.equal(docs.length, 1);
  assert.ok(docs[0]!.indexOf(join(talk.home, "AGENTS.md")) < docs[0]!.indexOf("be brief"));
  assert.ok(docs[0]!.indexOf("be brief") < docs[0]!.indexOf(join(talk.cwd, "AGENTS.md")));
  assert.ok(docs[0]!.indexOf(join(talk.cwd, "AGENTS.md")) < docs[0]!.indexOf("tabs, not blanks"));
  await talk.close();
  await server.close();
});

test("without its key a turn fails at once and names the variable", async () => {
  const { server, talk } = await openTalk({ missingKey: { envKey: "SOME_KEY", instructions: undefined } });
  const end = await talk.end(talk.say("go"));
  assert.equal(end.type === "task_complete" && end.failed, true);
  assert.match((await talk.until("error")).message, /SOME_KEY is not set/);
  assert.equal(server.requests.length, 0);
  await talk.close();
  await server.close();
});

test("a home folder that can't be made costs the record, and the user is told", { timeout: 40_000 }, async () => {
  const { server, talk } = await openTalk({ home: "/proc/nowhere" });
  server.enqueue(text("ok"));
  const end = await talk.end(talk.say("go"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "ok");
  assert.match((await talk.until("background_event")).message, /no longer recorded on disk/);
  await talk.close();
  await server.close();
});

test("input that wants a turn of its own gets one, or is told that another runs", async () => {
  const { server, talk } = await openTalk();
  const gate = hold();
  server.enqueue([partial("On it"), gate, text(".")], text("Second."));
  const input = (content: string) => ({
    type: "user_input" as const,
    items: [{ type: "text" as const, text: content }],
  });
  const first = talk.conversation.runTurn(input("one"), "7");
  await gate.reached;
  assert.equal(await talk.conversation.runTurn(input("lost")).ended, undefined);
  gate.release();
  const end = await first.ended;
  assert.deepEqual([end?.status, end?.turnId, end?.event], ["completed", "7", talk.events.at(-1)?.msg]);

  // Numbers go on above those that were given.
  const second = talk.conversation.runTurn(input("two"));
  assert.equal(second.id, "9");
  assert.equal((await second.ended)?.status, "completed");

  // One that is being stopped is waited for, not taken for one that runs.
  server.enqueue([partial("cut"), stall()], text("Fourth."));
  const third = talk.conversation.runTurn(input("three"));
  await talk.until("agent_message_delta", (_, event) => event.id === third.id);
  const stopped = talk.conversation.interrupt();
  const fourth = talk.conversation.runTurn(input("four"));
  assert.equal((await stopped)?.turnId, third.id);
  assert.equal((await third.ended)?.status, "interrupted");
  assert.equal((await fourth.ended)?.status, "completed");
  checkStopContract(talk.events);
  await talk.close();
  assert.equal(await talk.conversation.runTurn(input("too late")).ended, undefined);
  assert.ok(!JSON.stringify(server.requests.map((request) => request.input)).includes("lost"));
  await server.close();
});
