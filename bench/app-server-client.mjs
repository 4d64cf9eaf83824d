// A client of `codex app-server`: JSON-RPC without the version field, one message a line.
import { now, startMeasured } from "./accounting.mjs";
import { readLines } from "./lines.mjs";

/** Starts the server with one thread against this model URL. The same shape as `openProtoTurns` gives. */
export async function openAppServerTurns(lab, url) {
  const { codex } = lab.programs;
  codex.configure(url);
  const run = startMeasured({ argv: [...codex.command, "app-server"], env: codex.env, cwd: lab.work });
  const waiting = new Set();
  readLines(run.stdout, (line) => {
    const message = JSON.parse(line);
    const at = now();
    for (const take of waiting) take(message, at);
  });
  const next = (test, limitMs = 20_000) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`app-server: no message for ${test}`)), limitMs);
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
    run.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    const { message, at } = await reply;
    if (message.error !== undefined) throw new Error(`${method}: ${message.error.message}`);
    return { result: message.result, at };
  };
  await call("initialize", { clientInfo: { name: "belay-bench", title: null, version: "1" } });
  run.stdin.write(`${JSON.stringify({ method: "initialized" })}\n`);
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
