import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { type Model, openModel } from "../../src/model/index.js";
import type { Provider } from "../../src/protocol/index.js";
import { startModelServer } from "../support/model-server.js";
import { deps } from "./model-fixture.js";

/** A server that answers as a test says, byte for byte, where the scripted model server says too little. */
export interface PlainServer {
  readonly url: string;
  readonly server: Server;
  /** The requests so far, with their bodies, and the connections they came on. */
  readonly requests: readonly {
    readonly path: string;
    readonly body: string;
    readonly headers: IncomingMessage["headers"];
  }[];
  readonly sockets: readonly Socket[];
  /** A model that points here; closed with the test. */
  model(provider?: Partial<Provider>): Model;
}

/** Answers each request once its body has been read. Everything ends with the test. */
export async function plainServer(
  t: TestContext,
  answer: RequestListener,
  { server = createServer() }: { readonly server?: Server } = {},
): Promise<PlainServer> {
  const requests: PlainServer["requests"][number][] = [];
  const sockets: Socket[] = [];
  const models: Model[] = [];
  server.on("request", (incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      requests.push({ path: incoming.url ?? "", body: Buffer.concat(parts).toString(), headers: incoming.headers });
      answer(incoming, response);
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const mock = await startModelServer({ wire: "chat" });
  const template = mock.provider();
  await mock.close();
  t.after(async () => {
    for (const model of models) model.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `${"key" in server ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    server,
    requests,
    sockets,
    model(provider = {}) {
      const model = openModel({ ...template, baseUrl: `${url}/v1`, ...provider }, deps);
      models.push(model);
      return model;
    },
  };
}

/** A whole Chat stream that says `text`. */
export function chatStream(text: string): string {
  const chunk = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;
  return `${chunk({ delta: { content: text } })}${chunk({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`;
}
