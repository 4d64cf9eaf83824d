import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Conversation, type Conversations, createConversations } from "../../src/engine/index.js";
import { mountConversations } from "../../src/front/api/index.js";
import { type EventMsg, encodeEvent } from "../../src/protocol/index.js";
import { Peer } from "../../src/rpc/index.js";
import type { Entry, WireMessage } from "./conversation-checker.js";
import { type ModelServer, startModelServer } from "./model-server.js";
import { makePlace, mockConfig, type Place } from "./program.js";
import { Lookout } from "./waiting.js";

/** An answer: one of both is there. */
export interface Answer {
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface ClientRequest {
  readonly method: string;
  readonly params?: unknown;
}

/** A client of the conversation API and the server it talks to, in one process: requests go in as bytes, lines come out. */
export interface ApiClient {
  readonly place: Place;
  readonly model: ModelServer;
  readonly peer: Peer;
  /** All that was sent and received, and what the engine said, in order. */
  readonly transcript: readonly Entry[];
  /** Sends requests in one write; the answers in the same order. */
  send(...requests: readonly ClientRequest[]): Promise<Answer[]>;
  /** One request; its result. Fails when it is answered by an error. */
  call(method: string, params?: unknown): Promise<Record<string, unknown>>;
  /** Any message, as it is; nothing is waited for. */
  write(...messages: readonly object[]): void;
  /** A conversation; with a listener unless `silent`. */
  open(params?: Record<string, unknown>, options?: { readonly silent?: boolean }): Promise<string>;
  /** The first message of the server, past or to come, that fits; fails after 20 s. */
  until(fits: (message: WireMessage) => boolean): Promise<WireMessage>;
  /** The first event of that type, past or to come, that fits, as the engine emitted it: no listener needed. */
  event(conversationId: string, type: EventMsg["type"], fits?: (msg: EventMsg) => boolean): Promise<EventMsg>;
  /** Answers every request of the server from now on. Undefined: not answered. */
  onRequest(answer: (request: WireMessage) => object | undefined): void;
  /** The client goes away: stdin has ended. Resolves when nothing of its conversations is alive. */
  leave(): Promise<void>;
}

/** Closed, and checked for processes left and bad requests to the model, when the test ends. */
export async function openApi(t: TestContext, options: { readonly top?: string } = {}): Promise<ApiClient> {
  const model = await startModelServer();
  const place = makePlace();
  place.configure(mockConfig(model, options));
  const api = startApi({ model, place });
  t.after(async () => {
    await api.leave();
    try {
      await model.close();
      await place.quiet();
    } finally {
      place.remove();
    }
  });
  return api;
}

const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const random = (n: number) => randomBytes(n);

/** An engine for several clients: what it finds out about the machine it finds out once. */
export function startEngine(): Conversations {
  return createConversations({ clock, random, version: "0.0.0-test" });
}

interface Surroundings {
  readonly model: ModelServer;
  readonly place: Place;
  /** Without one the client has its own, closed when it leaves. */
  readonly engine?: Conversations;
}

/** The same in a place, with a model and perhaps an engine, that the caller looks after. */
export function startApi({ model, place, engine: shared }: Surroundings): ApiClient {
  const transcript: Entry[] = [];
  const lookout = new Lookout(() =>
    transcript
      .slice(-30)
      .map((entry) => JSON.stringify(entry).slice(0, 300))
      .join("\n"),
  );
  const answers = new Map<WireMessage["id"], Answer>();
  const note = (entry: Entry): void => {
    transcript.push(entry);
    if (entry.from === "server" && entry.message.method === undefined) answers.set(entry.message.id, entry.message);
    lookout.look();
  };
  const engine = shared ?? startEngine();
  let answerRequest: (request: WireMessage) => object | undefined = () => undefined;
  const peer = new Peer({
    output: {
      write(text) {
        for (const line of text.split("\n").slice(0, -1)) {
          const message = JSON.parse(line) as WireMessage;
          note({ from: "server", message });
          if (message.method === undefined || message.id === undefined) continue;
          const answer = answerRequest(message);
          if (answer !== undefined) setImmediate(() => write({ jsonrpc: "2.0", id: message.id, ...answer }));
        }
      },
    },
  });
  const observedEngine = observed(engine, note);
  const { env, dir } = place;
  const api = mountConversations(peer, {
    ...{ env, cwd: dir, clock, random, version: "0.0.0-test", overrides: [] },
    engine: observedEngine,
  });
  let left: Promise<void> | undefined;
  const write = (...messages: readonly object[]): void => {
    if (left !== undefined) return;
    for (const message of messages) note({ from: "client", message: message as WireMessage });
    void peer.receive(Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join("")));
  };
  const waitFor = <T>(what: string, find: () => T | undefined) => lookout.until({ what, find });
  let nextId = 1;
  const client: ApiClient = {
    ...{ place, model, peer, transcript, write },
    async send(...requests) {
      const messages = requests.map((request) => ({ jsonrpc: "2.0", id: nextId++, ...request }));
      const awaited = messages.map(({ id, method }) => waitFor(`answer to ${method}`, () => answers.get(id)));
      write(...messages);
      return Promise.all(awaited);
    },
    async call(method, params) {
      const [answer] = await client.send({ method, params });
      if (answer?.result === undefined) throw new Error(`${method}: ${answer?.error?.message}`);
      return answer.result;
    },
    async open(params = {}, { silent = false } = {}) {
      const { conversationId } = await client.call("newConversation", params);
      if (!silent) await client.call("addConversationListener", { conversationId });
      return conversationId as string;
    },
    until: (fits) =>
      waitFor(`message for ${fits}`, () =>
        transcript.flatMap((entry) => (entry.from === "server" ? [entry.message] : [])).find(fits),
      ),
    event: (id, type, fits = () => true) =>
      waitFor(`${type} of ${id}`, () =>
        transcript
          .flatMap((entry) => (entry.from === "engine" && entry.conversationId === id ? [entry.event.msg] : []))
          .find((msg) => msg.type === type && fits(msg)),
      ),
    onRequest: (answer) => {
      answerRequest = answer;
    },
    leave() {
      left ??= (async () => {
        peer.end();
        await api.close();
        await peer.close();
        if (shared === undefined) await engine.close();
      })();
      return left;
    },
  };
  return client;
}

/** The engine, with its events noted right before the server gets them. */
function observed(engine: Conversations, note: (entry: Entry) => void): Conversations {
  const known = new Map<string, Conversation>();
  return {
    ...engine,
    start(config) {
      const conversation = noted(engine.start(config), note);
      known.set(conversation.id, conversation);
      return conversation;
    },
    async resume(init) {
      const opened = await engine.resume(init);
      if (!opened.ok) return opened;
      const conversation = noted(opened.conversation, note);
      known.set(conversation.id, conversation);
      return { ...opened, conversation };
    },
    find: (id) => (engine.find(id) === undefined ? undefined : known.get(id)),
  };
}

function noted(conversation: Conversation, note: (entry: Entry) => void): Conversation {
  return new Proxy(conversation, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== "subscribe") return typeof value === "function" ? value.bind(target) : value;
      return (listener: Parameters<Conversation["subscribe"]>[0]) =>
        target.subscribe((event) => {
          note({ from: "engine", conversationId: target.id, event: JSON.parse(encodeEvent(event)) });
          return listener(event);
        });
    },
  });
}

/** No sandbox is found on this PATH: what holds then is not held by the sandbox. */
export function withoutWalls(api: ApiClient): void {
  const bin = join(api.place.tmp, "bin");
  mkdirSync(bin);
  for (const name of ["git", "sh", "cat", "touch"]) {
    symlinkSync(execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), join(bin, name));
  }
  (api.place.env as Record<string, string>).PATH = bin;
}

/** A `sendUserMessage` with one text. */
export function say(conversationId: string, text: string): ClientRequest {
  return { method: "sendUserMessage", params: { conversationId, items: [{ type: "text", data: { text } }] } };
}

export function interrupt(conversationId: string): ClientRequest {
  return { method: "interruptConversation", params: { conversationId } };
}
