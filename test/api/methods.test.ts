import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkConversations } from "../support/conversation-checker.js";
import { type ApiClient, openApi, say } from "../support/conversation-client.js";
import { partial, stall, text } from "../support/model-server.js";
import { faultOf, SHIPPED } from "../support/wire-schema.js";

const NO_ID = "00000000-0000-0000-0000-000000000000";

/** Params that each method takes, with every field in it. */
const SAMPLES: Readonly<Record<string, Record<string, unknown>>> = {
  newConversation: {
    ...{ model: "m", modelProvider: "mock", profile: null, cwd: ".", approvalPolicy: "never", sandbox: "read-only" },
    ...{ config: { a: 1 }, baseInstructions: "b", developerInstructions: "d", compactPrompt: "c" },
    ...{ includePlanTool: true, includeApplyPatchTool: false },
  },
  sendUserMessage: { conversationId: NO_ID, items: [{ type: "text", data: { text: "hi" } }] },
  sendUserTurn: {
    ...{ conversationId: NO_ID, items: [], cwd: "/", approvalPolicy: "never", sandboxPolicy: { mode: "read-only" } },
    ...{ model: "m", effort: "low", summary: "auto", outputSchema: {} },
  },
  interruptConversation: { conversationId: NO_ID },
  addConversationListener: { conversationId: NO_ID },
  removeConversationListener: { subscriptionId: NO_ID },
  listConversations: { pageSize: 5, cursor: "c", modelProviders: [] },
  resumeConversation: { path: "/none", conversationId: NO_ID, overrides: {} },
  archiveConversation: { conversationId: NO_ID, rolloutPath: "/none" },
  loginApiKey: { apiKey: "k" },
  loginChatGpt: {},
  cancelLoginChatGpt: { loginId: NO_ID },
  logoutChatGpt: {},
  getAuthStatus: { includeToken: false, refreshToken: false },
  getUserAgent: {},
  gitDiffToRemote: { cwd: "/" },
  execOneOffCommand: { command: ["true"], timeoutMs: 1000, cwd: "/", sandboxPolicy: { mode: "danger-full-access" } },
  fuzzyFileSearch: { query: "q", roots: [], cancellationToken: "t" },
};

const WRONG = [null, true, 7, -1, 0.5, "x", [], ["x"], [7], {}, { type: "text" }, { mode: "x" }];

describe("bad input", () => {
  test("every method has its definitions and its sample", () => {
    const defined = Object.keys(SHIPPED.definitions).flatMap((name) => /^([a-zA-Z]+)\.params$/.exec(name)?.[1] ?? []);
    const requests = defined.filter((name) => !name.endsWith("Approval"));
    assert.deepEqual(requests.sort(), Object.keys(SAMPLES).sort());
    for (const [method, sample] of Object.entries(SAMPLES)) assert.equal(faultOf(`${method}.params`, sample), "");
  });

  test("what the schema does not allow is -32602 and names the field; what it allows is not", async (t) => {
    const api = await openApi(t);
    let refused = 0;
    for (const [method, sample] of Object.entries(SAMPLES)) {
      const variants = [
        ...WRONG.map((params) => ({ field: "", params: params as unknown })),
        ...Object.keys(sample).flatMap((field) => [
          ...WRONG.map((value) => ({ field, params: { ...sample, [field]: value } })),
          { field, params: Object.fromEntries(Object.entries(sample).filter(([key]) => key !== field)) },
        ]),
      ];
      const bad = variants.filter(({ params }) => faultOf(`${method}.params`, params) !== "");
      const answers = await api.send(...bad.map(({ params }) => ({ method, params })));
      for (const [n, { field, params }] of bad.entries()) {
        const what = `${method} ${JSON.stringify(params)}: ${JSON.stringify(answers[n])}`;
        assert.equal(answers[n]?.error?.code, -32602, what);
        assert.ok(answers[n]?.error?.message.startsWith(`invalid params: ${field}`), what);
      }
      refused += bad.length;
    }
    assert.ok(refused > 300, `${refused} variants`);
    // What is missing can be given as null, or left out, wherever the schema says so.
    for (const method of ["newConversation", "getAuthStatus", "getUserAgent"]) {
      const answers = await api.send({ method }, { method, params: null }, { method, params: { bogus: 1 } });
      for (const answer of answers) assert.ok(answer.result !== undefined, JSON.stringify(answer));
    }
  });

  test("conversations, subscriptions and logins that are not there", async (t) => {
    const api = await openApi(t);
    const { conversationId: _, ...turn } = SAMPLES.sendUserTurn!;
    for (const [method, params, what] of [
      ["sendUserMessage", { conversationId: NO_ID, items: [] }, "conversation"],
      ["sendUserTurn", { conversationId: NO_ID, ...turn }, "conversation"],
      ["interruptConversation", { conversationId: NO_ID }, "conversation"],
      ["addConversationListener", { conversationId: NO_ID }, "conversation"],
      ["removeConversationListener", { subscriptionId: NO_ID }, "subscription"],
      ["cancelLoginChatGpt", { loginId: NO_ID }, "login id"],
    ] as const) {
      const [answer] = await api.send({ method, params });
      assert.deepEqual(answer?.error, { code: -32600, message: `${what} not found: ${NO_ID}` });
    }
    const [answer] = await api.send({ method: "newConversation", params: { profile: "nope" } });
    assert.equal(answer?.error?.code, -32600);
    assert.match(answer?.error?.message ?? "", /^error deriving config: .*profile.*nope/);
  });

  test("what is not there yet says so, and what to do", async (t) => {
    const api = await openApi(t);
    for (const method of ["loginChatGpt", "logoutChatGpt", "loginApiKey"]) {
      const [answer] = await api.send({ method, params: SAMPLES[method] });
      assert.equal(answer?.error?.code, -32600);
      assert.match(answer?.error?.message ?? "", /is not available yet: .*OPENAI_API_KEY/);
    }
  });
});

/** Notifications of a conversation that the client got, deltas in a row as one. */
function notices(api: ApiClient): string[] {
  const types = api.transcript.flatMap((entry) =>
    entry.from === "server" ? (/^codex\/event\/(.*)$/.exec(entry.message.method ?? "")?.[1] ?? []) : [],
  );
  return types.filter((type, at) => !(type.endsWith("_delta") && types[at - 1] === type));
}

const ONE_TURN = ["task_started", "agent_message_delta", "agent_message", "token_count", "task_complete"];

describe("listeners", () => {
  test("two of one connection: each event once; all is valid by the shipped schema", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    await api.call("addConversationListener", { conversationId: id });
    api.model.enqueue(text("hello", { chunks: 3 }));
    await api.send(say(id, "hi"));
    await api.until((message) => message.method === "codex/event/task_complete");
    assert.deepEqual(notices(api), ONE_TURN);
    checkConversations(api.transcript);
    for (const entry of api.transcript) {
      if (entry.from !== "server" || entry.message.method === undefined) continue;
      assert.equal(faultOf("codex/event.params", entry.message.params), "");
    }
  });

  test("what came before the first one comes when it attaches, after the answer to that", async (t) => {
    const api = await openApi(t);
    const id = await api.open({}, { silent: true });
    api.model.enqueue(text("hello"));
    await api.send(say(id, "hi"));
    await api.event(id, "task_complete");
    assert.deepEqual(notices(api), []);
    const before = api.transcript.length;
    const { subscriptionId } = await api.call("addConversationListener", { conversationId: id });
    assert.match(String(subscriptionId), /^[0-9a-f-]{36}$/);
    const answered = api.transcript.slice(before).find((entry) => entry.from === "server");
    assert.ok(answered !== undefined && "message" in answered && answered.message.result !== undefined);
    assert.deepEqual(notices(api), ONE_TURN);
    checkConversations(api.transcript);
  });

  test("one that was removed hears no more, the other one still does, and the next one hears what came meanwhile", async (t) => {
    const api = await openApi(t);
    const id = await api.open({}, { silent: true });
    const listen = async () => (await api.call("addConversationListener", { conversationId: id })).subscriptionId;
    const turn = async (word: string) => {
      api.model.enqueue(text(word));
      await api.send(say(id, word));
      await api.event(id, "task_complete", (msg) => msg.type === "task_complete" && msg.last_agent_message === word);
    };
    const [first, second] = [await listen(), await listen()];
    await api.call("removeConversationListener", { subscriptionId: first });
    await turn("one");
    assert.deepEqual(notices(api), ONE_TURN);
    await api.call("removeConversationListener", { subscriptionId: second });
    await turn("two");
    assert.deepEqual(notices(api), ONE_TURN);
    await listen();
    assert.deepEqual(notices(api), [...ONE_TURN, ...ONE_TURN]);
    checkConversations(api.transcript);
  });

  test("an unheard flood is bounded: deltas go, the ends of turns stay, and the next listener is told", async (t) => {
    const api = await openApi(t);
    const id = await api.open({}, { silent: true });
    for (let turn = 0; turn < 3; turn += 1) {
      const words = Array.from({ length: 100_000 }, (_, n) => turn * 1_000_000 + n);
      api.model.enqueue(text(words.join(" "), { chunks: 600 }));
      const done = api.transcript.length;
      await api.send(say(id, "hi"));
      await api.event(id, "task_complete", () =>
        api.transcript.slice(done).some((entry) => entry.from === "engine" && entry.event.msg.type === "task_complete"),
      );
    }
    await api.call("addConversationListener", { conversationId: id });
    const got = notices(api);
    assert.equal(got[0], "background_event");
    assert.equal(got.filter((type) => type === "task_complete").length, 3);
    const first = await api.until((message) => message.method === "codex/event/background_event");
    assert.match(JSON.stringify(first.params?.msg), /"\d+ events were left out, while nobody listened"/);
    const size = api.transcript.reduce(
      (sum, entry) => sum + (entry.from === "server" ? JSON.stringify(entry.message).length : 0),
      0,
    );
    assert.ok(size < 3_000_000, `${size} characters`);
  });
});

describe("conversations", () => {
  test("newConversation: settings of the params, and the shape of the result", async (t) => {
    const api = await openApi(t);
    const result = await api.call("newConversation", {
      model: "other",
      config: { model_reasoning_effort: "low", "mcp_servers.x": { command: "no" } },
      baseInstructions: "be brief",
      bogus: 1,
    });
    assert.equal(faultOf("newConversation.result", result), "");
    assert.equal(result.model, "other");
    assert.equal(result.reasoningEffort, "low");
    assert.match(String(result.rolloutPath), /rollout-.*\.jsonl$/);
    api.model.enqueue(text("ok"));
    await api.send(say(String(result.conversationId), "hi"));
    const request = await api.model.nextRequest();
    assert.equal(request.body.instructions, "be brief");
    assert.equal(request.body.model, "other");
    await api.event(String(result.conversationId), "task_complete");
  });

  test("sendUserTurn: its settings hold for that turn", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    api.model.script(() => text("ok"));
    const { conversationId: _, ...turn } = SAMPLES.sendUserTurn!;
    const items = [{ type: "text", data: { text: "one" } }];
    await api.call("sendUserTurn", { ...turn, conversationId: id, items, cwd: api.place.dir, model: "other" });
    await api.event(id, "task_complete");
    await api.send(say(id, "two"));
    assert.equal((await api.model.nextRequest()).body.model, "other");
    assert.equal((await api.model.nextRequest()).body.model, "mock-model");
  });

  test("images by snake_case, as in the dialect; and input of a conversation that runs steers it", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    const [bad] = await api.send({
      method: "sendUserMessage",
      params: { conversationId: id, items: [{ type: "image", data: { imageUrl: "data:x" } }] },
    });
    assert.equal(bad?.error?.code, -32602);
    assert.match(bad?.error?.message ?? "", /items\[0\]\.data\.image_url/);
    const url = "data:image/png;base64,iVBORw0KGgo=";
    api.model.enqueue(text("a picture"));
    await api.call("sendUserMessage", { conversationId: id, items: [{ type: "image", data: { image_url: url } }] });
    const request = await api.model.nextRequest();
    assert.ok(JSON.stringify(request.input).includes(url));
    await api.event(id, "task_complete");
  });

  test("nothing to say: an error, and the turn's end, not silence for ever", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    await api.call("sendUserMessage", { conversationId: id, items: [] });
    await api.until((message) => message.method === "codex/event/task_complete");
    assert.deepEqual(notices(api), ["task_started", "error", "task_complete"]);
    checkConversations(api.transcript);
  });

  test("one that the client leaves unheard keeps its promises when the client goes", async (t) => {
    const api = await openApi(t);
    const id = await api.open({}, { silent: true });
    api.model.enqueue([partial("x"), stall()]);
    await api.send(say(id, "hi"));
    await api.event(id, "agent_message_delta");
    const [answer] = await Promise.all([
      api.send({ method: "interruptConversation", params: { conversationId: id } }),
      api.leave(),
    ]);
    assert.deepEqual(answer[0]?.result, { abortReason: "interrupted" });
    checkConversations(api.transcript);
  });
});

describe("who pays, and what is spoken", () => {
  test("getUserAgent; getAuthStatus without a provider of OpenAI's", async (t) => {
    const api = await openApi(t);
    assert.deepEqual(await api.call("getUserAgent"), { userAgent: "belay/0.0.0-test" });
    const none = { authMethod: null, authToken: null, requiresOpenaiAuth: false };
    // The key of the provider that is set is not OpenAI's, and nobody's business.
    assert.deepEqual(await api.call("getAuthStatus", { includeToken: true }), none);
  });

  test("getAuthStatus with OpenAI's key: told only when it is asked for", async (t) => {
    const api = await openApi(t);
    api.place.configure('model_provider = "openai"\n');
    const env = api.place.env as Record<string, string>;
    assert.deepEqual(await api.call("getAuthStatus"), {
      authMethod: null,
      authToken: null,
      requiresOpenaiAuth: true,
    });
    env.OPENAI_API_KEY = "sk-test";
    assert.deepEqual(await api.call("getAuthStatus", { includeToken: false }), {
      authMethod: "apikey",
      authToken: null,
      requiresOpenaiAuth: true,
    });
    assert.equal((await api.call("getAuthStatus", { includeToken: true })).authToken, "sk-test");
    for (const params of [{}, { includeToken: true }]) {
      assert.equal(faultOf("getAuthStatus.result", await api.call("getAuthStatus", params)), "");
    }
  });
});
