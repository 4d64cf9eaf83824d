import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { checkConversations } from "../support/conversation-checker.js";
import { type ApiClient, openApi, say, startApi } from "../support/conversation-client.js";
import { partial, stall, text } from "../support/model-server.js";
import { faultOf } from "../support/wire-schema.js";

/** A conversation with one turn on record; its id and its file. */
async function record(api: ApiClient, words: string): Promise<{ id: string; path: string }> {
  const { conversationId, rolloutPath } = await api.call("newConversation", {});
  const id = String(conversationId);
  api.model.enqueue(text(`answer to ${words}`));
  await api.send(say(id, words));
  await api.event(id, "task_complete");
  return { id, path: String(rolloutPath) };
}

/** A second client of the same place, as after a restart of the host. */
async function restart(api: ApiClient): Promise<ApiClient> {
  await api.leave();
  return startApi({ model: api.model, place: api.place });
}

interface Listed {
  readonly conversationId: string;
  readonly preview: string;
  readonly path: string;
  readonly modelProvider: string;
}

async function list(api: ApiClient, params: object = {}): Promise<{ items: Listed[]; nextCursor: string | null }> {
  const result = await api.call("listConversations", params);
  assert.equal(faultOf("listConversations.result", result), "");
  return result as unknown as { items: Listed[]; nextCursor: string | null };
}

describe("recorded conversations", () => {
  test("are listed, page by page, the last used first", async (t) => {
    const api = await openApi(t);
    assert.deepEqual(await list(api), { items: [], nextCursor: null });
    const made = [await record(api, "one"), await record(api, "two"), await record(api, "three")];
    const all = await list(api);
    assert.deepEqual(all.items.map(({ preview }) => preview).sort(), ["one", "three", "two"]);
    assert.deepEqual(all.items.map(({ path }) => path).sort(), made.map(({ path }) => path).sort());
    const first = await list(api, { pageSize: 2 });
    const second = await list(api, { pageSize: 2, cursor: first.nextCursor });
    assert.deepEqual([...first.items, ...second.items], all.items);
    assert.equal(second.nextCursor, null);
    assert.equal((await list(api, { modelProviders: ["mock"] })).items.length, 3);
    assert.equal((await list(api, { modelProviders: ["openai"] })).items.length, 0);
  });

  test("are gone on with, by id and by path: what was said is told, and the model knows it", async (t) => {
    const api = await openApi(t);
    const { id, path } = await record(api, "one");
    for (const source of [{ conversationId: id }, { path }]) {
      const next = await restart(api);
      t.after(() => next.leave());
      const result = await next.call("resumeConversation", source);
      assert.equal(faultOf("resumeConversation.result", result), "");
      assert.equal(result.conversationId, id);
      assert.equal(result.rolloutPath, path);
      const told = JSON.stringify(result.initialMessages);
      assert.ok(told.includes('"user_message"') && told.includes("answer to one"), told);
      await next.call("addConversationListener", { conversationId: id });
      const word = JSON.stringify(source).length;
      next.model.enqueue(text(`and more ${word}`));
      await next.send(say(id, `go on ${word}`));
      await next.event(id, "task_complete");
      assert.ok(next.model.requests.at(-1)?.assistantTexts().includes("answer to one"));
      checkConversations(next.transcript);
      await next.leave();
    }
  });

  test("what the params say wins over the record; a folder that has gone is no obstacle", async (t) => {
    const api = await openApi(t);
    const gone = join(api.place.tmp, "gone");
    mkdirSync(gone);
    const { conversationId } = await api.call("newConversation", { cwd: gone });
    const id = String(conversationId);
    api.model.enqueue(text("hello"));
    await api.send(say(id, "hi"));
    await api.event(id, "task_complete");
    const next = await restart(api);
    t.after(() => next.leave());
    rmSync(gone, { recursive: true });
    const overrides = { model: "other", approvalPolicy: "untrusted" };
    assert.equal((await next.call("resumeConversation", { conversationId: id, overrides })).model, "other");
  });

  test("a turn that was cut shows as interrupted, and the model is told", async (t) => {
    const api = await openApi(t);
    const { conversationId } = await api.call("newConversation", {});
    const id = String(conversationId);
    api.model.enqueue([partial("half of it"), stall()]);
    await api.send(say(id, "go"));
    await api.event(id, "agent_message_delta");
    const next = await restart(api);
    t.after(() => next.leave());
    await next.call("resumeConversation", { conversationId: id });
    next.model.enqueue(text("yes"));
    await next.send(say(id, "still there?"));
    await next.event(id, "task_complete");
    assert.ok(
      next.model.requests
        .at(-1)
        ?.userTexts()
        .some((one) => one.includes("<turn_aborted>")),
    );
  });

  test("are put away: closed when they run, out of the list, into the archive", async (t) => {
    const api = await openApi(t);
    const { id, path } = await record(api, "one");
    api.model.enqueue([partial("much"), stall()]);
    const before = api.transcript.length;
    await api.send(say(id, "more"));
    await api.event(id, "agent_message_delta", () => api.transcript.length > before + 3);
    const [wrong] = await api.send({
      method: "archiveConversation",
      params: { conversationId: id, rolloutPath: "/elsewhere.jsonl" },
    });
    assert.match(wrong?.error?.message ?? "", /rolloutPath: the session file of /);
    assert.deepEqual(await api.call("archiveConversation", { conversationId: id, rolloutPath: path }), {});
    await api.event(id, "turn_aborted");
    assert.ok(!existsSync(path));
    assert.deepEqual((await list(api)).items, []);
    const [gone] = await api.send(say(id, "hello?"));
    assert.deepEqual(gone?.error, { code: -32600, message: `conversation not found: ${id}` });
    checkConversations(api.transcript);
  });

  test("one that is open, one that is not there, none at all: errors that say so", async (t) => {
    const api = await openApi(t);
    const { id, path } = await record(api, "one");
    const none = "00000000-0000-7000-8000-000000000000";
    for (const [method, params, reason] of [
      ["resumeConversation", { conversationId: id }, /is open already/],
      ["resumeConversation", { conversationId: none }, /there is no session/],
      ["resumeConversation", { path: "none.jsonl" }, /none\.jsonl/],
      // The beginning of an id is for people.
      ["resumeConversation", { conversationId: id.slice(0, 8) }, /conversation not found/],
      ["resumeConversation", {}, /needs a path or a conversationId/],
      ["archiveConversation", { conversationId: none, rolloutPath: path }, /there is no session/],
    ] as const) {
      const [answer] = await api.send({ method, params });
      assert.equal(answer?.error?.code, -32600, JSON.stringify(answer));
      assert.match(answer?.error?.message ?? "", reason);
    }
  });
});
