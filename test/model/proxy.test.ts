import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { after, before, type TestContext, test } from "node:test";
import { openModel } from "../../src/model/index.js";
import { startModelServer, text } from "../support/model-server.js";
import { collect, collectFailure, deps, quiet, request, said } from "./model-fixture.js";
import { certificate, privateKey } from "./tls-fixture.js";

const DONE = 'data: {"type":"response.completed","response":{}}\n\n';

interface Proxy {
  readonly url: string;
  readonly asked: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }[];
  /** The CONNECT requests' sockets. */
  readonly sockets: Socket[];
}

/** A forwarding proxy; `answer` replaces the tunnel by a status, or by silence. */
async function startProxy(t: TestContext, answer?: number | "silence"): Promise<Proxy> {
  const asked: Proxy["asked"] = [];
  const sockets: Socket[] = [];
  const server = createServer((incoming, response) => {
    asked.push({ method: incoming.method!, url: incoming.url!, headers: incoming.headers });
    const { host, "proxy-authorization": _, ...headers } = incoming.headers;
    const onward = httpRequest(incoming.url!, { method: "POST", headers: { ...headers, host } }, (back) => {
      response.writeHead(back.statusCode!, back.headers);
      back.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket: Socket) => {
    asked.push({ method: "CONNECT", url: incoming.url!, headers: incoming.headers });
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    if (answer === "silence") socket.resume();
    else if (answer !== undefined) socket.end(`HTTP/1.1 ${answer} No\r\n\r\n`);
    else {
      const [host, port] = incoming.url!.split(":");
      const onward = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      onward.on("error", () => socket.destroy());
      socket.on("close", () => onward.destroy());
    }
  });
  const port = await listen(t, server);
  return { url: `http://us%20er:pw@127.0.0.1:${port}`, asked, sockets };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const credentials = `Basic ${Buffer.from("us er:pw").toString("base64")}`;

async function withProvider(overrides: object) {
  const server = await startModelServer();
  const model = openModel(server.provider({ requestMaxRetries: 0, ...overrides }), deps);
  return { server, model };
}

let trust: string | undefined;
before(() => {
  trust = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
});
after(() => {
  if (trust === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  else process.env.NODE_TLS_REJECT_UNAUTHORIZED = trust;
});

test("plain HTTP goes through the proxy with the whole URL, over a kept connection", async (t) => {
  const proxy = await startProxy(t);
  const { server, model } = await withProvider({ proxyUrl: proxy.url, queryParams: { v: "1" } });
  server.enqueue(text("one"), text("two"));
  assert.equal(said(await collect(model)), "one");
  assert.equal(said(await collect(model)), "two");
  assert.equal(proxy.asked.length, 2);
  assert.equal(proxy.asked[0]!.url, `${server.url}/responses?v=1`);
  assert.equal(proxy.asked[0]!.headers["proxy-authorization"], credentials);
  assert.equal(server.requests[0]!.headers.host, new URL(server.url).host);
  model.close();
  await server.close();
});

test("TLS goes through a tunnel, made once for two requests; an untrusted certificate is told, not retried", async (t) => {
  const proxy = await startProxy(t);
  const secure = createTlsServer({ cert: certificate, key: privateKey }, (incoming, response) => {
    incoming.resume();
    response.end(DONE);
  });
  const port = await listen(t, secure as unknown as Server);
  const baseUrl = `https://localhost:${port}/v1`;
  const { server, model } = await withProvider({ baseUrl, proxyUrl: proxy.url, requestMaxRetries: 3 });
  const { events, error } = await collectFailure(model);
  assert.deepEqual([error.kind, events], ["connect", []]);
  assert.match(error.message, /certificate of https:\/\/localhost:\d+ is not trusted .*NODE_EXTRA_CA_CERTS/);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  const before = proxy.asked.length;
  assert.equal((await collect(model)).length, 1);
  assert.equal((await collect(model)).length, 1);
  assert.deepEqual(
    proxy.asked.slice(before).map(({ method, url }) => [method, url]),
    [["CONNECT", `localhost:${port}`]],
  );
  assert.equal(proxy.asked[0]!.headers["proxy-authorization"], credentials);
  const direct = openModel(server.provider({ baseUrl }), deps);
  assert.equal((await collect(direct)).length, 1);
  direct.close();
  model.close();
  await server.close();
});

test("a proxy that refuses is told, without its password", async (t) => {
  const proxy = await startProxy(t, 407);
  const { server, model } = await withProvider({ baseUrl: "https://localhost:1/v1", proxyUrl: proxy.url });
  const { error } = await collectFailure(model);
  assert.equal(error.kind, "connect");
  assert.match(error.message, /through the proxy http:\/\/127\.0\.0\.1:\d+: the proxy answered 407 to CONNECT/);
  assert.ok(!error.message.includes("pw"));
  model.close();
  await server.close();
});

test("cancelled while the proxy is silent: its connection closes", async (t) => {
  const proxy = await startProxy(t, "silence");
  const { server, model } = await withProvider({ baseUrl: "https://localhost:1/v1", proxyUrl: proxy.url });
  const controller = new AbortController();
  const stream = model.stream(request(), controller.signal)[Symbol.asyncIterator]();
  const first = stream.next();
  const settled = assert.rejects(Promise.resolve(first), (error) => error === "stop");
  while (proxy.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closed = once(proxy.sockets[0]!, "close");
  controller.abort("stop");
  await Promise.all([settled, closed]);
  model.close();
  await server.close();
});

test("a proxy that is not there is named", async () => {
  const { server, model } = await withProvider({ proxyUrl: "http://127.0.0.1:1" });
  const events: unknown[] = [];
  await assert.rejects(async () => {
    for await (const event of model.stream(request(), quiet())) events.push(event);
  }, /through the proxy http:\/\/127\.0\.0\.1:1 \(connection refused\)/);
  await server.close();
});
