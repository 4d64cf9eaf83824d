import assert from "node:assert/strict";
import { createServer as createTlsServer } from "node:https";
import { test } from "node:test";
import { redirectOf } from "../../src/model/redirect.js";
import { collect, collectFailure, request, said } from "./model-fixture.js";
import { chatStream, plainServer } from "./plain-server.js";
import { certificate, privateKey } from "./tls-fixture.js";

const EVENTS = { "content-type": "text/event-stream" };

test("where an answer may send a request", () => {
  const from = new URL("http://host.example:8080/v1/chat/completions");
  const cases: readonly [number, string | undefined, string | undefined][] = [
    [307, "/v2/chat/completions?x=1", "follow http://host.example:8080/v2/chat/completions?x=1"],
    [308, "http://host.example:8080/b", "follow http://host.example:8080/b"],
    [301, "//host.example:8080/c", "follow http://host.example:8080/c"],
    [302, "d", "follow http://host.example:8080/v1/chat/d"],
    [308, "https://host.example/v1", "follow https://host.example/v1"],
    [307, "http://host.example:8081/b", "elsewhere http://host.example:8081"],
    [307, "http://other.example:8080/b?key=1", "elsewhere http://other.example:8080"],
    [307, "https://host.example.evil.example/", "elsewhere https://host.example.evil.example"],
    [307, "http://user:pass@other.example/", "elsewhere http://other.example"],
    [307, "file:///etc/passwd", "elsewhere file:"],
    [303, "/v2", "elsewhere http://host.example:8080"],
    [307, "http://[", undefined],
    [307, undefined, undefined],
    [200, "/v2", undefined],
    [404, "/v2", undefined],
  ];
  for (const [status, location, wanted] of cases) {
    const redirect = redirectOf(status, location, from);
    const told = redirect?.type === "follow" ? `follow ${redirect.url.href}` : redirect && `elsewhere ${redirect.to}`;
    assert.equal(told, wanted, `${status} ${location}`);
  }
  const tls = new URL("https://host.example/v1");
  assert.equal(redirectOf(307, "http://host.example/v1", tls)?.type, "elsewhere");
});

test("redirects within the origin are followed as the same POST, on the same connection", async (t) => {
  const site = await plainServer(t, (incoming, response) => {
    if (incoming.url === "/v1/chat/completions?q=1") response.writeHead(308, { location: "/moved?q=1" }).end("moved");
    else if (incoming.url === "/moved?q=1") response.writeHead(302, { location: "/again" }).end();
    else response.writeHead(200, EVENTS).end(chatStream("there"));
  });
  const model = site.model({ queryParams: { q: "1" } });
  assert.equal(said(await collect(model)), "there");
  assert.deepEqual(
    site.requests.map(({ path }) => path),
    ["/v1/chat/completions?q=1", "/moved?q=1", "/again"],
  );
  assert.equal(new Set(site.requests.map(({ body }) => body)).size, 1);
  assert.ok(site.requests.every(({ headers }) => headers.authorization === "Bearer test-key"));
  assert.equal(site.sockets.length, 1);
});

test("another origin is never asked: the failure names where it points, and the setting", async (t) => {
  const other = await plainServer(t, (_, response) => void response.end(chatStream("stolen")));
  const site = await plainServer(t, (_, response) => {
    response.writeHead(307, { location: `${other.url}/v1/chat/completions?secret=1` }).end();
  });
  const { error, events } = await collectFailure(site.model());
  assert.deepEqual([other.requests.length, site.requests.length, events], [0, 1, []]);
  assert.deepEqual([error.kind, error.status], ["bad_request", 307]);
  assert.ok(error.message.includes(other.url) && !error.message.includes("secret"), error.message);
  assert.match(error.message, /set base_url of provider `mock` to it/);
});

test("a loop ends after five redirects", async (t) => {
  const site = await plainServer(t, (_, response) => void response.writeHead(307, { location: "/v1" }).end());
  const { error, events } = await collectFailure(site.model());
  assert.deepEqual([site.requests.length, events], [6, []]);
  assert.match(error.message, /redirected the request more than 5 times/);
});

test("from HTTP to TLS of the same host a redirect is followed", async (t) => {
  const trust = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  t.after(() => {
    if (trust === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = trust;
  });
  const tls = createTlsServer({ key: privateKey, cert: certificate });
  const secured = await plainServer(t, (_, response) => void response.writeHead(200, EVENTS).end(chatStream("safe")), {
    server: tls as never,
  });
  const target = secured.url.replace(/^http:/, "https:");
  const site = await plainServer(t, (incoming, response) => {
    response.writeHead(301, { location: `${target}${incoming.url}` }).end();
  });
  const model = site.model();
  assert.equal(said(await collect(model)), "safe");
  assert.equal(said(await collect(model)), "safe");
  assert.deepEqual([secured.sockets.length, site.sockets.length], [1, 1]);
  assert.equal(secured.requests[0]?.headers.authorization, "Bearer test-key");
});

test("cancelled behind a redirect: the socket closes, the reason is thrown", async (t) => {
  const controller = new AbortController();
  let closed: Promise<unknown> | undefined;
  const site = await plainServer(t, (incoming, response) => {
    if (incoming.url !== "/silent") return void response.writeHead(307, { location: "/silent" }).end();
    closed = new Promise((resolve) => incoming.socket.once("close", resolve));
    controller.abort("stop");
  });
  const run = async () => {
    for await (const _ of site.model().stream(request(), controller.signal));
  };
  await assert.rejects(run(), (error) => error === "stop");
  await closed;
});
