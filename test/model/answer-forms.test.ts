import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonBody } from "../../src/model/json-answer.js";
import { collect, collectFailure, retriesOf, said } from "./model-fixture.js";
import { chatStream, plainServer } from "./plain-server.js";

const chunk = (choice: object) => JSON.stringify({ choices: [{ index: 0, ...choice }] });
const lines = `${chunk({ delta: { content: "one " } })}\n${chunk({ delta: { content: "by one" } })}\n${chunk({ delta: {}, finish_reason: "stop" })}\n`;
const completed = (text: string) => ({
  type: "response.completed",
  response: {
    status: "completed",
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text }] }],
  },
});

/** Types under which servers send what they call something else. */
const TYPES = [undefined, "text/event-stream", "application/json", "application/x-ndjson", "text/plain; charset=utf-8"];

/** Bodies that are no stream of events, and what comes of them: a text, or a failure's words and number of retries. */
const BODIES: readonly [
  string,
  "chat" | "responses",
  string,
  string | { readonly failure: RegExp; readonly retries: number },
][] = [
  ["one object a line", "chat", lines, "one by one"],
  ["one object a line, the last without an end", "chat", lines.trimEnd(), "one by one"],
  ["blank lines before it, as a sign of life", "chat", `\n\n \r\n${lines}`, "one by one"],
  ["a list of objects", "chat", `[${lines.trim().split("\n").join(",\n")}]`, "one by one"],
  ["a whole event", "responses", `${JSON.stringify(completed("all of it"), undefined, 2)}\n`, "all of it"],
  [
    "an error",
    "chat",
    '{"error":{"message":"model zeta is not loaded","type":"server_error"}}\n',
    { failure: /model zeta is not loaded/, retries: 1 },
  ],
  [
    "an error, on the other wire, without an end",
    "responses",
    '{"error":{"message":"model zeta is not loaded","type":"server_error"}}',
    { failure: /model zeta is not loaded/, retries: 1 },
  ],
  [
    "a final error over several lines",
    "chat",
    JSON.stringify({ error: { message: "zeta takes no tools", code: 400 } }, undefined, 2),
    { failure: /zeta takes no tools/, retries: 0 },
  ],
  ["a flat error", "chat", '{"object":"error","message":"zeta","code":404}', { failure: /zeta/, retries: 0 }],
  ["a list of errors", "chat", '[{"error":{"code":400,"message":"zeta"}}]', { failure: /zeta/, retries: 0 }],
  ["an error without its name", "chat", '{"detail":"engine zeta dead"}', { failure: /engine zeta dead/, retries: 1 }],
  [
    "an error of MiniMax",
    "chat",
    '{"choices":null,"base_resp":{"status_code":1004,"status_msg":"login zeta"}}',
    { failure: /login zeta/, retries: 1 },
  ],
  ["JSON of another kind", "chat", '{"odd":"zeta"}', { failure: /answered 200: \{"odd":"zeta"\}$/, retries: 0 }],
  ["JSON that is torn", "chat", '{"odd":"zeta"', { failure: /answered 200: \{"odd":"zeta"$/, retries: 0 }],
  [
    "a page",
    "chat",
    "<!DOCTYPE html><title>Sign in to zeta</title>",
    { failure: /answered 200: Sign in to zeta$/, retries: 0 },
  ],
];

for (const [name, wire, body, wanted] of BODIES) {
  test(`${name} in place of a stream, whatever its type`, async (t) => {
    let type: string | undefined;
    let step = body.length;
    const site = await plainServer(t, async (_, response) => {
      response.writeHead(200, type === undefined ? {} : { "content-type": type });
      for (let at = 0; at < body.length; at += step) {
        response.write(body.slice(at, at + step));
        await new Promise(setImmediate);
      }
      response.end();
    });
    const model = site.model({ wireApi: wire, streamMaxRetries: 1 });
    for (type of TYPES) {
      step = type === "application/json" ? 1 : body.length;
      if (typeof wanted === "string") {
        const events = await collect(model);
        const last = events.at(-1);
        assert.equal(last?.type, "completed");
        if (wire === "chat") assert.equal(said(events), wanted);
        else assert.ok(JSON.stringify(events).includes(wanted));
        continue;
      }
      const { error, events } = await collectFailure(model);
      assert.match(error.message, wanted.failure, type);
      assert.equal(retriesOf(events).length, wanted.retries, type);
    }
    // An answer leaves its connection to the next request.
    if (typeof wanted === "string") assert.equal(site.sockets.length, 1);
  });
}

test("a stream of events is taken under any type", async (t) => {
  let type = "";
  const site = await plainServer(t, (_, response) => {
    response.writeHead(200, { "content-type": type }).end(`: hello\n\n${chatStream("here")}`);
  });
  for (type of ["application/json", "text/html", "text/plain", "application/octet-stream"]) {
    assert.equal(said(await collect(site.model())), "here", type);
  }
});

test("an empty body under a type of JSON or of a page is refused, another one is a broken stream", async (t) => {
  let type = "application/json";
  const site = await plainServer(t, (_, response) => void response.writeHead(200, { "content-type": type }).end());
  const refused = await collectFailure(site.model());
  assert.match(refused.error.message, /answered 200: no further text/);
  assert.deepEqual(refused.events, []);
  type = "text/event-stream";
  const broken = await collectFailure(site.model({ streamMaxRetries: 1 }));
  assert.deepEqual([broken.error.kind, retriesOf(broken.events).length], ["stream", 1]);
});

test("a refusal whose body never ends is told once its words are there", async (t) => {
  const site = await plainServer(t, (_, response) => {
    response.writeHead(400, { "content-type": "application/json" });
    response.write(JSON.stringify({ error: { message: "zeta is wrong" } }));
  });
  const { error } = await collectFailure(site.model({ streamIdleTimeoutMs: 600_000 }));
  assert.match(error.message, /zeta is wrong$/);
});

test("the words of an error within a stream of events reach the user, as the server put them there", async (t) => {
  let body = "";
  const site = await plainServer(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).end(body);
  });
  const done = "data: [DONE]\n\n";
  const bodies: readonly [string, number][] = [
    [': PROCESSING\n\n{"error":{"message":"zeta","code":400}}', 0],
    [': PROCESSING\n\n{\n  "error": {"message": "zeta", "code": 400}\n}\n', 0],
    [": PROCESSING\n\nupstream connect error: zeta", 1],
    ["upstream connect error: zeta\n", 1],
    [`data: {"object":"error","message":"zeta","type":"BadRequestError","code":400}\n\n${done}`, 0],
    [`event: error\ndata: {"message":"engine zeta dead"}\n\n${done}`, 1],
  ];
  for (const wireApi of ["chat", "responses"] as const) {
    for (const [text, retries] of bodies) {
      body = text;
      const { error, events } = await collectFailure(site.model({ wireApi, streamMaxRetries: 1 }));
      assert.match(error.message, /zeta/, `${wireApi}: ${body}`);
      assert.equal(retriesOf(events).length, retries, `${wireApi}: ${body}`);
    }
  }
});

test("a JSON body is given up at its limit, in one line or in many", () => {
  for (const [text, lines] of [
    [`{"a":"${"x".repeat(2000)}"}`, 0],
    [`{\n${'"a":1,\n'.repeat(500)}`, 0],
    [`{"a":1}\n{"a":"${"x".repeat(2000)}"}`, 1],
  ] as const) {
    const body = new JsonBody(1024);
    const found = Array.from(Buffer.from(text)).flatMap((byte) => body.push(Buffer.of(byte)));
    assert.deepEqual([found.length, body.overflowed], [lines, true]);
  }
  const many = new JsonBody(1024);
  assert.equal(many.push(Buffer.from('{"a":1}\n'.repeat(5000))).length, 5000);
  assert.deepEqual([many.overflowed, many.end()], [false, []]);
});
