// A client of a JSON-RPC server on the streams of a measured run, one message a line.
import { now } from "./accounting.mjs";
import { readLines } from "./lines.mjs";

/** `name` is for errors; `version`: "2.0" where the server wants the field; `limitMs`: how long a message is waited for. */
export function openRpc(run, { name, version, limitMs }) {
  const waiting = new Set();
  readLines(run.stdout, (line) => {
    const message = JSON.parse(line);
    const at = now();
    for (const take of waiting) take(message, at);
  });
  /** The next message that passes the test, and when it came. */
  const next = (test) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name}: no message for ${test}`)), limitMs);
      const take = (message, at) => {
        if (!test(message)) return;
        clearTimeout(timer);
        waiting.delete(take);
        resolve({ message, at });
      };
      waiting.add(take);
    });
  const write = (message) =>
    run.stdin.write(`${JSON.stringify(version === undefined ? message : { jsonrpc: version, ...message })}\n`);
  let ids = 0;
  /** The result of a request, and when it came. */
  const call = async (method, params) => {
    ids += 1;
    const id = ids;
    const reply = next((message) => message.id === id && message.method === undefined);
    write({ id, method, params });
    const { message, at } = await reply;
    if (message.error !== undefined) throw new Error(`${method}: ${message.error.message}`);
    return { result: message.result, at };
  };
  return { next, call, write };
}
