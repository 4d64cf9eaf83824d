import { AssertionError } from "node:assert";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Provider } from "../../src/protocol/index.js";
import type { WireName } from "./model-frames.js";
import { play } from "./model-player.js";
import { type Reply, status } from "./model-replies.js";
import { checkRequest, isObject, type JsonObject, textOf } from "./model-server-checks.js";
import { within } from "./waiting.js";

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
  /**
   * `performance.now()` when the connection was closed, by either side. It is kept between requests: after an answer that
   * came to its end it closes when the model is closed, or after 5 s.
   */
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
  /** `performance.now()` when the connection of request `n` was closed; waits up to 10 s for the request, and for the end. */
  closed(n: number): Promise<number>;
  /** Returns the violations and forgets them: for tests that mean to cause them. */
  takeViolations(): string[];
  /** Ends everything. Throws the violations, so that the test fails by them. */
  close(): Promise<void>;
}

export async function startModelServer(options: { readonly wire?: WireName } = {}): Promise<ModelServer> {
  const server = new LoopbackModel(options.wire ?? "responses");
  await server.listen();
  return server;
}

class LoopbackModel implements ModelServer {
  readonly requests: ReceivedRequest[] = [];
  readonly #wire: WireName;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #arrivals = new Set<() => void>();
  readonly #queue: Reply[] = [];
  #violations: string[] = [];
  #connections = 0;
  #handedOut = 0;
  #fallback: ((request: ReceivedRequest, n: number) => Reply) | undefined;

  constructor(wire: WireName) {
    this.#wire = wire;
    this.#server = createServer((incoming, response) => {
      this.#receive(incoming, response).catch((error: unknown) => {
        // A bug in the script or in this server: the test must hear of it, and the client must not hang.
        this.#violations.push(`the model server failed: ${String(error)}`);
        response.destroy();
      });
    });
    this.#server.keepAliveTimeout = 5000;
    this.#server.on("connection", (socket) => this.#connected(socket));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  get connections(): number {
    return this.#connections;
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    // A test that failed before its `close` must be able to end.
    this.#server.unref();
  }

  provider(overrides: Partial<Provider> = {}): Provider {
    return {
      id: "mock",
      name: "Mock",
      baseUrl: this.url,
      wireApi: this.#wire,
      apiKey: "test-key",
      headers: {},
      queryParams: {},
      requestMaxRetries: 2,
      streamMaxRetries: 2,
      streamIdleTimeoutMs: 10_000,
      streamContentTimeoutMs: 60_000,
      extraBody: {},
      compat: {},
      proxyUrl: undefined,
      ...overrides,
    };
  }

  enqueue(...replies: readonly Reply[]): void {
    this.#queue.push(...replies);
  }

  script(answer: (request: ReceivedRequest, n: number) => Reply): void {
    this.#fallback = answer;
  }

  nextRequest(): Promise<ReceivedRequest> {
    const n = this.#handedOut;
    this.#handedOut += 1;
    return this.#requestAt(n);
  }

  async closed(n: number): Promise<number> {
    const request = await this.#requestAt(n);
    return await within(request.closed, () => `request ${n}'s connection was not closed`);
  }

  takeViolations(): string[] {
    return this.#violations.splice(0);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const found = this.takeViolations();
    if (found.length === 0) return;
    throw new AssertionError({ message: `the model server saw bad requests:\n- ${found.join("\n- ")}` });
  }

  #connected(socket: Socket): void {
    this.#connections += 1;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // Each request on the connection listens for its end.
    socket.setMaxListeners(0);
    socket.on("close", () => this.#sockets.delete(socket));
    // A client that goes away in the middle is what many tests are about.
    socket.on("error", () => {});
  }

  async #receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readAll(incoming);
    if (text === undefined) return;
    const request = received(incoming, text, this.requests.length);
    if (request === undefined) {
      this.#violations.push(`no such path, or a body that is not JSON: ${incoming.method} ${incoming.url}`);
      response.writeHead(404).end();
      return;
    }
    const problems = checkRequest(request.wire, request.body);
    this.#violations.push(...problems.map((problem) => `request ${request.n}: ${problem}`));
    this.requests.push(request);
    for (const arrived of [...this.#arrivals]) arrived();
    await play(this.#nextReply(request), request, response);
  }

  #nextReply(request: ReceivedRequest): Reply {
    const reply = this.#queue.shift() ?? this.#fallback?.(request, request.n);
    if (reply !== undefined) return reply;
    this.#violations.push(`request ${request.n}: no reply was scripted for it`);
    return status(400, { error: { message: "no reply was scripted for this request" } });
  }

  #requestAt(n: number): Promise<ReceivedRequest> {
    const arrival = new Promise<ReceivedRequest>((resolve) => {
      const check = () => {
        const request = this.requests[n];
        if (request === undefined) return;
        this.#arrivals.delete(check);
        resolve(request);
      };
      this.#arrivals.add(check);
      check();
    });
    return within(arrival, () => `the model server got no request ${n}`);
  }
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
