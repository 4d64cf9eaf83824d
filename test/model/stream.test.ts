import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ModelEvent } from "../../src/model/index.js";
import { openModel } from "../../src/model/index.js";
import fc from "../support/fast-check.js";
import { frameWriter } from "../support/model-frames.js";
import { call, pause, raw, reasoning, startModelServer, status, text, trickle } from "../support/model-server.js";
import { collect, deps, quiet, request, said, withModel } from "./model-fixture.js";

function closeAll(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Deltas of one kind in a row as one: how they fall into chunks is not part of the promise. */
function merged(events: readonly ModelEvent[]): ModelEvent[] {
  const all: ModelEvent[] = [];
  for (const event of events) {
    const last = all.at(-1);
    if (last !== undefined && "delta" in last && "delta" in event && last.type === event.type) {
      all[all.length - 1] = { type: last.type, delta: last.delta + event.delta };
    } else all.push(event);
  }
  return all;
}

for (const wire of ["responses", "chat"] as const) {
  test(`${wire}: the same events wherever the bytes are cut`, async () => {
    const writer = frameWriter(wire, 0);
    const steps = [
      reasoning({ summary: "Hm, größer" }),
      text("naïve 日本語 👍🏽", { chunks: 5 }),
      call("shell", { a: "é" }),
    ];
    const bytes = Buffer.from([...steps.flatMap((step) => writer.frames(step)), ...writer.end()].join(""));
    await withModel({ wire }, async ({ server, model }) => {
      server.enqueue(raw(bytes));
      const wanted = merged(await collect(model));
      assert.equal(said(wanted), "naïve 日本語 👍🏽");
      const cuts = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(cuts, async (at) => {
          const points = [0, ...new Set(at), bytes.length].sort((a, b) => a - b);
          const parts = points.slice(1).map((to, n) => raw(bytes.subarray(points[n], to)));
          server.enqueue(parts.flatMap((part) => [part, pause(1)]));
          assert.deepEqual(merged(await collect(model)), wanted);
        }),
        { numRuns: 25 },
      );
      server.enqueue([trickle(1), raw(bytes)]);
      assert.deepEqual(merged(await collect(model)), wanted);
    });
  });
}

test("deltas that arrive together come as one event", async () => {
  await withModel({}, async ({ server, model }) => {
    const delta = 'data: {"type":"response.output_text.delta","delta":"ab"}\n\n';
    server.enqueue(raw(`${delta.repeat(10_000)}data: {"type":"response.completed","response":{}}\n\n`));
    const events = await collect(model);
    assert.equal(said(events), "ab".repeat(10_000));
    assert.ok(events.length < 1000, String(events.length));
  });
});

test("one connection serves request after request, also after an error answer", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(text("one"), status(500, "x", { "retry-after-ms": "1" }), text("two"), text("three"));
    for (let n = 0; n < 3; n += 1) await collect(model);
    assert.equal(server.requests.length, 4);
    assert.equal(server.connections, 1);
  });
});

test("a kept connection the server has closed is replaced without a word", async (t) => {
  const sockets: import("node:net").Socket[] = [];
  let requests = 0;
  const server = createServer((incoming, response) => {
    incoming.resume();
    requests += 1;
    // The second request finds its kept connection closed under it.
    if (requests === 2) incoming.socket.destroy();
    else response.end('data: {"type":"response.completed","response":{}}\n\n');
  });
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  t.after(() => closeAll(server));
  const { port } = server.address() as { port: number };
  const mock = await startModelServer();
  const model = openModel(mock.provider({ baseUrl: `http://127.0.0.1:${port}`, requestMaxRetries: 0 }), deps);
  assert.equal((await collect(model)).length, 1);
  assert.equal((await collect(model)).length, 1);
  assert.deepEqual([requests, sockets.length], [3, 2]);
  model.close();
  await mock.close();
});

test("completed does not wait for the body to end; a body that never ends loses its connection", async () => {
  await withModel({}, async ({ server, model }) => {
    const done = 'data: {"type":"response.completed","response":{}}\n\n';
    server.enqueue([raw(done), pause(60_000)], text("next"));
    assert.equal((await collect(model)).at(-1)?.type, "completed");
    await server.closed(0);
    assert.equal(said(await collect(model)), "next");
    assert.equal(server.connections, 2);
  });
});

test("a slow reader slows the server: little more than the socket's buffers is in flight", async (t) => {
  const frame = Buffer.from(`data: {"type":"response.output_text.delta","delta":"${"x".repeat(4000)}"}\n\n`.repeat(16));
  const limit = 256 * 1024 * 1024;
  let written = 0;
  const pour = (response: ServerResponse) => {
    while (written < limit && !response.destroyed) {
      written += frame.length;
      if (!response.write(frame)) {
        response.once("drain", () => pour(response));
        return;
      }
    }
  };
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    pour(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  t.after(() => closeAll(server));
  const { port } = server.address() as { port: number };
  const mock = await startModelServer();
  const model = openModel(mock.provider({ baseUrl: `http://127.0.0.1:${port}` }), deps);
  const stream = model.stream(request(), quiet())[Symbol.asyncIterator]();
  assert.equal((await stream.next()).done, false);
  // The pouring stops by itself: wait until it has not moved for a while.
  let before = -1;
  while (before !== written) {
    before = written;
    await delay(100);
  }
  assert.ok(written < 32 * 1024 * 1024, `${written} bytes were taken from the server`);
  const stopped = written;
  while (written < stopped + 8 * 1024 * 1024) assert.equal((await stream.next()).done, false);
  await stream.return?.();
  model.close();
  await mock.close();
});
