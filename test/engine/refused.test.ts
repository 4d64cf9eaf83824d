import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ReceivedRequest } from "../support/model-server.js";
import { call, partial, reasoning, startModelServer, status, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, resumeTalk, startTalk, type Talk } from "../support/talk.js";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);

const images = ({ body }: ReceivedRequest): number => JSON.stringify(body).split("data:image/").length - 1;
const refusal = (message: string, code = 400) => status(code, { error: { message, type: "invalid_request_error" } });
const notices = (talk: Talk) =>
  talk.events.flatMap(({ msg }) => (msg.type === "background_event" ? [msg.message] : [])).join("\n");

test("an image that a server refuses is taken out, the user is told, and the session lives on, resumed too", async () => {
  const { server, talk } = await openTalk();
  writeFileSync(join(talk.cwd, "good.png"), PNG);
  writeFileSync(join(talk.cwd, "torn.png"), PNG.subarray(0, 40));
  server.enqueue(call("view_image", { path: "good.png" }, "good"), text("seen"));
  await talk.end(talk.say("look at the first"));
  server.enqueue(call("view_image", { path: "torn.png" }, "torn"), refusal("The request is not valid."), text("fine"));
  const end = await talk.end(talk.say("and at the second"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "fine");
  assert.match(notices(talk), /refuses an image .*The request is not valid/);
  // The image that a server has taken before stays.
  assert.deepEqual(server.requests.slice(-2).map(images), [2, 1]);
  checkStopContract(talk.events);
  const { home } = talk;
  const id = talk.conversation.id;
  await talk.conversation.close();
  const again = await resumeTalk(server.provider(), { home, source: id });
  server.enqueue(text("still here"));
  const resumed = await again.end(again.say("go on"));
  assert.equal(resumed.type === "task_complete" && resumed.last_agent_message, "still here");
  assert.equal(images(server.requests.at(-1)!), 1);
  assert.match(server.requests.at(-1)!.outputOf("torn") ?? "", /refused/);
  await again.close();
  await talk.close();
  await server.close();
});

test("a refusal that is not about an image stays the turn's failure, and the image stays", async () => {
  const { server, talk } = await openTalk();
  writeFileSync(join(talk.cwd, "good.png"), PNG);
  server.enqueue(call("view_image", { path: "good.png" }), refusal("odd"), refusal("still odd"), text("ok"));
  const end = await talk.end(talk.say("look"));
  assert.equal(end.type === "task_complete" && end.failed, true);
  assert.equal((await talk.until("error")).message.includes("odd"), true);
  await talk.end(talk.say("again"));
  assert.equal(images(server.requests.at(-1)!), 1);
  await talk.close();
  await server.close();
});

test("thoughts that a server can't read back are taken out, with the ids that belong to them", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([reasoning({ encrypted: "SEALED" }), call("exec_command", { cmd: "echo hi" }, "c1")]);
  const words = "The encrypted content could not be verified. (invalid_encrypted_content)";
  server.enqueue(status(400, { error: { message: words, code: "invalid_encrypted_content" } }), text("fine"));
  const end = await talk.end(talk.say("go"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "fine");
  assert.match(notices(talk), /refuses the model's recorded thoughts/);
  const [, refused, taken] = server.requests;
  assert.ok(JSON.stringify(refused!.body).includes("SEALED"));
  assert.ok(!JSON.stringify(taken!.body).includes("SEALED"));
  await talk.close();
  await server.close();
});

test("what one provider sealed does not reach another that the session goes on with", async () => {
  const first = await startModelServer();
  const talk = startTalk(first.provider({ id: "first" }), { model: "one" });
  first.enqueue([reasoning({ encrypted: "SEALED" }), call("exec_command", { cmd: "echo hi" }, "call.1")], text("done"));
  await talk.end(talk.say("go"));
  const { home } = talk;
  const id = talk.conversation.id;
  await talk.conversation.close();
  for (const [provider, model, sealed] of [
    ["second", "one", false],
    ["first", "two", false],
    ["first", "one", true],
  ] as const) {
    const again = await resumeTalk(
      first.provider({ id: provider }),
      { home, source: id, chosen: new Set(["model"]) },
      { model },
    );
    first.enqueue(text(`by ${provider} and ${model}`));
    await again.end(again.say(`for ${provider} and ${model}`));
    const { body } = first.requests.at(-1)!;
    assert.equal(JSON.stringify(body).includes("SEALED"), sealed, `${provider} ${model}`);
    assert.equal(JSON.stringify(body).includes("maker"), false);
    await again.close();
  }
  await talk.close();
  await first.close();
});

test("an answer that is blank replaces nothing, a remark on the way is no final answer, and an empty end is told", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([text("the answer"), text("  \n")]);
  const end = await talk.end(talk.say("one"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "the answer");
  assert.equal(notices(talk), "");
  server.enqueue(call("exec_command", { cmd: "true" }), []);
  const empty = talk.say("two");
  const none = await talk.end(empty);
  assert.equal(none.type === "task_complete" && (none.last_agent_message ?? null), null);
  assert.match(notices(talk), /without an answer/);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("what was said before a failure is told whole, marked as cut, and kept once", async () => {
  const { server, talk } = await openTalk();
  server.enqueue([partial("Half an ans"), { type: "incomplete", reason: "max_output_tokens" }], text("ok"));
  const turn = talk.say("go");
  await talk.end(turn);
  const types = talk.types(turn);
  assert.deepEqual(types.slice(-3), ["agent_message", "error", "task_complete"]);
  const said = await talk.until("agent_message");
  assert.deepEqual([said.message, said.partial], ["Half an ans", true]);
  await talk.end(talk.say("go on"));
  assert.deepEqual(server.requests.at(-1)!.assistantTexts(), ["Half an ans"]);
  await talk.close();
  await server.close();
});
