// A client of the conversation API: `belay mcp-server`, or `codex mcp` of the versions that have it.
import { now, startMeasured } from "./accounting.mjs";
import { readLines } from "./lines.mjs";

/** Starts a server against this model URL. */
export async function openConversations(lab, { program, words }, url) {
  program.configure(url);
  const run = startMeasured({ argv: [...program.command, ...words], env: program.env, cwd: lab.work });
  const waiting = new Set();
  readLines(run.stdout, (line) => {
    const message = JSON.parse(line);
    const at = now();
    for (const take of waiting) take(message, at);
  });
  const next = (test, limitMs = 30_000) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`conversations: no message for ${test}`)), limitMs);
      const take = (message, at) => {
        if (!test(message)) return;
        clearTimeout(timer);
        waiting.delete(take);
        resolve({ message, at });
      };
      waiting.add(take);
    });
  let ids = 0;
  const call = async (method, params) => {
    ids += 1;
    const id = ids;
    const reply = next((message) => message.id === id && message.method === undefined);
    run.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    const { message, at } = await reply;
    if (message.error !== undefined) throw new Error(`${method}: ${message.error.message}`);
    return { ...message.result, at };
  };
  await call("initialize", {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "belay-bench", version: "1" },
  });
  const pid = await run.started;
  return {
    pid,
    /** A conversation with a listener. */
    async open() {
      const { conversationId } = await call("newConversation", { cwd: lab.work });
      await call("addConversationListener", { conversationId });
      return conversationId;
    },
    /** Starts a turn; resolves once text of it has come. */
    async begin(conversationId) {
      const text = next(
        ({ method, params }) =>
          method === "codex/event/agent_message_delta" && params.conversationId === conversationId,
      );
      await call("sendUserMessage", { conversationId, items: [{ type: "text", data: { text: "go on" } }] });
      await text;
    },
    /** Ms from the request until its answer is there. */
    async interrupt(conversationId) {
      const sent = now();
      return (await call("interruptConversation", { conversationId })).at - sent;
    },
    async close() {
      run.stdin.end();
      // Versions of Codex that have this API don't leave by themselves.
      const timer = setTimeout(() => process.kill(pid, "SIGKILL"), 5_000);
      await run.ended;
      clearTimeout(timer);
    },
  };
}
