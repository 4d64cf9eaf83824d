import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { type AnswerEnd, readAnswer } from "../../src/model/answer.js";
import { LimitedBytes, type LimitedRead } from "../../src/model/limited-bytes.js";
import type { Read } from "../../src/model/response-bytes.js";
import type { WireDecoder } from "../../src/model/wire.js";
import type { Provider } from "../../src/protocol/index.js";
import { collectFailure, quiet, retriesOf, said } from "./model-fixture.js";
import { plainServer } from "./plain-server.js";

/** Writes `text` again and again until the client leaves. */
function keepAlive(response: ServerResponse, text: string): void {
  const timer = setInterval(() => response.write(text), 20);
  response.on("close", () => clearInterval(timer));
}

for (const [name, wire, sign] of [
  ["comments", "chat", ": PROCESSING\n\n"],
  ["blank lines", "chat", "\n"],
  ["events without content", "responses", 'data: {"type":"response.in_progress"}\n\n'],
] as const) {
  test(`${name} alone don't hold an answer up for ever: the limit is told, and nothing is tried again`, async (t) => {
    const site = await plainServer(t, (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      keepAlive(response, sign);
    });
    const model = site.model({ wireApi: wire, streamContentTimeoutMs: 300, streamIdleTimeoutMs: 5000 });
    const { error, events } = await collectFailure(model);
    assert.deepEqual([error.kind, retriesOf(events).length, site.requests.length], ["idle", 0, 1]);
    assert.match(error.message, /nothing of an answer for 0\.3 s \(stream_content_timeout_ms of provider `mock`\)/);
    await new Promise((resolve) => (site.sockets[0]!.destroyed ? resolve(0) : site.sockets[0]!.once("close", resolve)));
  });
}

test("content takes the limit back, the idle limit stays what it is", async (t) => {
  const site = await plainServer(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let n = 0;
    const timer = setInterval(() => {
      n += 1;
      if (n <= 40) response.write(`data: {"choices":[{"delta":{"content":"${n % 10}"}}]}\n\n`);
    }, 25);
    response.on("close", () => clearInterval(timer));
  });
  const model = site.model({ streamContentTimeoutMs: 700, streamIdleTimeoutMs: 600, streamMaxRetries: 0 });
  const { error, events } = await collectFailure(model);
  assert.equal(said(events).length, 40);
  assert.match(error.message, /was silent for 0\.6 s \(stream_idle_timeout_ms/);
});

interface Told {
  settled: boolean;
  finished: boolean;
  progress: number;
}

/** Reads by a clock of our own: each read takes the time given (0: the bytes were there), what it brought `parsingMs`. The limits of each read, and what it came to. */
async function limits(
  times: readonly number[],
  progress: Told,
  between: (n: number) => void = () => {},
  parsingMs = 0,
) {
  let now = 0;
  const asked: number[] = [];
  const bytes = {
    async next(limitMs: number): Promise<Read> {
      asked.push(limitMs);
      const ms = times[asked.length - 1]!;
      now += Math.min(ms, limitMs);
      return ms !== 0 && ms >= limitMs ? { type: "idle" } : { type: "bytes", bytes: Buffer.alloc(1) };
    },
  };
  const provider = { streamIdleTimeoutMs: 60_000, streamContentTimeoutMs: 200_000 };
  const limited = new LimitedBytes(bytes as never, {
    provider: provider as never,
    clock: { now: () => 0, monotonic: () => now },
  });
  for (let n = 0; n < times.length; n += 1) {
    const read = await limited.next(progress, quiet());
    if (read.type !== "bytes") return { asked, end: read.type };
    const before = progress.progress;
    between(n);
    // What a reader does with content is no silence of the server.
    now += progress.progress === before ? parsingMs : 1_000_000;
  }
  return { asked, end: "none" };
}

test("silence ends by the nearer limit, whatever a reader does with content in between", async () => {
  const open = () => ({ settled: false, finished: false, progress: 0 });
  assert.deepEqual(await limits([60_000], open()), { asked: [60_000], end: "idle" });
  const signs = await limits([50_000, 50_000, 50_000, 50_000], open());
  assert.deepEqual(signs, { asked: [60_000, 60_000, 60_000, 50_000], end: "quiet" });

  // Signs of life that come faster than they are read leave no time to wait in.
  const flood = await limits(Array(300).fill(0), open(), undefined, 1000);
  assert.deepEqual([flood.asked.length, flood.end], [200, "quiet"]);

  const content = open();
  const fed = await limits([50_000, 50_000, 50_000, 50_000, 60_000], content, () => (content.progress += 1));
  assert.deepEqual(fed, { asked: [60_000, 60_000, 60_000, 60_000, 60_000], end: "idle" });

  // A good end, then signs of life: 30 s altogether; all there but the accounting: 2 s.
  const finished = open();
  const waited = await limits([1000, 20_000, 20_000], finished, () => (finished.finished = true));
  assert.deepEqual(waited, { asked: [60_000, 30_000, 10_000], end: "quiet" });
  const settled = open();
  assert.deepEqual(await limits([1000, 3000], settled, () => (settled.settled = true)), {
    asked: [60_000, 2000],
    end: "quiet",
  });
});

/** What a decoder in the state given makes of the end of its bytes. */
async function endOf(read: LimitedRead, told: Partial<Told>): Promise<AnswerEnd> {
  const reads: LimitedRead[] = [{ type: "bytes", bytes: Buffer.from("data: {}\n\n") }, read];
  const decoder: WireDecoder = {
    accept: () => undefined,
    finish: () => ({ type: "completed", usage: undefined }),
    tellRest: () => undefined,
    settled: false,
    finished: false,
    progress: 1,
    ...told,
  };
  const bytes = { next: async () => reads.shift()! } as unknown as LimitedBytes;
  const provider = {
    id: "p",
    baseUrl: "http://127.0.0.1",
    streamIdleTimeoutMs: 1,
    streamContentTimeoutMs: 2,
  } as Provider;
  const answer = readAnswer({ provider, bytes, decoder, signal: quiet() }, "text/event-stream");
  const step = await answer.next();
  assert.equal(step.done, true);
  return step.value as AnswerEnd;
}

test("after a good end, silence or the end of the bytes completes an answer; without one only the end may", async () => {
  for (const type of ["end", "lost", "idle", "quiet"] as const) {
    for (const told of [{ finished: true }, { settled: true }])
      assert.equal((await endOf({ type }, told)).type, "completed");
    const open = await endOf({ type }, {});
    const retry = open.type === "failed" ? open.failure.retry : open.type;
    assert.equal(retry, { end: "completed", lost: true, idle: true, quiet: false }[type], type);
  }
});
