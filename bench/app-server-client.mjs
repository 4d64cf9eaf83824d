// A client of `codex app-server`: JSON-RPC without the version field, one message a line.
import { now, startMeasured } from "./accounting.mjs";
import { openRpc } from "./rpc-client.mjs";

/** Starts the server with one thread against this model URL. The same shape as `openProtoTurns` gives. */
export async function openAppServerTurns(lab, url) {
  const { codex } = lab.programs;
  codex.configure(url);
  const run = startMeasured({ argv: [...codex.command, "app-server"], env: codex.env, cwd: lab.work });
  const { next, call, write } = openRpc(run, { name: "app-server", limitMs: 20_000 });
  await call("initialize", { clientInfo: { name: "belay-bench", title: null, version: "1" } });
  write({ method: "initialized" });
  const { result } = await call("thread/start", { cwd: lab.work });
  const threadId = result.thread.id;
  let turnId;
  return {
    /** Starts a turn; resolves once it can be interrupted. */
    async begin() {
      const started = next((message) => message.method === "turn/started");
      await call("turn/start", { threadId, input: [{ type: "text", text: "go on", text_elements: [] }] });
      turnId = (await started).message.params.turn.id;
    },
    /** Ms from the request until both its reply and the end of the turn are there. */
    async interrupt() {
      const completed = next((message) => message.method === "turn/completed");
      const sent = now();
      const reply = await call("turn/interrupt", { threadId, turnId });
      return Math.max(reply.at, (await completed).at) - sent;
    },
    async close() {
      run.stdin.end();
      await run.ended;
    },
  };
}
