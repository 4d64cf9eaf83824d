import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type McpClient, openMcp, textOf } from "../front/mcp-server/mcp-client.js";
import { call, hold, partial, stall, status, text, usage } from "../support/model-server.js";
import { openScene } from "../support/program.js";

/** Two processes that a kill of the shell alone would leave. */
const RUNAWAYS = { cmd: "sleep 301 & sleep 302 & sleep 303" };

const UNTRUSTED = { "approval-policy": "untrusted", sandbox: "danger-full-access" };

/** Starts a call of `codex` that asks to run `touch FILE`. */
function askToTouch(client: McpClient, file: string, id: number): void {
  client.server.enqueue(call("shell", { command: ["touch", file] }, `call-${id}`));
  client.send({ id, method: "tools/call", params: { name: "codex", arguments: { prompt: "go", ...UNTRUSTED } } });
}

describe("tools", () => {
  test("a failed call's result has its reason, and what was said before it", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    client.server.enqueue([partial("Half an ans"), { type: "incomplete", reason: "max_output_tokens" }]);
    const { result } = await client.request("tools/call", { name: "codex", arguments: { prompt: "hi" } }, 9);
    assert.equal(result.isError, true);
    const [reason, said] = result.content.map((block: { readonly text: string }) => block.text);
    assert.match(reason, /cut short/);
    assert.match(said, /Half an ans/);
    assert.equal((await client.finish()).code, 0);
  });

  test("codex starts a conversation, codex-reply goes on with it, by any of its names", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    client.server.enqueue([text("Hello.", { chunks: 3 }), usage({ input: 100, output: 20 })]);
    const first = await client.request("tools/call", { name: "codex", arguments: { prompt: "hi" } }, 9);
    const { threadId } = first.result.structuredContent;
    assert.deepEqual(first.result, {
      content: [{ type: "text", text: "Hello." }],
      structuredContent: { threadId, content: "Hello." },
    });
    const events = client.messages.filter((one) => one.method === "codex/event");
    assert.deepEqual(client.types(9), [
      "session_configured",
      "task_started",
      "agent_message_delta",
      "agent_message",
      "token_count",
      "task_complete",
    ]);
    assert.deepEqual(events[0]?.params._meta, { requestId: 9, threadId });
    assert.equal(events[0]?.params.msg.session_id, threadId);
    assert.deepEqual(new Set(events.slice(1).map((one) => one.params.id)), new Set(["9"]));

    const ids = new Set(["9"]);
    for (const name of ["threadId", "conversationId", "sessionId"]) {
      client.server.enqueue(text(`by ${name}`));
      const reply = await client.request(
        "tools/call",
        { name: "codex-reply", arguments: { [name]: threadId, prompt: "on" } },
        name,
      );
      assert.deepEqual(reply.result.structuredContent, { threadId, content: `by ${name}` });
      assert.deepEqual(client.types(name)[0], "task_started");
      const turn = client.messages.find((one) => one.params?._meta?.requestId === name)?.params.id;
      assert.ok(!ids.has(turn), `the turn ${turn} is there twice`);
      ids.add(turn);
    }
    assert.equal((await client.finish()).code, 0);
  });

  test("codex-reply goes on with a conversation that an earlier server recorded, and with none that is open elsewhere", async (t) => {
    const scene = await openScene(t);
    const before = await openMcp(t, { scene });
    scene.server.enqueue([text("Hello."), usage({ input: 100, output: 20 })]);
    const first = await before.request("tools/call", { name: "codex", arguments: { prompt: "hi" } }, 9);
    const { threadId } = first.result.structuredContent;
    const reply = (prompt: string) => ({ name: "codex-reply", arguments: { threadId, prompt } });
    const other = await openMcp(t, { scene });
    const refused = await other.request("tools/call", reply("me too"), 1);
    assert.match(textOf(refused), new RegExp(`${threadId} is open in process ${before.program.pid}: .*belay fork`));
    await other.finish();
    await before.finish();

    const after = await openMcp(t, { scene });
    scene.server.enqueue([text("Again."), usage({ input: 100, output: 20 })]);
    // Both find it closed: one opens it, and has the turn.
    after.send(
      { id: 1, method: "tools/call", params: reply("on") },
      { id: 2, method: "tools/call", params: reply("on, too") },
    );
    assert.deepEqual((await after.answer(1)).result.structuredContent, { threadId, content: "Again." });
    assert.match(textOf(await after.answer(2)), /another turn of it is running/);
    assert.deepEqual(after.types(1).slice(0, 2), ["session_configured", "task_started"]);
    const [turn] = after.messages.filter((one) => one.params?.msg?.type === "task_started");
    assert.notEqual(turn?.params.id, "9", "an id names one turn");
    assert.deepEqual(scene.server.requests.at(-1)?.assistantTexts(), ["Hello."]);
    const tokens = after.messages.find((one) => one.params?.msg?.type === "token_count");
    assert.equal(tokens?.params.msg.conversation_total_tokens, 240);
    scene.server.enqueue(text("Once more."));
    assert.equal(textOf(await after.request("tools/call", reply("and on"), 3)), "Once more.");
    const path = first.result.structuredContent.threadId.slice(0, 8);
    const none = await after.request("tools/call", { name: "codex-reply", arguments: { threadId: path, prompt: "x" } });
    assert.equal(textOf(none), `conversation not found: ${path}`);
    await after.finish();
  });

  test("a turn that fails is an answer that says why", async (t) => {
    const client = await openMcp(t);
    client.server.enqueue(status(400, { error: { message: "no such model here" } }));
    const { result } = await client.request("tools/call", { name: "codex", arguments: { prompt: "hi" } }, 1);
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, /no such model here/);
    assert.equal(result.structuredContent.content, result.content[0].text);
    assert.deepEqual(client.types(1).slice(-2), ["error", "task_complete"]);
    await client.finish();
  });

  test("settings come from the arguments, then from -c of the server, then from config.toml", async (t) => {
    const client = await openMcp(t, { words: ["-c", "model=from-c", "-c", "model_reasoning_effort=low"] });
    const args = {
      prompt: "hi",
      model: "from-argument",
      cwd: "sub",
      config: { model_reasoning_effort: "high", "shell_environment_policy.set": { SEEN: 'a \u007f"b"' } },
      "base-instructions": "Be base.",
      "developer-instructions": "Be a developer.",
      "approval-policy": "never",
      sandbox: "danger-full-access",
      "include-plan-tool": false,
      profile: null,
      zzz: 1,
    };
    client.place.write("sub/x", "");
    client.server.enqueue(
      call("shell", { command: ["sh", "-c", 'printf "%s in %s" "$SEEN" "$(basename "$PWD")"'] }, "c"),
      text("ok"),
    );
    const { result } = await client.request("tools/call", { name: "codex", arguments: args });
    const [request, next] = client.server.requests;
    assert.deepEqual([request?.body.model, request?.body.instructions], ["from-argument", "Be base."]);
    assert.match(JSON.stringify(request?.body), /"effort":"high"/);
    assert.match(JSON.stringify(request?.input), /Be a developer\./);
    assert.match(next?.outputOf("c") ?? "", /a \x7f"b" in sub/);
    assert.match(result.content[1].text, /were ignored: zzz$/);

    client.server.enqueue(text("ok"));
    await client.request("tools/call", { name: "codex", arguments: { prompt: "hi" } });
    assert.equal(client.server.requests[2]?.body.model, "from-c");
    for (const [wrong, message] of [
      [{ cwd: "no/such" }, /no\/such/],
      [{ profile: "nope" }, /nope/],
      [{ config: { model_context_window: "x" } }, /model_context_window/],
    ] as const) {
      const refused = await client.request("tools/call", { name: "codex", arguments: { prompt: "hi", ...wrong } });
      assert.equal(refused.result.isError, true);
      assert.match(textOf(refused), message);
    }
    assert.equal(client.server.requests.length, 3);
    await client.finish();
  });

  test("progress is told when it is asked for, in order, and never after the answer", async (t) => {
    const client = await openMcp(t);
    client.server.enqueue(call("shell", { command: ["echo", "one"] }, "c"), text("ok"));
    await client.request(
      "tools/call",
      { name: "codex", arguments: { prompt: "hi" }, _meta: { progressToken: "tok" } },
      5,
    );
    const told = client.messages.filter((one) => one.method === "notifications/progress").map((one) => one.params);
    assert.deepEqual(
      told.map(({ message }) => message),
      ["the turn has begun", "running echo one", "exit code 0", "ok"],
    );
    assert.deepEqual(
      told.map(({ progress, progressToken }) => [progress, progressToken]),
      [1, 2, 3, 4].map((count) => [count, "tok"]),
    );
    assert.equal(client.messages.at(-1)?.id, 5);
    await client.finish();
  });
});

describe("approvals", () => {
  const answers: readonly (readonly [string, object, boolean])[] = [
    ["Codex's approved", { result: { decision: "approved" } }, true],
    ["Codex's approved_for_session", { result: { decision: "approved_for_session" } }, true],
    ["Codex's denied", { result: { decision: "denied" } }, false],
    ["the standard accept", { result: { action: "accept", content: {} } }, true],
    ["the standard decline", { result: { action: "decline" } }, false],
    ["an error", { error: { code: -1, message: "no" } }, false],
    ["a decision nobody knows", { result: { decision: "sure", action: "accept" } }, false],
    ["an action nobody knows", { result: { action: "toString" } }, false],
    ["nonsense", { result: 5 }, false],
    ["no answer at all under its id", {}, false],
  ];
  test("an answer in any shape is a yes or a no", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    for (const [at, [name, answer, runs]] of answers.entries()) {
      const id = 100 + at;
      askToTouch(client, `file-${at}`, id);
      const asked = await client.until((one) => one.params?.codex_mcp_tool_call_id === String(id));
      client.server.enqueue(text("done"));
      client.send({ id: asked.id, ...answer });
      assert.equal(textOf(await client.answer(id)), "done", name);
      assert.equal(existsSync(join(client.place.dir, `file-${at}`)), runs, name);
    }
    await client.finish();
  });

  test("the question carries what the standard wants and what Codex adds", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    askToTouch(client, "x y", 7);
    const asked = await client.until((one) => one.method === "elicitation/create");
    const { threadId, message, ...rest } = asked.params;
    assert.equal(message, `Run touch 'x y' in ${client.place.dir}?`);
    assert.equal(threadId, client.messages.find((one) => one.method === "codex/event")?.params._meta.threadId);
    assert.deepEqual(rest, {
      requestedSchema: { type: "object", properties: {} },
      codex_elicitation: "exec-approval",
      codex_mcp_tool_call_id: "7",
      codex_event_id: "7",
      codex_call_id: "call-7",
      codex_command: ["touch", "x y"],
      codex_cwd: client.place.dir,
      codex_parsed_cmd: [{ type: "unknown", cmd: "touch 'x y'" }],
    });
    assert.equal(client.types(7).at(-1), "exec_approval_request");
    client.server.enqueue(text("done"));
    client.send({ id: asked.id, result: { decision: "denied" } });
    await client.answer(7);

    const patch = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch";
    client.server.enqueue(call("apply_patch", { input: patch }, "p"), text("done"));
    client.send({ id: 8, method: "tools/call", params: { name: "codex", arguments: { prompt: "go", ...UNTRUSTED } } });
    const second = await client.until((one) => one.params?.codex_elicitation === "patch-approval");
    assert.deepEqual(second.params.codex_changes, {
      [join(client.place.dir, "new.txt")]: { add: { content: "hello\n" }, type: "add", content: "hello\n" },
    });
    assert.equal(second.params.codex_call_id, "p");
    client.send({ id: second.id, result: { action: "accept", content: {} } });
    await client.answer(8);
    assert.equal(client.place.read("new.txt"), "hello\n");
    await client.finish();
  });

  test("a no that stops the turn is answered with what happened", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    for (const [id, answer] of [
      [1, { decision: "abort" }],
      [2, { action: "cancel" }],
    ] as const) {
      askToTouch(client, "never", id);
      const asked = await client.until((one) => one.params?.codex_mcp_tool_call_id === String(id));
      client.send({ id: asked.id, result: answer });
      const { result } = await client.answer(id);
      assert.equal(result.isError, true);
      assert.match(
        result.content[0].text,
        /stopped before it was done: an approval was refused with it \(touch never\)/,
      );
      assert.equal(client.types(id).at(-1), "turn_aborted");
    }
    assert.ok(!existsSync(join(client.place.dir, "never")));
    await client.finish();
  });

  for (const [who, capabilities] of [
    ["has not declared elicitation", {}],
    ["takes URLs alone", { elicitation: { url: {} } }],
    ["has not shaken hands", undefined],
  ] as const) {
    test(`a client that ${who} is not asked: denied, and the result says so`, async (t) => {
      const client = await openMcp(t);
      if (capabilities !== undefined) await client.initialize(capabilities);
      askToTouch(client, "never", 3);
      client.server.enqueue(text("done"));
      const { result } = await client.answer(3);
      assert.equal(result.content[0].text, "done");
      assert.match(result.content[1].text, /^Denied without asking anyone.*"elicitation": touch never$/);
      assert.equal(result.structuredContent.content, "done");
      assert.ok(!existsSync(join(client.place.dir, "never")));
      assert.deepEqual(
        client.messages.filter((one) => one.method === "elicitation/create"),
        [],
      );
      await client.finish();
    });
  }
});

describe("cancelling", () => {
  test("stops the turn and all it started, and leaves the request without an answer", async (t) => {
    const client = await openMcp(t);
    client.server.enqueue(call("exec_command", RUNAWAYS, "c"));
    client.send({ id: "nine", method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
    const { params } = await client.event("exec_command_begin");
    await client.place.populated(4);
    const cancel = { method: "notifications/cancelled", params: { requestId: "nine", reason: "user" } };
    client.send(cancel, cancel);
    const { msg } = (await client.event("turn_aborted")).params;
    await client.place.populated(1);
    assert.equal(client.place.processes().length, 1, "only the server lives");
    assert.deepEqual(
      [msg.reason, msg.calls],
      ["interrupted", [{ call_id: "c", name: "exec_command", outcome: "cut" }]],
    );
    assert.equal(client.types("nine").at(-3), "exec_command_end");
    client.send(cancel, { method: "notifications/cancelled", params: { requestId: 77 } });

    client.server.enqueue(text("after"));
    const { threadId } = params._meta;
    const reply = await client.request(
      "tools/call",
      { name: "codex-reply", arguments: { threadId, prompt: "again" } },
      11,
    );
    assert.equal(textOf(reply), "after");
    assert.deepEqual(client.types(11), [
      "task_started",
      "agent_message_delta",
      "agent_message",
      "token_count",
      "task_complete",
    ]);
    assert.match(JSON.stringify(client.server.requests.at(-1)?.input), /turn_aborted/);
    await client.finish();
    assert.deepEqual(
      client.messages.filter((one) => one.id === "nine"),
      [],
    );
  });

  test("in the same write as the call: no turn begins", async (t) => {
    const client = await openMcp(t);
    client.send(
      { id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } },
      { method: "notifications/cancelled", params: { requestId: 1 } },
      { id: 2, method: "ping" },
    );
    assert.deepEqual((await client.answer(2)).result, {});
    client.server.enqueue(text("ok"));
    assert.equal(textOf(await client.request("tools/call", { name: "codex", arguments: { prompt: "go" } }, 3)), "ok");
    assert.equal(client.server.requests.length, 1);
    assert.deepEqual(client.types(1), []);
    await client.finish();
    assert.deepEqual(
      client.messages.filter((one) => one.id === 1),
      [],
    );
  });

  test("withdraws the question that is open", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    askToTouch(client, "never", 1);
    const asked = await client.until((one) => one.method === "elicitation/create");
    client.send({ method: "notifications/cancelled", params: { requestId: 1 } });
    await client.event("turn_aborted");
    // At once, not when all has been stopped.
    const withdrawn = client.messages[client.messages.indexOf(asked) + 1];
    assert.deepEqual([withdrawn?.method, withdrawn?.params.requestId], ["notifications/cancelled", asked.id]);
    client.send({ id: asked.id, result: { decision: "approved" } });
    await client.request("ping");
    await client.finish();
    assert.ok(!existsSync(join(client.place.dir, "never")));
  });
});

describe("one conversation, two calls", () => {
  test("the second is refused while the first runs, and taken when the first was cancelled", async (t) => {
    const client = await openMcp(t);
    client.server.enqueue([partial("On"), stall()]);
    client.send({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
    const { threadId } = (await client.event("agent_message_delta")).params._meta;
    const again = (id: number) => ({
      id,
      method: "tools/call",
      params: { name: "codex-reply", arguments: { threadId, prompt: `number ${id}` } },
    });
    client.send(again(2));
    const refused = await client.answer(2);
    assert.equal(refused.result.isError, true);
    assert.match(textOf(refused), /another turn of it is running/);
    assert.deepEqual(client.types(2), []);

    client.server.enqueue(text("three"));
    client.send({ method: "notifications/cancelled", params: { requestId: 1 } }, again(3));
    assert.equal(textOf(await client.answer(3)), "three");
    assert.equal(client.types(1).at(-1), "turn_aborted");
    assert.deepEqual(client.types(3), [
      "task_started",
      "agent_message_delta",
      "agent_message",
      "token_count",
      "task_complete",
    ]);
    assert.ok(!JSON.stringify(client.server.requests.at(-1)?.input).includes("number 2"));
    await client.finish();
  });

  test("two conversations at once don't mix", async (t) => {
    const client = await openMcp(t);
    const gates = [hold(), hold()];
    client.server.enqueue([partial("a"), gates[0]!, text("a")], [partial("b"), gates[1]!, text("b")]);
    client.send({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
    await gates[0]!.reached;
    client.send({ id: 2, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
    await gates[1]!.reached;
    gates[1]!.release();
    assert.equal(textOf(await client.answer(2)), "bb");
    gates[0]!.release();
    assert.equal(textOf(await client.answer(1)), "aa");
    const threads = [1, 2].map(
      (id) =>
        new Set(
          client.messages.filter((one) => one.params?._meta?.requestId === id).map((one) => one.params._meta.threadId),
        ),
    );
    assert.deepEqual(
      threads.map(({ size }) => size),
      [1, 1],
    );
    assert.notDeepEqual(threads[0], threads[1]);
    await client.finish();
  });
});

describe("tools and conversation methods on one stream", () => {
  test("interruptConversation stops the turn of a call: the event, then both answers", async (t) => {
    const client = await openMcp(t);
    client.server.enqueue([partial("On"), stall()]);
    client.send({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
    const { threadId } = (await client.event("agent_message_delta")).params._meta;
    const interrupted = await client.request("interruptConversation", { conversationId: threadId }, 2);
    assert.deepEqual(interrupted.result, { abortReason: "interrupted" });
    assert.equal((await client.answer(1)).result.isError, true);
    const end = client.messages.findIndex((one) => one.params?.msg?.type === "turn_aborted");
    assert.deepEqual(new Set(client.messages.slice(end + 1).map((one) => one.id)), new Set([1, 2]));
    await client.finish();
  });

  test("codex-reply goes on with a conversation of newConversation, but never while a turn of it runs", async (t) => {
    const client = await openMcp(t);
    const { conversationId } = (await client.request("newConversation", {})).result;
    await client.request("addConversationListener", { conversationId });
    client.server.enqueue([partial("On"), stall()]);
    const items = [{ type: "text", data: { text: "one" } }];
    const reply = (id: number) => ({
      id,
      method: "tools/call",
      params: { name: "codex-reply", arguments: { conversationId, prompt: `number ${id}` } },
    });
    // In one write: the message comes first, so the reply finds a turn that runs.
    client.send({ id: 1, method: "sendUserMessage", params: { conversationId, items } }, reply(2));
    assert.match(textOf(await client.answer(2)), /another turn of it is running/);
    // The model has been asked, and so its next reply is for the next turn.
    await client.until((one) => one.method === "codex/event/agent_message_delta");
    client.server.enqueue(text("three"));
    client.send({ id: 4, method: "interruptConversation", params: { conversationId } }, reply(3));
    assert.equal(textOf(await client.answer(3)), "three");
    assert.deepEqual((await client.answer(4)).result, { abortReason: "interrupted" });
    const listened = client.messages
      .filter((one) => one.method?.startsWith("codex/event/"))
      .map((one) => one.params.msg.type);
    assert.deepEqual(
      listened.filter((type) => /^task|^turn/.test(type)),
      ["task_started", "turn_aborted", "task_started", "task_complete"],
    );
    await client.finish();
  });
});

describe("the end of the server", () => {
  for (const [how, code] of [
    ["stdin", 0],
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    test(`by ${how}: the turn is stopped and answered, its processes are dead, its record is written`, async (t) => {
      const client = await openMcp(t);
      client.server.enqueue(call("exec_command", RUNAWAYS, "c"));
      client.send({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } });
      const { rollout_path: record } = (await client.event("session_configured")).params.msg;
      await client.event("exec_command_begin");
      await client.place.populated(4);
      if (how === "stdin") client.program.stdin.end();
      else client.program.signal(how);
      const ended = await client.program.ended;
      assert.equal(ended.code, code);
      assert.equal(ended.stderr, "");
      assert.deepEqual(client.types(1).at(-1), "turn_aborted");
      const { result } = await client.answer(1);
      assert.equal(result.isError, true);
      assert.match(result.content[0].text, how === "stdin" ? /stdin has ended/ : new RegExp(`got ${how}`));
      assert.match(result.content[0].text, /Calls: exec_command cut\nKilled: .*sleep 301/);
      await client.place.quiet();
      assert.match(readFileSync(record, "utf8"), /"type":"turn_aborted","reason":"interrupted"/);
      await client.finish();
    });
  }

  test("an open question, and a client that leaves: the turn is stopped, not answered for", async (t) => {
    const client = await openMcp(t);
    await client.initialize();
    askToTouch(client, "never", 1);
    await client.until((one) => one.method === "elicitation/create");
    client.program.leaveStdout();
    client.program.stdin.end();
    const { code } = await client.program.ended;
    assert.ok(code === 0 || code === 141, `exit code ${code}`);
    assert.ok(!existsSync(join(client.place.dir, "never")));
    assert.equal(client.server.requests.length, 1);
  });
});
