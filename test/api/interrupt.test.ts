import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { checkConversations } from "../support/conversation-checker.js";
import { type Answer, type ApiClient, interrupt, openApi, say } from "../support/conversation-client.js";
import { call, hold, partial, stall, status, text, usage } from "../support/model-server.js";

const STOPPED: Answer = { result: { abortReason: "interrupted" } };
const NO_TURN = { code: -32600, message: "no active turn to interrupt" };

/** The parts of an answer that are not the envelope. */
function bare({ result, error }: Answer): Answer {
  return { ...(result === undefined ? {} : { result }), ...(error === undefined ? {} : { error }) };
}

async function interrupted(api: ApiClient, id: string, times = 1): Promise<void> {
  const answers = await api.send(...Array.from({ length: times }, () => interrupt(id)));
  assert.deepEqual(answers.map(bare), Array(times).fill(STOPPED));
}

/** The turn after: nothing is stuck. */
async function goesOn(api: ApiClient, id: string): Promise<void> {
  api.model.enqueue(text("still here"));
  await api.send(say(id, "are you there?"));
  await api.event(id, "task_complete", (msg) => "last_agent_message" in msg && msg.last_agent_message === "still here");
  const [answer] = await api.send(interrupt(id));
  assert.deepEqual(answer?.error, NO_TURN);
  checkConversations(api.transcript);
}

const shell = (cmd: string) => call("exec_command", { cmd, login: false });

/** What runs when the interrupt comes: brings a turn there, given a conversation that has no other. */
const MOMENTS: Readonly<Record<string, (api: ApiClient, id: string) => Promise<unknown>>> = {
  "before the first byte": async (api, id) => {
    api.model.enqueue(stall());
    await api.send(say(id, "go"));
    await api.model.nextRequest();
  },
  "while text streams": async (api, id) => {
    const gate = hold();
    api.model.enqueue([partial("one ", { chunks: 2 }), gate, text("two")]);
    await api.send(say(id, "go"));
    await api.event(id, "agent_message_delta");
  },
  "while the model is silent in the middle": async (api, id) => {
    api.model.enqueue([partial("some"), stall()]);
    await api.send(say(id, "go"));
    await api.event(id, "agent_message_delta");
  },
  "while a shell with grandchildren runs": async (api, id) => {
    api.model.enqueue(shell("(sleep 300 & setsid sleep 301 & exec sleep 302) & echo up; wait"));
    await api.send(say(id, "go"));
    await api.event(id, "exec_command_output_delta");
  },
  "while a command ignores TERM": async (api, id) => {
    api.model.enqueue(shell("trap '' TERM; echo up; while :; do sleep 300; done"));
    await api.send(say(id, "go"));
    await api.event(id, "exec_command_output_delta");
  },
  "with more calls of the response to come": async (api, id) => {
    api.model.enqueue([shell("echo up; exec sleep 300"), shell("touch never"), shell("touch never-either")]);
    await api.send(say(id, "go"));
    await api.event(id, "exec_command_output_delta");
  },
  "in a retry's wait": async (api, id) => {
    api.model.enqueue(status(429, { error: { message: "slow down" } }, { "retry-after": "60" }));
    await api.send(say(id, "go"));
    await api.event(id, "background_event", (msg) => "message" in msg && msg.message?.includes("retrying") === true);
  },
};

describe("interruptConversation", () => {
  for (const [moment, reach] of Object.entries(MOMENTS)) {
    for (const silent of [false, true]) {
      test(`${moment}${silent ? ", without a listener" : ""}`, async (t) => {
        const api = await openApi(t);
        const id = await api.open({}, { silent });
        await reach(api, id);
        await interrupted(api, id);
        // Their tests are about what a stop kills: nothing of the place may live when the answer is there.
        assert.deepEqual(api.place.processes(), []);
        assert.ok(!existsSync(join(api.place.dir, "never")));
        await goesOn(api, id);
      });
    }
  }

  test("idle: an error at once, with and without a listener, and however many", async (t) => {
    const api = await openApi(t);
    for (const silent of [false, true]) {
      const id = await api.open({}, { silent });
      const answers = await api.send(interrupt(id), interrupt(id));
      assert.deepEqual(
        answers.map(({ error }) => error),
        [NO_TURN, NO_TURN],
      );
    }
    checkConversations(api.transcript);
  });

  test("an id that no conversation has", async (t) => {
    const api = await openApi(t);
    const [answer] = await api.send(interrupt("00000000-0000-0000-0000-000000000000"));
    const message = "conversation not found: 00000000-0000-0000-0000-000000000000";
    assert.deepEqual(answer?.error, { code: -32600, message });
  });

  test("in the same write as the message: that turn is stopped, before a model hears of it", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    api.model.script(() => text("too late"));
    const answers = await api.send(say(id, "go"), interrupt(id), say(id, "again"), interrupt(id));
    assert.deepEqual(answers.map(bare), [{ result: {} }, STOPPED, { result: {} }, STOPPED]);
    checkConversations(api.transcript);
  });

  test("ten at once: ten answers, all after the one event", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    await MOMENTS["while the model is silent in the middle"]!(api, id);
    await interrupted(api, id, 10);
    const ends = api.transcript.filter(
      (entry) => entry.from === "server" && entry.message.method === "codex/event/turn_aborted",
    );
    assert.equal(ends.length, 1);
    await goesOn(api, id);
  });

  test("as the turn ends by itself: the error, after the turn's own end", async (t) => {
    const api = await openApi(t);
    const id = await api.open();
    api.model.enqueue(text("done"));
    let answer: Promise<Answer[]> | undefined;
    // Sent in the very moment in which the client reads the last event.
    const end = api.until((message) => message.method === "codex/event/task_complete");
    void end.then(() => (answer = api.send(interrupt(id))));
    await api.send(say(id, "go"));
    await end;
    const [late] = (await answer) ?? [];
    assert.deepEqual(late?.error, NO_TURN);
    await goesOn(api, id);
  });

  test("of two conversations each stops its own turn alone", async (t) => {
    const api = await openApi(t);
    const [one, two] = [await api.open(), await api.open()];
    const gate = hold();
    api.model.script((request) =>
      request.userTexts().includes("one") ? [partial("a"), stall()] : [partial("b"), gate, text("b")],
    );
    await api.send(say(one!, "one"), say(two!, "two"));
    await api.event(one!, "agent_message_delta");
    await api.event(two!, "agent_message_delta");
    await interrupted(api, one!);
    gate.release();
    await api.event(two!, "task_complete");
    checkConversations(api.transcript);
  });

  test("after its listener was removed", async (t) => {
    const api = await openApi(t);
    const id = await api.open({}, { silent: true });
    const { subscriptionId } = await api.call("addConversationListener", { conversationId: id });
    await MOMENTS["while the model is silent in the middle"]!(api, id);
    await api.call("removeConversationListener", { subscriptionId });
    await interrupted(api, id);
    await api.call("addConversationListener", { conversationId: id });
    await api.until((message) => message.method === "codex/event/turn_aborted");
    checkConversations(api.transcript);
  });

  test("in a compaction", async (t) => {
    const api = await openApi(t);
    const id = await api.open({ config: { model_auto_compact_token_limit: 1000 } });
    api.model.enqueue([text("much"), usage({ input: 5000 })]);
    await api.send(say(id, "go"));
    await api.event(id, "task_complete");
    await api.model.nextRequest();
    api.model.enqueue(stall());
    await api.send(say(id, "more"));
    await api.model.nextRequest();
    await interrupted(api, id);
    checkConversations(api.transcript);
  });

  test("when the client goes away: every turn is stopped and recorded, and nothing is alive", async (t) => {
    const api = await openApi(t);
    const ids = [await api.open(), await api.open({}, { silent: true })];
    for (const id of ids) await MOMENTS["while a shell with grandchildren runs"]!(api, id!);
    await api.leave();
    assert.deepEqual(api.place.processes(), []);
    for (const id of ids) await api.event(id!, "turn_aborted");
    checkConversations(api.transcript);
  });
});

describe("a pending approval", () => {
  const PATCH = "*** Begin Patch\n*** Add File: made.txt\n+made\n*** End Patch";
  const asks: Readonly<Record<string, readonly [string, object]>> = {
    execCommandApproval: ["exec_command", { cmd: "touch made.txt", login: false }],
    applyPatchApproval: ["apply_patch", { input: PATCH }],
  };

  async function openAsking(t: TestContext, method: string, silent = false) {
    const api = await openApi(t);
    const id = await api.open({ approvalPolicy: "untrusted" }, { silent });
    const [tool, args] = asks[method]!;
    api.model.enqueue(call(tool, args));
    api.model.script(() => text("as you wish"));
    await api.send(say(id, "go"));
    const request = await api.until((message) => message.method === method);
    // Of a script what a shell runs, without the shell, as Codex has it.
    const parsed = method === "execCommandApproval" ? [{ type: "unknown", cmd: "touch made.txt" }] : undefined;
    assert.deepEqual(request.params?.parsedCmd, parsed);
    return { api, id, request, made: join(api.place.dir, "made.txt") };
  }

  for (const method of Object.keys(asks)) {
    for (const silent of [false, true]) {
      test(`${method}: withdrawn by an interrupt${silent ? ", without a listener" : ""}; a late yes does nothing`, async (t) => {
        const { api, id, request, made } = await openAsking(t, method, silent);
        await interrupted(api, id);
        const withdrawn = await api.until((message) => message.method === "notifications/cancelled");
        assert.equal(withdrawn.params?.requestId, request.id);
        api.write({ jsonrpc: "2.0", id: request.id, result: { decision: "approved" } });
        await goesOn(api, id);
        assert.ok(!existsSync(made));
      });
    }

    for (const [what, answer, isMade] of [
      ["approved", { result: { decision: "approved" } }, true],
      ["denied", { result: { decision: "denied" } }, false],
      ["an error", { error: { code: -1, message: "client refuses" } }, false],
      ["another shape", { result: { bogus: 1 } }, false],
      ["no object", { result: "approved" }, false],
    ] as const) {
      test(`${method}: ${what} ${isMade ? "does it" : "is a no"}, and the turn goes on`, async (t) => {
        const { api, id, request, made } = await openAsking(t, method);
        api.write({ jsonrpc: "2.0", id: request.id, ...answer });
        await api.event(id, "task_complete");
        assert.equal(existsSync(made), isMade);
        checkConversations(api.transcript);
      });
    }

    test(`${method}: abort stops the turn`, async (t) => {
      const { api, id, request, made } = await openAsking(t, method);
      api.write({ jsonrpc: "2.0", id: request.id, result: { decision: "abort" } });
      await api.event(id, "turn_aborted");
      assert.ok(!existsSync(made));
      checkConversations(api.transcript);
    });

    test(`${method}: a yes and an interrupt in one write: stopped, and nothing done`, async (t) => {
      const { api, id, request, made } = await openAsking(t, method);
      api.write({ jsonrpc: "2.0", id: request.id, result: { decision: "approved" } });
      await interrupted(api, id);
      assert.ok(!existsSync(made));
      checkConversations(api.transcript);
    });
  }
});
