import { AssertionError } from "node:assert";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Provider } from "../../src/protocol/index.js";
import { type FrameWriter, frameWriter, type WireName } from "./model-frames.js";
import type { Reply, Step } from "./model-replies.js";
import { checkRequest, isObject, type JsonObject, textOf } from "./model-server-checks.js";

export * from "./model-replies.js";

/** A request as it arrived. */
export interface ReceivedRequest {
  /** From 0. */
  readonly n: number;
  readonly wire: WireName;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
  /** Input items (Responses) or messages (Chat), instructions not included on the Responses wire. */
  readonly input: readonly JsonObject[];
  /** `performance.now()` when the whole body had arrived. */
  readonly at: number;
  /** `performance.now()` when the connection was closed, by either side; with keep-alive that can be much later. */
  readonly closed: Promise<number>;
  /** The output text sent for a call, on either wire. */
  outputOf(callId: string): string | undefined;
  /** The texts of the user's messages, in order. */
  userTexts(): string[];
  /** The texts of the assistant's messages, in order. */
  assistantTexts(): string[];
}

/** A model on the loopback interface that says what the test scripted, and checks every request (model-server-checks.ts). */
export interface ModelServer {
  /** The base_url: `http://127.0.0.1:<port>/v1`. Both wires are served. */
  readonly url: string;
  /** TCP connections accepted so far. */
  readonly connections: number;
  readonly requests: readonly ReceivedRequest[];
  /** What was wrong with the requests so far; `close` throws unless empty. */
  readonly violations: readonly string[];
  /** A provider that points here: the wire asked for at the start, key "test-key", 2 retries of each kind. */
  provider(overrides?: Partial<Provider>): Provider;
  /** The next replies, one for each request. */
  enqueue(...replies: readonly Reply[]): void;
  /** Answers every request that finds the queue empty; without it such a request is a violation (HTTP 400). */
  script(answer: (request: ReceivedRequest, n: number) => Reply): void;
  /** The first request not handed out by this function before; rejects after 10 s without one. */
  nextRequest(): Promise<ReceivedRequest>;
  /** `performance.now()` when the connection of request `n` was closed; waits for that request first. */
  closed(n: number): Promise<number>;
  /** Returns the violations and forgets them: for tests that mean to cause them. */
  takeViolations(): string[];
  /** Ends everything. Throws the violations, so that the test fails by them. */
  close(): Promise<void>;
}

const WAIT_LIMIT_MS = 10_000;

export async function startModelServer(options: { readonly wire?: WireName } = {}): Promise<ModelServer> {
  const requests: ReceivedRequest[] = [];
  const arrivals = new Set<() => void>();
  const queue: Reply[] = [];
  const sockets = new Set<Socket>();
  let violations: string[] = [];
  let connections = 0;
  let handedOut = 0;
  let fallback: ((request: ReceivedRequest, n: number) => Reply) | undefined;

  const nextReply = (request: ReceivedRequest): Reply => {
    const reply = queue.shift() ?? fallback?.(request, request.n);
    if (reply !== undefined) return reply;
    violations.push(`request ${request.n}: no reply was scripted for it`);
    const body = JSON.stringify({ error: { message: "no reply was scripted for this request" } });
    return { type: "status", code: 400, body, headers: { "content-type": "application/json" } };
  };
  const receive = async (incoming: IncomingMessage, response: ServerResponse) => {
    const text = await readAll(incoming);
    if (text === undefined) return;
    const request = received(incoming, text, requests.length);
    if (request === undefined) {
      violations.push(`no such path, or a body that is not JSON: ${incoming.method} ${incoming.url}`);
      response.writeHead(404).end();
      return;
    }
    for (const problem of checkRequest(request.wire, request.body)) violations.push(`request ${request.n}: ${problem}`);
    requests.push(request);
    for (const arrived of [...arrivals]) arrived();
    await play(nextReply(request), request, response);
  };
  const server = createServer((incoming, response) => {
    receive(incoming, response).catch((error: unknown) => {
      // A bug in the script or in this server: the test must hear of it, and the client must not hang.
      violations.push(`the model server failed: ${String(error)}`);
      response.destroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    // A client that goes away in the middle is what many tests are about.
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;

  const requestAt = (n: number) =>
    new Promise<ReceivedRequest>((resolve, reject) => {
      const check = () => {
        const request = requests[n];
        if (request === undefined) return;
        clearTimeout(timer);
        arrivals.delete(check);
        resolve(request);
      };
      const timer = setTimeout(() => {
        arrivals.delete(check);
        reject(new Error(`the model server got no request ${n} within ${WAIT_LIMIT_MS} ms`));
      }, WAIT_LIMIT_MS);
      arrivals.add(check);
      check();
    });

  return {
    url,
    requests,
    get connections() {
      return connections;
    },
    get violations() {
      return violations;
    },
    provider: (overrides = {}) => ({
      id: "mock",
      name: "Mock",
      baseUrl: url,
      wireApi: options.wire ?? "responses",
      apiKey: "test-key",
      headers: {},
      queryParams: {},
      requestMaxRetries: 2,
      streamMaxRetries: 2,
      streamIdleTimeoutMs: 10_000,
      proxyUrl: undefined,
      ...overrides,
    }),
    enqueue: (...replies) => void queue.push(...replies),
    script: (answer) => (fallback = answer),
    nextRequest: () => requestAt(handedOut++),
    closed: async (n) => await (await requestAt(n)).closed,
    takeViolations: () => violations.splice(0),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      const found = violations;
      violations = [];
      if (found.length > 0) {
        throw new AssertionError({ message: `the model server saw bad requests:\n- ${found.join("\n- ")}` });
      }
    },
  };
}

/** The whole body as text; undefined when the client left before its end. */
async function readAll(incoming: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const part of incoming) parts.push(part as Buffer);
  } catch {
    // The client went away while it sent: no request came about.
    return undefined;
  }
  return Buffer.concat(parts).toString("utf8");
}

function received(incoming: IncomingMessage, text: string, n: number): ReceivedRequest | undefined {
  const path = incoming.url ?? "";
  const wire = wireOf(path);
  if (wire === undefined || incoming.method !== "POST") return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Reported by the caller as a violation.
    return undefined;
  }
  if (!isObject(body)) return undefined;
  const list = wire === "responses" ? body.input : body.messages;
  const input = Array.isArray(list) ? list.filter(isObject) : [];
  const socket = incoming.socket;
  const closed = new Promise<number>((resolve) => {
    if (socket.destroyed) resolve(performance.now());
    else socket.once("close", () => resolve(performance.now()));
  });
  socket.setMaxListeners(0);
  const texts = (role: string) => input.filter((item) => item.role === role).map((item) => textOf(item.content));
  return {
    n,
    wire,
    path,
    headers: incoming.headers,
    body,
    input,
    at: performance.now(),
    closed,
    userTexts: () => texts("user"),
    assistantTexts: () => texts("assistant"),
    outputOf(callId) {
      const found = input.find((item) =>
        wire === "chat"
          ? item.role === "tool" && item.tool_call_id === callId
          : String(item.type).endsWith("_output") && item.call_id === callId,
      );
      return found === undefined ? undefined : textOf(wire === "chat" ? found.content : found.output);
    },
  };
}

function wireOf(path: string): WireName | undefined {
  const name = path.split("?")[0]!;
  if (name.endsWith("/responses")) return "responses";
  return name.endsWith("/chat/completions") ? "chat" : undefined;
}

/** One reply on its way out. */
interface Exchange {
  readonly response: ServerResponse;
  readonly writer: FrameWriter;
  readonly gone: AbortSignal;
  trickle: { readonly bytes: number; readonly ms: number } | undefined;
}

async function play(reply: Reply, request: ReceivedRequest, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const exchange: Exchange = {
    response,
    writer: frameWriter(request.wire, request.n),
    gone: gone.signal,
    trickle: undefined,
  };
  const steps = Array.isArray(reply) ? (reply as readonly Step[]) : [reply as Step];
  for (const step of steps) {
    if (gone.signal.aborted) return;
    if ((await playStep(step, exchange)) === "over") return;
  }
  if (steps.some((step) => step.type === "raw")) {
    response.end();
    return;
  }
  for (const frame of exchange.writer.end()) await write(frame, exchange);
  response.end();
}

async function playStep(step: Step, exchange: Exchange): Promise<"on" | "over"> {
  const { response, gone } = exchange;
  switch (step.type) {
    case "headers":
      sendHeaders(exchange);
      response.flushHeaders();
      return "on";
    case "pause":
      await rest(step.ms, gone);
      return "on";
    case "hold":
      await Promise.race([step.enter(), aborted(gone)]);
      return "on";
    case "stall":
      await aborted(gone);
      return "over";
    case "cut":
      await flushed(exchange);
      response.socket?.destroy();
      return "over";
    case "end_early":
      sendHeaders(exchange);
      response.end();
      return "over";
    case "trickle":
      exchange.trickle = step;
      return "on";
    case "raw":
      await write(step.bytes, exchange);
      return "on";
    case "status":
      response.writeHead(step.code, step.headers).end(step.body);
      return "over";
    default:
      return playContent(step, exchange);
  }
}

async function playContent(step: Step, exchange: Exchange): Promise<"on" | "over"> {
  let first = true;
  for (const frame of exchange.writer.frames(step)) {
    if (step.type === "text" && step.delayMs > 0 && !first) {
      await rest(step.delayMs, exchange.gone);
    }
    first = false;
    await write(frame, exchange);
  }
  if (step.type !== "failed" && step.type !== "incomplete") return "on";
  exchange.response.end();
  return "over";
}

function sendHeaders({ response }: Exchange): void {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
}

async function write(data: string | Uint8Array, exchange: Exchange): Promise<void> {
  const { response, gone, trickle } = exchange;
  sendHeaders(exchange);
  const bytes = Buffer.from(data);
  const size = trickle?.bytes ?? bytes.length;
  for (let at = 0; at < bytes.length && !gone.aborted; at += size) {
    const roomy = response.write(bytes.subarray(at, at + size));
    if (!roomy) await Promise.race([once(response, "drain"), aborted(gone)]);
    if (trickle !== undefined) await (trickle.ms > 0 ? rest(trickle.ms, gone) : nextTurn());
  }
}

/** Waits until the system has taken all bytes: what is destroyed after that still arrives. */
async function flushed({ response, gone }: Exchange): Promise<void> {
  while ((response.socket?.writableLength ?? 0) > 0 && !gone.aborted) await nextTurn();
}

async function rest(ms: number, gone: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: gone });
  } catch {
    // The client left: the steps that follow see that for themselves.
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
