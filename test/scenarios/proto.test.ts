import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, partial, stall, text } from "../support/model-server.js";
import { openScene } from "../support/program.js";
import { openProto, type ProtoClient } from "./proto-client.js";

const TREE = "sleep 60 & (sleep 61; echo late > late) & echo begun; sleep 62; echo late > late";

/** Starts turn `1` with a command that has children, and waits for them. */
async function startTree(client: ProtoClient): Promise<void> {
  client.server.enqueue(call("exec_command", { cmd: TREE }, "tree"));
  client.say("1", "go");
  // The program, the shell, its subshell and three that sleep.
  await client.place.populated(6);
}

/** What of the turn lived when its terminal event arrived. */
function livingAtTheEnd({ place, program, onEvent }: ProtoClient): () => number[] {
  let living: number[] = [-1];
  onEvent(({ msg }) => {
    if (msg.type === "turn_aborted") living = place.processes().filter((pid) => pid !== program.pid);
  });
  return () => living;
}

describe("belay proto runs turns", { concurrency: 4 }, () => {
  it("introduces itself, runs a turn, and another one that remembers it", async (t) => {
    const client = await openProto(t);
    const { server } = client;
    const hello = await client.until("session_configured");
    assert.equal(hello.model, "mock-model");
    server.enqueue([text("Looking."), call("exec_command", { cmd: "echo one; echo two >&2" }, "c1")], text("Done."));
    client.say("first", "look");
    assert.deepEqual(await client.end("first"), { type: "task_complete", last_agent_message: "Done." });
    assert.deepEqual(client.types("first"), [
      "task_started",
      "agent_message",
      "exec_command_begin",
      "exec_command_end",
      "token_count",
      "agent_message",
      "token_count",
      "task_complete",
    ]);
    const ended = await client.until("exec_command_end");
    assert.deepEqual([ended.stdout, ended.stderr, ended.exit_code], ["one\n", "two\n", 0]);
    const live = client.events.flatMap(({ msg }) =>
      msg.type === "exec_command_output_delta" && msg.stream === "stdout" ? [Buffer.from(msg.chunk).toString()] : [],
    );
    assert.equal(live.join(""), "one\n");
    server.enqueue(text("Again."));
    client.say("second", "and now?");
    await client.end("second");
    assert.deepEqual(server.requests.at(-1)!.assistantTexts(), ["Looking.", "Done."]);
    assert.deepEqual(server.requests.at(-1)!.userTexts().slice(-2), ["look", "and now?"]);
    assert.equal((await client.finish()).code, 0);
  });

  it("answers bad lines and disturbs nothing else", async (t) => {
    const client = await openProto(t);
    client.server.enqueue([partial("thin"), stall()]);
    client.say("1", "go");
    await client.until("agent_message_delta");
    client.program.stdin.write('no json\n{"id":"7","op":{"type":"frobnicate"}}\n\u2028\n[1]\n');
    await client.until("error", (_, event) => event.id === "7");
    client.send("stop", { type: "interrupt" });
    await client.until("background_event", (_, event) => event.id === "stop");
    const errors = client.events.filter(({ msg }) => msg.type === "error");
    assert.deepEqual(
      errors.map(({ id }) => id),
      ["", "7", "", ""],
    );
    for (const { msg } of errors) assert.match(msg.type === "error" ? msg.message : "", /^invalid submission: /);
    assert.deepEqual(client.types("1"), ["task_started", "turn_aborted"]);
    const done = await client.finish();
    assert.equal(done.code, 0);
    assert.equal(done.stderr.match(/^belay: invalid submission: /gm)?.length, 4);
  });

  it("answers half a line at the end of stdin", async (t) => {
    const client = await openProto(t);
    await client.until("session_configured");
    client.program.stdin.write('{"id":"1","op":{"type":"user_in');
    const done = await client.finish();
    assert.equal(done.code, 0);
    assert.deepEqual(
      client.events.map(({ msg }) => msg.type),
      ["session_configured", "error"],
    );
    assert.equal(client.server.requests.length, 0);
  });

  it("takes a last line that has no line feed", async (t) => {
    const client = await openProto(t);
    await client.until("session_configured");
    client.program.stdin.write('{"id":"h","op":{"type":"list_mcp_tools"}}');
    await client.finish();
    assert.deepEqual(client.types("h"), ["mcp_list_tools_response"]);
  });

  it("ends after a shutdown, with the turn stopped first", async (t) => {
    const client = await openProto(t);
    await startTree(client);
    const living = livingAtTheEnd(client);
    client.send("bye", { type: "shutdown" });
    const done = await client.program.ended;
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(living(), []);
    assert.deepEqual(
      client.events.slice(-2).map(({ id, msg }) => [id, msg.type]),
      [
        ["1", "turn_aborted"],
        ["bye", "shutdown_complete"],
      ],
    );
    await client.finish();
  });

  it("keeps what the user typed, on request, for the next conversation to look up", async (t) => {
    const scene = await openScene(t);
    const first = await openProto(t, { scene });
    const hello = await first.until("session_configured");
    assert.equal(hello.history_entry_count, 0);
    first.send("a", { type: "add_to_history", text: "first line\nsecond" });
    first.send("b", { type: "add_to_history", text: "another" });
    assert.equal((await first.finish()).code, 0);

    const next = await openProto(t, { scene });
    const { history_log_id: log_id, history_entry_count: count } = await next.until("session_configured");
    assert.equal(count, 2);
    next.send("0", { type: "get_history_entry_request", offset: 0, log_id });
    next.send("2", { type: "get_history_entry_request", offset: 2, log_id });
    next.send("other", { type: "get_history_entry_request", offset: 0, log_id: log_id + 1 });
    await next.until("get_history_entry_response", (_, event) => event.id === "other");
    const entries = next.events.flatMap(({ msg }) => (msg.type === "get_history_entry_response" ? [msg] : []));
    assert.deepEqual(
      entries.map(({ offset, entry }) => [offset, entry?.session_id, entry?.text]),
      [
        [0, hello.session_id, "first line\nsecond"],
        [2, undefined, undefined],
        [0, undefined, undefined],
      ],
    );
    await next.finish();
  });

  it("runs the next turn with what override_turn_context set", async (t) => {
    const client = await openProto(t);
    client.place.write("sub/here.txt", "found\n");
    client.server.enqueue(call("exec_command", { cmd: "cat here.txt" }, "c1"), text("ok"));
    const cwd = join(client.place.dir, "sub");
    client.send("set", { type: "override_turn_context", cwd, model: "other-model", effort: "high" });
    client.say("1", "go");
    await client.end("1");
    const request = client.server.requests[1]!;
    assert.equal(request.body.model, "other-model");
    assert.deepEqual((request.body.reasoning as { effort?: string }).effort, "high");
    assert.match(request.outputOf("c1") ?? "", /Output:\nfound\n$/);
    assert.ok(request.userTexts().some((part) => part.includes(`Current working directory: ${cwd}`)));
    await client.finish();
  });

  it("compacts on request: the summary and the last message take the place of the rest", async (t) => {
    const client = await openProto(t);
    client.server.enqueue(
      [text("A long answer."), call("exec_command", { cmd: "echo side effect" }, "c1")],
      text("Done."),
      text("We talked about fish."),
      text("Go on."),
    );
    client.say("1", "tell me of fish");
    await client.end("1");
    client.send("pack", { type: "compact" });
    assert.equal((await client.end("pack")).type, "task_complete");
    client.say("2", "and now?");
    await client.end("2");
    const request = client.server.requests[3]!;
    assert.deepEqual(request.assistantTexts(), []);
    const texts = request.userTexts();
    assert.ok(texts.some((part) => part.includes("We talked about fish.") && part.includes("echo side effect")));
    assert.deepEqual(texts.slice(-2), ["tell me of fish", "and now?"]);
    await client.finish();
  });
});

describe("belay proto stops turns", { concurrency: 4 }, () => {
  it("answers an interrupt while nothing runs as an error, at once", async (t) => {
    const client = await openProto(t);
    client.send("i", { type: "interrupt" });
    const { message } = await client.until("error", (_, event) => event.id === "i");
    assert.equal(message, "no active turn to interrupt");
    client.server.enqueue(text("ok"));
    client.say("1", "go");
    await client.end("1");
    client.send("late", { type: "interrupt" });
    await client.until("error", (_, event) => event.id === "late");
    await client.finish();
  });

  it("answers three interrupts after the end of the turn, when all of it is dead", async (t) => {
    const client = await openProto(t);
    await startTree(client);
    const living = livingAtTheEnd(client);
    for (const id of ["a", "b", "c"]) client.send(id, { type: "interrupt" });
    await client.until("background_event", (_, event) => event.id === "c");
    assert.deepEqual(living(), []);
    const end = await client.end("1");
    assert.ok(end.type === "turn_aborted");
    assert.deepEqual(
      end.calls?.map(({ call_id, outcome }) => [call_id, outcome]),
      [["tree", "cut"]],
    );
    client.server.enqueue(text("I know."));
    client.say("2", "what happened?");
    await client.end("2");
    const request = client.server.requests[1]!;
    assert.match(request.outputOf("tree") ?? "", /^aborted by user after [\d.]+s\n[\s\S]*begun/);
    assert.match(request.userTexts().find((part) => part.startsWith("<turn_aborted>")) ?? "", /exec_command \(tree\)/);
    await client.finish();
    assert.equal(existsSync(join(client.place.dir, "late")), false);
  });

  for (const wire of ["responses", "chat"] as const) {
    it(`closes the socket of a silent server at the interrupt (${wire})`, async (t) => {
      const client = await openProto(t, { wire });
      client.server.enqueue(stall());
      client.say("1", "go");
      await client.server.nextRequest();
      const asked = performance.now();
      client.send("i", { type: "interrupt" });
      assert.ok((await client.server.closed(0)) - asked < 500);
      await client.until("background_event", (_, event) => event.id === "i");
      await client.finish();
    });
  }

  it("prints the end of the turn when stdin ends, and leaves with 0", async (t) => {
    const client = await openProto(t);
    await startTree(client);
    const living = livingAtTheEnd(client);
    const done = await client.finish();
    assert.equal(done.code, 0, done.stderr);
    assert.equal(client.events.at(-1)?.msg.type, "turn_aborted");
    assert.deepEqual(living(), []);
  });

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
  ] as const) {
    it(`prints the end of the turn on ${signal}, and leaves with ${code}`, async (t) => {
      const client = await openProto(t);
      await startTree(client);
      const living = livingAtTheEnd(client);
      client.program.signal(signal);
      const done = await client.program.ended;
      assert.deepEqual([done.code, done.signal], [code, null], done.stderr);
      assert.equal(client.events.at(-1)?.msg.type, "turn_aborted");
      assert.deepEqual(living(), []);
      await client.finish();
    });
  }

  it("uses input that is typed while a turn runs, or hands it back", async (t) => {
    const client = await openProto(t);
    client.server.enqueue([partial("thin"), stall()]);
    client.say("1", "first");
    await client.until("agent_message_delta");
    client.say("2", "second");
    client.send("i", { type: "interrupt" });
    const end = await client.end("1");
    assert.ok(end.type === "turn_aborted");
    assert.deepEqual(end.unused_input, [[{ type: "text", text: "second" }]]);
    await client.until("background_event", (_, event) => event.id === "i");
    await client.finish();
  });
});
