import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createDeflateRaw,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from "node:zlib";
import type { Model } from "../../src/model/index.js";
import { collect, collectFailure, quiet, request, retriesOf, said } from "./model-fixture.js";
import { chatStream, plainServer } from "./plain-server.js";

const EVENTS = { "content-type": "text/event-stream" };
const LONG = "naïve 日本語 👍🏽 ".repeat(5000);

const packed: readonly [string, string | undefined, (bytes: string) => Buffer][] = [
  ["gzip", "gzip", gzipSync],
  ["x-gzip, in capitals", "X-GZIP", gzipSync],
  ["gzip that no header tells of", undefined, gzipSync],
  ["deflate", "deflate", deflateSync],
  ["deflate without its wrapper", "deflate", deflateRawSync],
  ["br", "br", brotliCompressSync],
  ["identity", "identity", Buffer.from],
  ["plain bytes under the name of gzip", "gzip", Buffer.from],
];

for (const [name, encoding, pack] of packed) {
  test(`${name}: read though it was not asked for, cut anywhere, on one connection`, async (t) => {
    const bytes = pack(chatStream(LONG));
    const short = pack(chatStream("short"));
    let [step, body] = [bytes.length, bytes];
    const site = await plainServer(t, async (_, response) => {
      response.writeHead(200, { ...EVENTS, ...(encoding === undefined ? {} : { "content-encoding": encoding }) });
      for (let at = 0; at < body.length; at += step) {
        response.write(body.subarray(at, at + step));
        await new Promise(setImmediate);
      }
      response.end();
    });
    const model = site.model();
    assert.equal(said(await collect(model)), LONG);
    step = 1 + Math.floor(bytes.length / 7);
    assert.equal(said(await collect(model)), LONG);
    [step, body] = [1, short];
    assert.equal(said(await collect(model)), "short");
    assert.equal(site.sockets.length, 1);
  });
}

/** What a server has flushed so far comes at once. */
for (const [encoding, create] of [
  ["gzip", () => createGzip({ flush: constants.Z_SYNC_FLUSH })],
  ["deflate", () => createDeflate({ flush: constants.Z_SYNC_FLUSH })],
  ["deflate", () => createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })],
  ["br", () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
] as const) {
  test(`${encoding}: each part comes as it was flushed; cancelled in between, the socket closes`, async (t) => {
    let closed: Promise<unknown> | undefined;
    const site = await plainServer(t, (incoming, response) => {
      closed = new Promise((resolve) => incoming.socket.once("close", resolve));
      response.writeHead(200, { ...EVENTS, "content-encoding": encoding });
      const packer = create();
      packer.pipe(response);
      packer.write('data: {"choices":[{"delta":{"content":"first"}}]}\n\n');
    });
    const controller = new AbortController();
    const stream = site.model().stream(request(), controller.signal)[Symbol.asyncIterator]();
    assert.deepEqual((await stream.next()).value, { type: "text_delta", delta: "first" });
    const next = stream.next();
    controller.abort("stop");
    await assert.rejects(next, (error) => error === "stop");
    await closed;
  });
}

async function failsWith(model: Model, message: RegExp) {
  const { error, events } = await collectFailure(model);
  assert.match(error.message, message);
  return { error, retries: retriesOf(events).length };
}

test("a packed stream that is torn is a broken stream, tried again", async (t) => {
  const bytes = gzipSync(chatStream("some text"));
  const ways: ((response: ServerResponse) => void)[] = [
    // The body ends as HTTP wants it, the packed bytes do not.
    (response) => response.end(bytes.subarray(0, -20)),
    (response) => response.write(bytes.subarray(0, 20), () => response.socket?.destroy()),
    (response) => response.end(Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(40, 0xff)])),
  ];
  let way = ways[0]!;
  const site = await plainServer(t, (_, response) => {
    response.writeHead(200, { ...EVENTS, "content-encoding": "gzip" });
    way(response);
  });
  for (way of ways) {
    const { error, retries } = await failsWith(
      site.model({ streamMaxRetries: 1 }),
      /ended before the response was complete/,
    );
    assert.deepEqual([error.kind, retries], ["stream", 1]);
  }
});

test("an encoding that is not known fails at once, by its name", async (t) => {
  const site = await plainServer(t, (_, response) => {
    response.writeHead(200, { ...EVENTS, "content-encoding": "zstd" }).end("x");
  });
  const { error, retries } = await failsWith(site.model(), /in the encoding `zstd`/);
  assert.deepEqual([error.kind, retries, site.requests.length], ["bad_request", 0, 1]);
});

test("the words of a refusal are read when they are packed", async (t) => {
  const site = await plainServer(t, (_, response) => {
    response.writeHead(400, { "content-type": "application/json", "content-encoding": "br" });
    response.end(brotliCompressSync(JSON.stringify({ error: { message: "zeta is wrong" } })));
  });
  await failsWith(site.model(), /answered 400: zeta is wrong$/);
});

test("little that unpacks to very much is held back by a slow reader", async (t) => {
  const event = `data: {"choices":[{"delta":{"content":"${"x".repeat(1000)}"}}]}\n\n`;
  const bytes = gzipSync(event.repeat(100_000));
  const site = await plainServer(t, (_, response) => {
    response.writeHead(200, { ...EVENTS, "content-encoding": "gzip" }).end(bytes);
  });
  const before = process.memoryUsage().arrayBuffers;
  const stream = site.model().stream(request(), quiet())[Symbol.asyncIterator]();
  for (let n = 0; n < 20; n += 1) assert.equal((await stream.next()).done, false);
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024);
  await stream.return?.();
});
