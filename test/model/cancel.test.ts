import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Model, openModel } from "../../src/model/index.js";
import { call, headers, partial, type Reply, stall, startModelServer, text } from "../support/model-server.js";
import { deps, quiet, request, said, withModel } from "./model-fixture.js";

/** Reads until the signal is cancelled; gives what came and what was thrown. */
async function readOn(model: Model, signal: AbortSignal, onEvent: (events: unknown[]) => void = () => {}) {
  const events: { type: string }[] = [];
  try {
    for await (const event of model.stream(request(), signal)) {
      events.push(event);
      onEvent(events);
    }
  } catch (thrown) {
    return { events, thrown };
  }
  return { events, thrown: undefined };
}

const silences: [string, Reply, number][] = [
  ["before the headers", stall(), 0],
  ["after the headers", [headers(), stall()], 0],
  ["in the middle of a text", [partial("Hello"), stall()], 1],
];

for (const [when, reply, events] of silences) {
  test(`cancelled ${when} while the server is silent: the socket closes, the reason is thrown`, async () => {
    await withModel({}, async ({ server, model }) => {
      server.enqueue(reply);
      const controller = new AbortController();
      const reason = { kind: "interrupted" };
      let heard = () => {};
      const text = new Promise<void>((resolve) => (heard = resolve));
      const reading = readOn(model, controller.signal, () => heard());
      await server.nextRequest();
      // Nothing tells when the client has seen the headers: a moment later it has.
      if (events === 0) await delay(30);
      else await text;
      controller.abort(reason);
      const end = await reading;
      assert.equal(end.thrown, reason);
      assert.equal(end.events.length, events);
      await server.closed(0);
    });
  });
}

test("cancelled while the reader is busy elsewhere: the socket closes in the same tick, nothing more is read", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue([partial("Hello"), stall()]);
    const controller = new AbortController();
    const stream = model.stream(request(), controller.signal)[Symbol.asyncIterator]();
    assert.equal((await stream.next()).value.delta, "Hello");
    controller.abort("busy");
    await server.closed(0);
    await assert.rejects(stream.next(), (error) => error === "busy");
  });
});

test("cancelled between the events at the end: the calls that follow never come", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue([text("I will delete it."), call("shell", {}, "c1"), call("shell", {}, "c2")]);
    const controller = new AbortController();
    const { events, thrown } = await readOn(model, controller.signal, (so) => {
      if ((so.at(-1) as { type: string }).type === "item") controller.abort("no");
    });
    assert.equal(thrown, "no");
    assert.equal(events.filter((event) => event.type === "item").length, 1);
  });
});

test("cancelled before the start: nothing is sent", async () => {
  await withModel({}, async ({ server, model }) => {
    const { thrown, events } = await readOn(model, AbortSignal.abort("early"));
    assert.deepEqual([thrown, events.length, server.connections], ["early", 0, 0]);
  });
});

test("cancelled while the connection is being made", async () => {
  // A listener whose queue is full leaves new connections half made on Linux; elsewhere they are made, and silent.
  const silent = createServer();
  silent.listen({ port: 0, host: "127.0.0.1", backlog: 1 });
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  const server = await startModelServer();
  const model = openModel(server.provider({ baseUrl: `http://127.0.0.1:${port}/v1` }), deps);
  const controller = new AbortController();
  const reading = readOn(model, controller.signal);
  setImmediate(() => controller.abort("now"));
  const { thrown } = await reading;
  assert.equal(thrown, "now");
  await Promise.all([new Promise((resolve) => silent.close(resolve)), server.close()]);
});

test("a reader that leaves closes the socket", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue([partial("Hello"), stall()]);
    for await (const event of model.stream(request(), quiet())) {
      assert.equal(said([event]), "Hello");
      break;
    }
    await server.closed(0);
  });
});

test("close ends a running stream and its connection", async () => {
  await withModel({ provider: { streamMaxRetries: 0 } }, async ({ server, model }) => {
    server.enqueue([partial("Hello"), stall()]);
    const { thrown } = await readOn(model, quiet(), () => model.close());
    assert.equal((thrown as { kind?: string }).kind, "stream");
    await server.closed(0);
  });
});
