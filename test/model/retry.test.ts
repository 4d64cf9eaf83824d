import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { openModel } from "../../src/model/index.js";
import { waitInHeaders, waitInText } from "../../src/model/retry-after.js";
import { ShownText } from "../../src/model/shown-text.js";
import {
  call,
  cut,
  endEarly,
  failed,
  headers,
  partial,
  raw,
  reasoning,
  stall,
  startModelServer,
  status,
  text,
} from "../support/model-server.js";
import { collect, collectFailure, deps, itemsOf, request, retriesOf, said, withModel } from "./model-fixture.js";

const soon = { "retry-after-ms": "5" };

test("what servers write about waiting", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  assert.equal(waitInHeaders({ "retry-after": "1.5" }, now), 1500);
  assert.equal(waitInHeaders({ "retry-after": "Fri, 02 Jan 2026 03:04:15 GMT" }, now), 10_000);
  assert.equal(waitInHeaders({ "retry-after": "Fri, 02 Jan 2026 03:00:00 GMT" }, now), 0);
  assert.equal(waitInHeaders({ "retry-after": "7", "retry-after-ms": "350" }, now), 350);
  assert.equal(waitInHeaders({ "retry-after": "soon" }, now), undefined);
  assert.equal(waitInHeaders({}, now), undefined);
  for (const odd of ["-5", "", "  ", "1e9s", "0x10", "NaN", "5 apples", "-1s"]) {
    assert.equal(waitInHeaders({ "retry-after": odd }, now), undefined, odd);
  }
  assert.equal(waitInHeaders({ "retry-after-ms": "-1", "retry-after": "2" }, now), 2000);
  assert.equal(waitInHeaders({ "retry-after": "1m30s" }, now), 90_000);
  assert.equal(waitInHeaders({ "retry-after": String(now / 1000 + 5) }, now), 5000);
  assert.equal(waitInHeaders({ "retry-after": String(now + 7) }, now), 7);
  assert.equal(waitInHeaders({ "retry-after": String(now / 1000 - 5) }, now), 0);
  assert.equal(waitInHeaders({ "retry-after": "86400" }, now), 86_400_000);
  const limits = { "x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s" };
  const left = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "149984" };
  assert.equal(waitInHeaders({ ...limits, ...left }, now), 1000);
  assert.equal(waitInHeaders({ ...limits, ...left, "x-ratelimit-remaining-tokens": "0" }, now), 360_000);
  assert.equal(waitInHeaders(limits, now), undefined);
  assert.equal(waitInHeaders({ "x-ratelimit-reset-tokens": "120ms" }, now), 120);
  assert.equal(waitInHeaders({ "x-ratelimit-reset": String(now + 3000), "x-ratelimit-remaining": "0" }, now), 3000);
  assert.equal(waitInHeaders({ "x-ratelimit-reset": "9", "x-ratelimit-remaining": "4" }, now), undefined);
  const anthropic = {
    "anthropic-ratelimit-tokens-remaining": "0",
    "anthropic-ratelimit-tokens-reset": "2026-01-02T03:04:15Z",
  };
  assert.equal(waitInHeaders(anthropic, now), 10_000);
  assert.equal(waitInText("Rate limit reached. Please try again in 1.2s."), 1200);
  assert.equal(waitInText("Please try again in 350ms. Visit https://x"), 350);
  assert.equal(waitInText("try again in 6m0s"), 360_000);
  assert.equal(waitInText("Retry after 20 seconds"), 20_000);
  assert.equal(waitInText("limit 200000, used 3000 of 5s"), undefined);
});

test("429 with Retry-After, with a wait in its text, and 5xx are tried again, each announced", async () => {
  await withModel({ provider: { requestMaxRetries: 3 } }, async ({ server, model }) => {
    server.enqueue(
      status(429, { error: { message: "slow" } }, soon),
      status(429, { error: { message: "Please try again in 7ms." } }),
      status(503, "busy", soon),
      text("done"),
    );
    const events = await collect(model);
    assert.deepEqual(
      retriesOf(events).map(({ attempt, of, waitMs }) => [attempt, of, waitMs]),
      [
        [1, 3, 5],
        [2, 3, 7],
        // An overloaded server has a count of its own: (3 + 1) * (2 + 1) tries.
        [1, 11, 5],
      ],
    );
    assert.match(retriesOf(events)[0]!.cause, /answered 429: slow/);
    assert.equal(said(events), "done");
  });
});

test("without a word of the server the wait doubles from 200 ms, ±10 %", async () => {
  await withModel({ provider: { requestMaxRetries: 2 } }, async ({ server, model }) => {
    server.enqueue(status(500, "a"), status(502, "b"), status(500, "last words"));
    const { events, error } = await collectFailure(model);
    const [first, second] = retriesOf(events).map((event) => event.waitMs);
    assert.ok(first! >= 180 && first! <= 220, String(first));
    assert.ok(second! >= 360 && second! <= 440, String(second));
    assert.equal(error.kind, "server");
    assert.equal(error.status, 500);
    assert.match(error.message, /last words \(tried 3 times\)/);
  });
});

test("a 4xx fails at once with the provider's own words and what to do", async () => {
  const cases = [
    [400, { error: { message: "no such tool" } }, "bad_request", /answered 400: no such tool$/],
    [
      401,
      { error: { message: "bad key test-key!" } },
      "auth",
      /bad key \[secret\]! \(check the API key of provider `mock`\)/,
    ],
    [403, { detail: "not you" }, "auth", /not you/],
    [404, "nothing here", "bad_request", /nothing here .*base_url/],
    [422, { error: "odd field" }, "bad_request", /odd field/],
    [400, { error: { code: "context_length_exceeded", message: "x" } }, "context_window", /x/],
    [400, { error: { message: "This model's maximum context length is 8192" } }, "context_window", /8192/],
    [429, { error: { type: "insufficient_quota", message: "pay" } }, "rate_limit", /pay/],
    [429, { error: { type: "usage_limit_reached" } }, "rate_limit", /429/],
    [400, "y".repeat(100_000), "bad_request", /y{4096}$/],
  ] as const;
  await withModel({}, async ({ server, model }) => {
    for (const [code, body, kind, message] of cases) {
      server.enqueue(status(code, body));
      const { events, error } = await collectFailure(model);
      assert.deepEqual([error.kind, error.status, events], [kind, code, []]);
      assert.match(error.message, message);
      assert.ok(error.message.length < 5000);
    }
    assert.equal(server.requests.length, cases.length);
  });
});

test("a wait beyond the budget fails at once and says so", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(status(429, { error: { message: "later" } }, { "retry-after": "3600" }));
    const { events, error } = await collectFailure(model);
    assert.deepEqual([error.kind, events], ["rate_limit", []]);
    assert.match(error.message, /asks to wait 3600 s, and the limit is 300 s/);
  });
});

test("a refused connection is tried again, then told with what to check", async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", () => resolve()));
  const { port } = gone.address() as { port: number };
  await new Promise((resolve) => gone.close(resolve));
  const server = await startModelServer();
  const provider = server.provider({ baseUrl: `http://u:pass@127.0.0.1:${port}/v1`, requestMaxRetries: 1 });
  const model = openModel(provider, deps);
  const { events, error } = await collectFailure(model);
  assert.equal(retriesOf(events).length, 1);
  assert.equal(error.kind, "connect");
  const where = `can't reach http://127.0.0.1:${port} (connection refused): is the server running?`;
  assert.ok(error.message.startsWith(where), error.message);
  assert.match(error.message, /base_url of provider `mock`/);
  await server.close();
});

test("settings that cannot work fail at once", async () => {
  const server = await startModelServer();
  for (const [provider, message] of [
    [{ baseUrl: "nonsense" }, /base_url must start with http/],
    [{ proxyUrl: "socks5://127.0.0.1:1" }, /proxy's URL must start with http/],
    [{ apiKey: "line\nbreak" }, /authorization/],
  ] as const) {
    const model = openModel(server.provider(provider), deps);
    const { events, error } = await collectFailure(model);
    assert.deepEqual([error.kind, events], ["connect", []]);
    assert.match(error.message, message);
    assert.ok(!error.message.includes("break"));
  }
  const closed = openModel(server.provider(), deps);
  closed.close();
  assert.match((await collectFailure(closed)).error.message, /closed/);
  await server.close();
});

test("a stream that was cut is tried again and says nothing twice; the failed attempt's items never show", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(
      [reasoning({ summary: ["One.", "Two."] }), call("shell", {}, "lost"), partial("Hello wor", { chunks: 4 }), cut()],
      [reasoning({ summary: ["One.", "Two.", "Three."] }), partial("Hello", { chunks: 2 }), endEarly()],
      [
        reasoning({ summary: ["One.", "Two.", "Three."] }),
        text("Hello world", { chunks: 3 }),
        call("shell", {}, "kept"),
      ],
    );
    const events = await collect(model);
    assert.equal(said(events), "Hello world");
    assert.equal(said(events, "reasoning_delta"), "One.Two.Three.");
    assert.equal(events.filter((event) => event.type === "reasoning_section").length, 3);
    assert.equal(retriesOf(events).length, 2);
    assert.match(retriesOf(events)[0]!.cause, /the connection broke/);
    assert.deepEqual(
      itemsOf(events).map((item) => item.type),
      ["reasoning", "message", "function_call"],
    );
    const last = itemsOf(events).at(-1)!;
    assert.ok(last.type === "function_call" && last.call_id === "kept");
  });
});

test("a retried text that differs is withheld; its item counts", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue([partial("Hello wor"), cut()], text("Hello dear, longer text", { chunks: 6 }));
    const events = await collect(model);
    // What both attempts began with may stand; nothing of the second text may follow the first one.
    assert.equal(said(events), "Hello wor");
    const [item] = itemsOf(events);
    assert.deepEqual(item?.type === "message" && item.content, [
      { type: "output_text", text: "Hello dear, longer text" },
    ]);
  });
});

test("shown text: cut points don't matter, a third attempt goes on where the longest ended", () => {
  const shown = new ShownText();
  const say = (...deltas: string[]) =>
    deltas.map((delta) => (shown.fresh({ type: "text_delta", delta }) as { delta: string } | undefined)?.delta ?? "");
  assert.deepEqual(say("ab", "cd"), ["ab", "cd"]);
  shown.restart();
  assert.deepEqual(say("a", "bcde", "f"), ["", "e", "f"]);
  shown.restart();
  assert.deepEqual(say("abX", "abcdefgZ"), ["", ""]);
  shown.restart();
  assert.deepEqual(say("abcdefg", "h"), ["g", "h"]);
});

test("server errors and rate limits inside a stream are tried again, then told by kind", async () => {
  await withModel({ provider: { streamMaxRetries: 1 } }, async ({ server, model }) => {
    server.enqueue(failed("rate_limit_exceeded", "Please try again in 11ms."), text("fine"));
    const events = await collect(model);
    assert.deepEqual(
      retriesOf(events).map(({ waitMs, of }) => [waitMs, of]),
      [[11, 1]],
    );
    server.enqueue(failed("server_error", "boom"), failed("server_error", "boom again"));
    const { error } = await collectFailure(model);
    assert.equal(error.kind, "server");
    assert.match(error.message, /boom again.*\(tried 2 times\)/);
  });
});

test("requests without a stream and broken streams have their own counts", async () => {
  await withModel({ provider: { requestMaxRetries: 1, streamMaxRetries: 1 } }, async ({ server, model }) => {
    server.enqueue(status(500, "", soon), endEarly(), status(502, "gone"), text("unreached"));
    const { events, error } = await collectFailure(model);
    assert.deepEqual(
      retriesOf(events).map(({ attempt, of }) => [attempt, of]),
      [
        [1, 1],
        [1, 1],
      ],
    );
    assert.equal(error.kind, "server");
    assert.equal(server.requests.length, 3);
  });
});

test("silence before the headers and between chunks is an idle failure, and tried again", async () => {
  await withModel(
    { provider: { streamIdleTimeoutMs: 400, requestMaxRetries: 1, streamMaxRetries: 1 } },
    async ({ server, model }) => {
      server.enqueue(stall(), [partial("Hel"), stall()], [headers(), stall()]);
      const { events, error } = await collectFailure(model);
      assert.equal(said(events), "Hel");
      assert.equal(retriesOf(events).length, 2);
      assert.equal(error.kind, "idle");
      assert.match(error.message, /silent for 0\.4 s \(stream_idle_timeout_ms of provider `mock`\)/);
      // Each silent connection is closed.
      await Promise.all([server.closed(0), server.closed(1), server.closed(2)]);
    },
  );
});

test("a stream that trickles is not idle", async () => {
  await withModel({ provider: { streamIdleTimeoutMs: 1000 } }, async ({ server, model }) => {
    server.enqueue(text("0123456789", { chunks: 10, delayMs: 120 }));
    const events = await collect(model);
    assert.equal(said(events), "0123456789");
    assert.deepEqual(retriesOf(events), []);
  });
});

test("damaged events are tried again", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(raw('data: {"type":"response.out\n\n'), text("fine"));
    assert.equal(said(await collect(model)), "fine");
  });
});

test("cancelled in the wait between attempts: the reason is thrown at once, nothing more is sent", async () => {
  await withModel({}, async ({ server, model }) => {
    server.enqueue(status(429, "", { "retry-after": "60" }));
    const controller = new AbortController();
    const reason = new Error("stopped");
    const run = async () => {
      for await (const event of model.stream(request(), controller.signal)) {
        assert.equal(event.type, "retry");
        setImmediate(() => controller.abort(reason));
      }
    };
    await assert.rejects(run(), (error) => error === reason);
    assert.equal(server.requests.length, 1);
  });
});
