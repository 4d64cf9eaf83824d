import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { type Conversations, createConversations } from "../../../src/engine/index.js";
import { type McpServer, mountMcp } from "../../../src/front/mcp-server/mount.js";
import { Peer, type PeerInit } from "../../../src/rpc/index.js";
import { type ModelServer, startModelServer } from "../../support/model-server.js";
import { makePlace, mockConfig, type Place } from "../../support/program.js";
import type { Id, Message } from "./mcp-client.js";

/** The MCP server on a peer in this process, with a real engine behind it. */
export interface MemoryServer {
  readonly peer: Peer;
  readonly mcp: McpServer;
  readonly engine: Conversations;
  readonly model: ModelServer;
  readonly place: Place;
  /** All that was written, in order. */
  readonly messages: readonly Message[];
  send(message: object): void;
  /** The answer to a request sent under the next number. */
  request(method: string, params?: unknown): Promise<Message>;
  answer(id: Id): Promise<Message>;
  /** Called for each message as it is written. */
  onMessage(listener: (message: Message) => void): void;
  /** The first message, past or to come, that fits. */
  until(fits: (message: Message) => boolean): Promise<Message>;
  /** As when the client leaves. */
  close(): Promise<void>;
}

/** What servers of a test may share. */
export interface Ground {
  readonly model: ModelServer;
  readonly place: Place;
}

/** Gone, and checked, when the test ends. */
export async function openGround(t: TestContext): Promise<Ground> {
  const model = await startModelServer({ wire: "responses" });
  const place = makePlace();
  place.configure(mockConfig(model));
  t.after(async () => {
    await model.close();
    place.remove();
  });
  return { model, place };
}

export async function openMemory(t: TestContext, options: { output?: PeerInit["output"] } = {}): Promise<MemoryServer> {
  const ground = await openGround(t);
  const server = startMemory(ground, options.output);
  t.after(() => server.close());
  return server;
}

export function startMemory({ model, place }: Ground, output?: PeerInit["output"]): MemoryServer {
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const engine = createConversations({ clock, random: (n) => randomBytes(n), version: "0.0.0-test" });
  const messages: Message[] = [];
  const listeners = new Set<(message: Message) => void>();
  const faults: unknown[] = [];
  const peer = new Peer({
    output: {
      write: (text) => {
        const message = JSON.parse(text) as Message;
        messages.push(message);
        for (const listener of [...listeners]) listener(message);
        return output?.write(text);
      },
    },
    onFault: (error) => void faults.push(error),
  });
  const mcp = mountMcp(peer, { env: place.env, cwd: place.dir, version: "0.0.0-test", clock, engine, overrides: [] });
  let closing: Promise<void> | undefined;
  const close = async () => {
    peer.end();
    mcp.refuse("the test is over");
    await engine.close();
    await peer.close();
    await mcp.close();
    if (faults.length > 0) throw faults[0];
  };
  const server: MemoryServer = {
    peer,
    mcp,
    engine,
    model,
    place,
    messages,
    send: (message) => void peer.receive(Buffer.from(`${JSON.stringify(message)}\n`)),
    request: (method, params) => {
      const id = `request ${messages.length} ${method}`;
      server.send({ id, method, params });
      return server.answer(id);
    },
    answer: (id) => server.until((one) => one.id === id && one.method === undefined),
    until: (fits) =>
      new Promise((resolve) => {
        const found = messages.find(fits);
        if (found !== undefined) resolve(found);
        else listeners.add((one) => void (fits(one) && resolve(one)));
      }),
    onMessage: (listener) => void listeners.add(listener),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
  return server;
}
