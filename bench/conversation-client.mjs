// A client of the conversation API: `belay mcp-server`, or `codex mcp` of the versions that have it.
import { now, startMeasured } from "./accounting.mjs";
import { openRpc } from "./rpc-client.mjs";

/** Starts a server against this model URL. */
export async function openConversations(lab, { program, words }, url) {
  program.configure(url);
  const run = startMeasured({ argv: [...program.command, ...words], env: program.env, cwd: lab.work });
  const { next, call } = openRpc(run, { name: "conversations", version: "2.0", limitMs: 30_000 });
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
      const { result } = await call("newConversation", { cwd: lab.work });
      const { conversationId } = result;
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
