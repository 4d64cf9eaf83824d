import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { WireMessage } from "../support/conversation-checker.js";
import { call, partial, stall } from "../support/model-server.js";
import { openScene, type Place, type Program } from "../support/program.js";

/** A host of the built program: one line out, the first message back that fits. */
async function openHost(t: TestContext) {
  const scene = await openScene(t);
  const program = scene.start(["mcp-server"], { stdin: "open" });
  const messages: WireMessage[] = [];
  let look = () => {};
  program.onLine((line) => {
    messages.push(JSON.parse(line) as WireMessage);
    look();
  });
  const until = async (fits: (message: WireMessage) => boolean): Promise<WireMessage> => {
    const found = () => messages.find(fits);
    while (found() === undefined) {
      await Promise.race([new Promise<void>((resolve) => (look = resolve)), ended(program)]);
    }
    return found()!;
  };
  const send = (...lines: readonly object[]) =>
    program.stdin.write(lines.map((line) => `${JSON.stringify({ jsonrpc: "2.0", ...line })}\n`).join(""));
  return { ...scene, program, messages, until, send };
}

async function ended(program: Program): Promise<never> {
  const { code, stdout, stderr } = await program.ended;
  throw new Error(`the server ended with ${code}: ${stdout.slice(-2000)}\n${stderr}`);
}

type Host = Awaited<ReturnType<typeof openHost>>;

/** A conversation whose turn runs a shell with descendants. */
async function runTree(host: Host): Promise<string> {
  host.send({ id: 1, method: "newConversation", params: {} });
  const conversationId = (await host.until(({ id }) => id === 1)).result?.conversationId as string;
  const cmd = "(sleep 300 & setsid sleep 301 & exec sleep 302) & echo up; wait";
  host.server.enqueue(call("exec_command", { cmd, login: false }));
  host.send(
    { id: 2, method: "addConversationListener", params: { conversationId } },
    {
      id: 3,
      method: "sendUserMessage",
      params: { conversationId, items: [{ type: "text", data: { text: "go" } }] },
    },
  );
  await host.until(({ method }) => method === "codex/event/exec_command_output_delta");
  return conversationId;
}

/** The terminal events on record. */
function recorded(place: Place): string[] {
  const root = join(place.home, "sessions");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jsonl"));
  return files.flatMap((name) =>
    readFileSync(join(root, name), "utf8")
      .split("\n")
      .flatMap((line) => /"type":"(turn_aborted|task_complete)"/.exec(line)?.[1] ?? []),
  );
}

describe("a host of belay mcp-server", () => {
  for (const [how, leave, code] of [
    ["ends stdin", (host: Host) => host.program.stdin.end(), 0],
    ["sends SIGTERM", (host: Host) => host.program.signal("SIGTERM"), 143],
    ["sends SIGINT", (host: Host) => host.program.signal("SIGINT"), 130],
    ["leaves in the middle of a line", (host: Host) => host.program.stdin.end('{"jsonrpc":"2.0","id":9,"meth'), 0],
  ] as const) {
    test(`${how}: the turn is stopped, told and recorded, and nothing is alive`, async (t) => {
      const host = await openHost(t);
      await runTree(host);
      leave(host);
      const end = await host.program.ended;
      assert.equal(end.code, code, end.stderr);
      const last = host.messages.filter(({ method }) => method?.startsWith("codex/event/")).at(-1);
      assert.equal(last?.method, "codex/event/turn_aborted");
      assert.deepEqual(recorded(host.place), ["turn_aborted"]);
      assert.deepEqual(host.place.processes(), []);
    });
  }

  test("reads no more: the same, and the exit code says so", async (t) => {
    const host = await openHost(t);
    await runTree(host);
    host.program.leaveStdout();
    // Something must be written for the server to notice.
    host.send({ id: 4, method: "getUserAgent" });
    const end = await host.program.ended;
    assert.equal(end.code, 141, end.stderr);
    assert.deepEqual(recorded(host.place), ["turn_aborted"]);
    assert.deepEqual(host.place.processes(), []);
  });

  test("stops a turn in the write that starts it, of a conversation with no listener", async (t) => {
    const host = await openHost(t);
    host.send({ id: 1, method: "newConversation", params: {} });
    const conversationId = (await host.until(({ id }) => id === 1)).result?.conversationId;
    host.server.script(() => stall());
    const params = { conversationId, items: [{ type: "text", data: { text: "go" } }] };
    host.send(
      { id: 2, method: "sendUserMessage", params },
      { id: 3, method: "interruptConversation", params: { conversationId } },
      { id: 4, method: "interruptConversation", params: { conversationId } },
    );
    for (const id of [3, 4]) {
      assert.deepEqual((await host.until((message) => message.id === id)).result, { abortReason: "interrupted" });
    }
    host.program.stdin.end();
    assert.equal((await host.program.ended).code, 0);
  });

  test("stops a turn that a call of the tool codex has started, and hears of it", async (t) => {
    const host = await openHost(t);
    host.server.enqueue([partial("some"), stall()]);
    const init = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "0" } };
    host.send(
      { id: 1, method: "initialize", params: init },
      { id: 2, method: "tools/call", params: { name: "codex", arguments: { prompt: "go" } } },
    );
    const event = await host.until(
      ({ method, params }) =>
        method === "codex/event" && (params?.msg as { type?: string } | undefined)?.type === "agent_message_delta",
    );
    const conversationId = (event.params?._meta as { threadId?: string } | undefined)?.threadId;
    host.send(
      { id: 3, method: "addConversationListener", params: { conversationId } },
      { id: 4, method: "interruptConversation", params: { conversationId } },
    );
    assert.deepEqual((await host.until(({ id }) => id === 4)).result, { abortReason: "interrupted" });
    const at = (fits: (message: WireMessage) => boolean) => host.messages.findIndex(fits);
    const aborted = at(({ method }) => method === "codex/event/turn_aborted");
    assert.ok(aborted !== -1 && aborted < at(({ id }) => id === 4));
    assert.equal((await host.until(({ id }) => id === 2)).result?.isError, true);
    host.program.stdin.end();
    assert.equal((await host.program.ended).code, 0);
  });
});
