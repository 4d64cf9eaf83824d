// A scripted model on loopback, in a process of its own. POST /SCRIPT/RUN/responses answers what SCRIPT says for the n-th
// request of RUN; the parent is told by IPC when a request was whole, when its answer went out, when a socket closed.
import { createServer } from "node:http";
import { CREATED, callAnswer, endlessAnswer, textAnswer } from "./frames.mjs";
import { DELTA_TEXT, DELTAS, ENDLESS_MS, FLOOD_COMMAND, STEPS, TREES, WRITES } from "./script.mjs";

const HELLO = textAnswer(["Hel", "lo."]);
const DONE = textAnswer(["Done."]);
const STEP_ANSWERS = Array.from({ length: STEPS }, (_, n) => callAnswer(`call_${n}`, `echo step-${n}`));
const WRITE_ANSWERS = WRITES.map((cmd, n) => callAnswer(`call_${n}`, cmd));
const FLOOD = callAnswer("call_flood", FLOOD_COMMAND);
const ENDLESS = endlessAnswer(DELTA_TEXT);
const TREE_ANSWERS = Object.fromEntries(Object.entries(TREES).map(([name, cmd]) => [name, treeAnswers(cmd)]));
let deltas;

/** The answer to request `n` (from 0) of a run; undefined: the headers and a first event, then silence; ENDLESS: deltas for ever. */
const SCRIPTS = {
  text: () => HELLO,
  deltas: () => {
    deltas ??= textAnswer(Array.from({ length: DELTAS }, () => DELTA_TEXT));
    return deltas;
  },
  steps: (n) => STEP_ANSWERS[n] ?? DONE,
  writes: (n) => WRITE_ANSWERS[n] ?? DONE,
  flood: (n) => (n === 0 ? FLOOD : DONE),
  silent: () => undefined,
  endless: () => ENDLESS,
  tree: (n) => TREE_ANSWERS.obeying(n),
  deaf: (n) => TREE_ANSWERS.deaf(n),
};

/** Every request is the start of a turn: each gets the call, under an id of its own. */
function treeAnswers(cmd) {
  return (n) => callAnswer(`call_tree_${n}`, cmd);
}

const counts = new Map();
const clock = () => Number(process.hrtime.bigint()) / 1e6;

const server = createServer((request, response) => {
  const [, script, run, ...rest] = (request.url ?? "").split("/");
  const parts = [];
  request.on("data", (chunk) => parts.push(chunk));
  request.on("end", () => {
    const answer = SCRIPTS[script];
    if (request.method !== "POST" || answer === undefined || rest.at(-1) !== "responses") {
      response.writeHead(404, { "content-type": "application/json" }).end("{}");
      return;
    }
    const at = clock();
    const n = counts.get(run) ?? 0;
    counts.set(run, n + 1);
    const body = Buffer.concat(parts);
    respond(response, answer(n), { run, n });
    tell({ type: "request", run, n, at, bytes: body.length, ...checkOf(script, n, body) });
  });
});
server.keepAliveTimeout = 60_000;

function respond(response, bytes, { run, n }) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (bytes === undefined) {
    response.socket.once("close", () => tell({ type: "closed", run, n, at: clock() }));
    response.write(CREATED);
    return;
  }
  if (bytes === ENDLESS) {
    response.write(ENDLESS.head);
    const timer = setInterval(() => response.write(ENDLESS.again), ENDLESS_MS);
    response.once("close", () => clearInterval(timer));
    return;
  }
  response.once("finish", () => tell({ type: "finished", run, n, at: clock() }));
  tell({ type: "answer", run, n, at: clock() });
  response.end(bytes);
}

/** What a request shows of the call before it. */
function checkOf(script, n, body) {
  if (script === "steps" && n > 0) return { ok: body.includes(`step-${n - 1}\\n`) };
  if (script !== "flood" || n === 0) return {};
  const output = JSON.parse(body.toString("utf8")).input.findLast(
    (item) => item.type === "function_call_output",
  ).output;
  const text = typeof output === "string" ? output : output.map((part) => part.text ?? "").join("");
  return {
    output: {
      length: text.length,
      head: /\bHEAD-OF-FLOOD\ny\ny\n/.test(text),
      tail: /\ny\ny\nTAIL-OF-FLOOD/.test(text),
    },
  };
}

function tell(message) {
  process.send?.(message);
}

process.on("message", (message) => {
  // Built before anyone waits for it: 25 MB take a moment.
  if (message === "deltas") SCRIPTS.deltas();
  tell({ type: "ready" });
});
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => tell({ type: "listening", port: server.address().port }));
