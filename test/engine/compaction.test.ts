import assert from "node:assert/strict";
import { test } from "node:test";
import { call, failed, partial, stall, status, text, usage } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk } from "../support/talk.js";

const TOO_LONG = { error: { code: "context_length_exceeded", message: "too long for the window" } };

test("compact keeps what the user said verbatim, lists what was done, and holds the model's summary", async () => {
  const { server, talk } = await openTalk();
  const message = "fix  the\tbug —\nplease";
  server.enqueue(call("exec_command", { cmd: "echo step-one" }), text("half done"), text("fine"));
  await talk.end(talk.say("an older message"));
  await talk.end(talk.say(message));
  server.enqueue(text("SUMMARY OF ALL"), text("next"));
  await talk.end(talk.conversation.submit({ type: "compact" }));
  await talk.end(talk.say("go on"));
  const texts = server.requests.at(-1)!.userTexts();
  assert.match(texts[0] ?? "", /^<environment_context>/);
  assert.equal(texts[1], "an older message");
  assert.match(
    texts[2] ?? "",
    /^<conversation_summary>[\s\S]*SUMMARY[\s\S]*- exec_command .*echo step-one.* -> Exit code: 0/,
  );
  assert.equal(texts[3], message);
  assert.equal(texts[4], "go on");
  assert.deepEqual(server.requests.at(-1)!.assistantTexts(), []);
  await talk.close();
  await server.close();
});

test("what was done stays listed through a second compaction", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(call("exec_command", { cmd: "echo once" }), text("done"), text("S1"), text("S2"), text("ok"));
  await talk.end(talk.say("do it"));
  await talk.end(talk.conversation.submit({ type: "compact" }));
  await talk.end(talk.conversation.submit({ type: "compact" }));
  await talk.end(talk.say("go on"));
  const summary =
    server.requests
      .at(-1)!
      .userTexts()
      .find((line) => line.startsWith("<conversation_summary>")) ?? "";
  assert.equal(summary.match(/echo once/g)?.length, 1);
  assert.match(summary, /S2/);
  await talk.close();
  await server.close();
});

test("a compaction that fails is an error, and leaves the history as it was", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(text("answer"), failed("invalid_prompt", "not today"), text("ok"));
  await talk.end(talk.say("question"));
  const turn = talk.conversation.submit({ type: "compact" });
  const end = await talk.end(turn);
  assert.equal(end.type === "task_complete" && end.failed, true);
  assert.deepEqual(talk.types(turn), ["task_started", "error", "task_complete"]);
  await talk.end(talk.say("go on"));
  assert.deepEqual(server.requests.at(-1)!.assistantTexts(), ["answer"]);
  await talk.close();
  await server.close();
});

test("an interrupt during a compaction leaves the history as it was and hands typed input back", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(text("answer"), [partial("SUMM"), stall()], text("ok"));
  await talk.end(talk.say("question"));
  const turn = talk.conversation.submit({ type: "compact" });
  await server.nextRequest();
  await server.nextRequest();
  talk.say("typed meanwhile");
  await talk.conversation.interrupt();
  const end = await talk.end(turn);
  assert.deepEqual(end.unused_input, [[{ type: "text", text: "typed meanwhile" }]]);
  await talk.end(talk.say("go on"));
  assert.deepEqual(server.requests.at(-1)!.assistantTexts(), ["answer"]);
  assert.ok(
    !server.requests
      .at(-1)!
      .userTexts()
      .some((line) => line.startsWith("<conversation_summary>")),
  );
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("input typed during a compaction is answered by the same turn once it is done", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(text("answer"), text("SUMMARY", { chunks: 4, delayMs: 30 }), text("reply"));
  await talk.end(talk.say("question"));
  const turn = talk.conversation.submit({ type: "compact" });
  talk.say("typed meanwhile");
  const end = await talk.end(turn);
  assert.equal(end.type === "task_complete" && end.last_agent_message, "reply");
  assert.equal(server.requests.at(-1)!.userTexts().at(-1), "typed meanwhile");
  await talk.close();
  await server.close();
});

test("past the limit a turn compacts between its steps and goes on with its task", async () => {
  const { server, talk } = await openTalk({ autoCompactTokenLimit: 1000 });
  server.enqueue(
    [call("exec_command", { cmd: "echo big" }, "big"), usage({ input: 5000 })],
    text("SUMMARY"),
    text("finished"),
  );
  const end = await talk.end(talk.say("a long task"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "finished");
  const [first, asked, after] = server.requests;
  // Servers refuse calls in a history without tools, and keep the conversation in their caches from its tools on.
  assert.deepEqual(asked!.body.tools, first!.body.tools);
  assert.equal(after!.outputOf("big"), undefined);
  assert.equal(after!.userTexts().at(-1), "a long task");
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("a summary that fails is not asked for again before each step", async () => {
  const { server, talk } = await openTalk({ autoCompactTokenLimit: 1_000 });
  const echo = (n: number, total: number) => [call("exec_command", { cmd: `echo ${n}` }), usage({ input: total })];
  server.enqueue(echo(1, 2_000), text(""), text(""), echo(2, 2_100), echo(3, 2_200), echo(4, 9_000));
  // Once much more is there, it is worth another try.
  server.enqueue(text("SUMMARY"), text("end"));
  const end = await talk.end(talk.say("go"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "end");
  assert.equal(server.requests.length, 8);
  assert.ok(JSON.stringify(server.requests.at(-1)!.body).includes("SUMMARY"));
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("when the provider says that the window is full, the turn makes room once and asks again", async () => {
  const { server, talk } = await openTalk();
  server.enqueue(status(400, TOO_LONG), text("SUMMARY"), text("finished"));
  const end = await talk.end(talk.say("a task"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "finished");
  server.enqueue(status(400, TOO_LONG), status(400, TOO_LONG), status(400, TOO_LONG));
  const failing = await talk.end(talk.say("another"));
  assert.equal(failing.type === "task_complete" && failing.failed, true);
  await talk.close();
  await server.close();
});
