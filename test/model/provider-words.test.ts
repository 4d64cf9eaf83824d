import assert from "node:assert/strict";
import { test } from "node:test";
import { type Failure, failureInStream, failureOfStatus } from "../../src/model/failure.js";
import { openModel } from "../../src/model/index.js";
import { providerError } from "../../src/model/provider-error.js";
import { raw, startModelServer, status } from "../support/model-server.js";
import { collectFailure, deps, withModel } from "./model-fixture.js";
import { OTHER_LIMITS, OVERFLOWS } from "./overflow-samples.js";
import { REFUSALS } from "./refusal-samples.js";

const mock = await startModelServer();
const provider = mock.provider();
await mock.close();

function answered(code: number, body: string | object): Failure {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return failureOfStatus(provider, { status: code, headers: {}, text, now: 0 });
}

for (const { from, status: code, body } of OVERFLOWS) {
  test(`too long for the model: ${from}`, () => {
    const failure = answered(code, body);
    assert.deepEqual([failure.kind, failure.retry, failure.status], ["context_window", false, code]);
  });
}

test("the same inside a stream, wherever there are words", () => {
  for (const { from, body } of OVERFLOWS) {
    // What is told by the status alone cannot come in a stream.
    if (/without a word|a proxy before|by size/.test(from)) continue;
    const failure = failureInStream(body);
    assert.deepEqual([failure.kind, failure.retry], ["context_window", false], from);
  }
});

for (const { from, status: code, body, kind } of OTHER_LIMITS) {
  test(`another limit: ${from}`, () => {
    assert.equal(answered(code, body).kind, kind);
    assert.notEqual(failureInStream(body).kind, "context_window");
  });
}

for (const { from, status: code, body, tells } of REFUSALS) {
  test(`a refusal tells: ${from}`, () => {
    for (const failure of [answered(code, body), failureInStream(body)]) {
      const { refused, wants, unsupported, itemField, badRole } = failure;
      assert.deepEqual({ refused, wants, unsupported, itemField, badRole }, { ...NOTHING, ...tells }, failure.message);
      if (Object.keys(tells).length > 0) assert.deepEqual([failure.kind, failure.retry], ["bad_request", false]);
    }
  });
}

const NOTHING = {
  refused: undefined,
  wants: undefined,
  unsupported: undefined,
  itemField: undefined,
  badRole: undefined,
};

test("the words of errors in their many shapes: what is said in general, then the reason, each once", () => {
  const cases: readonly [unknown, string][] = [
    [undefined, ""],
    ["plain words", "plain words"],
    [{ error: "boom" }, "boom"],
    [{ error: true, message: "boom" }, "boom"],
    [{ error: { message: { detail: "deep" } } }, "deep"],
    [{ msg: "m" }, "m"],
    [{ error_msg: "m" }, "m"],
    [{ base_resp: { status_code: 1004, status_msg: "login fail" } }, "login fail"],
    [{ title: "Bad Request", detail: "no such field", status: 400 }, "Bad Request: no such field"],
    [{ detail: "not you" }, "not you"],
    [{ detail: [{ loc: ["body", "tools", 0], msg: "Field required" }] }, "body.tools.0: Field required"],
    [{ errors: [{ message: "one" }, { message: "two" }] }, "one: two"],
    [{ errors: ["one"], success: false }, "one"],
    [{ Message: "aws", __type: "ValidationException" }, "aws"],
    [{ error: "invalid_request", message: "no" }, "no"],
    [{ error: { code: "x", message: "outer", innererror: { message: "inner" } } }, "outer: inner"],
    [{ error: { message: "outer", details: [{ message: "inner" }, { message: "outer" }] } }, "outer: inner"],
    [
      { error: { message: "outer", type: "request_fail", upstream_error: { error: { message: "inner" } } } },
      "outer: inner",
    ],
    [[{ error: { code: 400, message: "Gemini says no", status: "INVALID_ARGUMENT" } }], "Gemini says no"],
    [
      {
        error: {
          message: "Provider returned error",
          metadata: { provider_name: "Acme", raw: '{"error":{"message":"zeta"}}' },
        },
      },
      "Provider returned error: zeta (Acme)",
    ],
    [
      { error: { message: "Provider returned error", metadata: { provider_name: "Acme", raw: "zeta" } } },
      "Provider returned error: zeta (Acme)",
    ],
    [{ error: { message: '{"error":{"message":"in JSON"}}' } }, "in JSON"],
    [
      { error: { message: 'litellm.BadRequestError: OpenAIException - {"error":{"message":"inner words"}}' } },
      "litellm.BadRequestError: OpenAIException: inner words",
    ],
    ["<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>", "502 Bad Gateway"],
    ["<html><body><h1>Not here</h1><p>at all</p></body></html>", "Not here at all"],
    ['{"odd":1}', '{"odd":1}'],
    ["see [1]", "see [1]"],
  ];
  for (const [value, message] of cases) assert.equal(providerError(value).message, message, JSON.stringify(value));
});

test("errors are read within bounds", () => {
  let deep: object = { message: "at the bottom" };
  for (let n = 0; n < 1000; n += 1) deep = { error: deep };
  assert.equal(providerError(deep).message, "");
  const wide = { errors: Array.from({ length: 5000 }, (_, n) => ({ message: `${n} ${"x".repeat(3000)}` })) };
  assert.ok(providerError(wide).message.length <= 4097);
  assert.equal(providerError({ message: "x", code: "y".repeat(10_000) }).code.length, 120);
});

test("final errors in a stream are not tried again, others are", () => {
  const cases: readonly [unknown, string, boolean][] = [
    [{ code: "invalid_prompt", message: "no" }, "bad_request", false],
    [{ object: "error", type: "BadRequestError", code: 400, message: "prompt zeta" }, "bad_request", false],
    [{ type: "invalid_request_error", message: "no" }, "bad_request", false],
    [{ type: "not_found_error", message: "no such model" }, "bad_request", false],
    [{ code: "model_not_found", message: "no" }, "bad_request", false],
    [{ code: "404", message: "no" }, "bad_request", false],
    [{ code: 422, message: "no" }, "bad_request", false],
    [{ message: "litellm.BadRequestError: AcmeException - no" }, "bad_request", false],
    [{ type: "authentication_error", message: "who?" }, "auth", false],
    [{ type: "permission_error", message: "not you" }, "auth", false],
    [{ code: 401, message: "who?" }, "auth", false],
    [{ code: "insufficient_quota", message: "pay" }, "rate_limit", false],
    [{ code: 429, message: "slow" }, "rate_limit", true],
    [{ type: "rate_limit_error", message: "slow" }, "rate_limit", true],
    [{ message: "litellm.RateLimitError: AcmeException - slow" }, "rate_limit", true],
    [{ code: 408, message: "late" }, "server", true],
    [{ code: 409, message: "again" }, "server", true],
    [{ code: 425, message: "early" }, "server", true],
    [{ code: 502, message: "Network connection lost." }, "server", true],
    [{ type: "server_error", message: "boom" }, "server", true],
    [{ type: "BadRequestError", message: "The model is overloaded" }, "server", true],
    [{ code: 400, message: "Something went wrong. Please try again later." }, "server", true],
    [{ code: 400, message: "temporarily unavailable" }, "server", true],
    ["engine zeta dead", "server", true],
    [{}, "server", true],
    [undefined, "server", true],
  ];
  for (const [error, kind, retry] of cases) {
    const failure = failureInStream(error);
    assert.deepEqual([failure.kind, failure.retry], [kind, retry], JSON.stringify(error));
  }
});

test("waits that errors ask for in fields of their own are kept", () => {
  const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "33s" };
  const body = { error: { code: 429, message: "quota", status: "RESOURCE_EXHAUSTED", details: [retryInfo] } };
  assert.equal(answered(429, [body]).waitMs, 33_000);
  assert.equal(failureInStream(body).waitMs, 33_000);
});

test("through a real answer: the provider's reason, and what was refused, reach the user", async () => {
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    const inner = JSON.stringify({ error: { message: "No endpoints found that support image input" } });
    server.enqueue(
      status(404, {
        error: { message: "Provider returned error", code: 404, metadata: { provider_name: "Acme", raw: inner } },
      }),
      raw('data: {"error":{"message":"Invalid `signature` in `thinking` block","type":"invalid_request_error"}}\n\n'),
    );
    const first = await collectFailure(model);
    assert.match(first.error.message, /Provider returned error: No endpoints found that support image input \(Acme\)$/);
    assert.equal(first.error.refused, "images");
    const second = await collectFailure(model);
    assert.deepEqual([second.error.refused, second.error.kind, second.events], ["thoughts", "bad_request", []]);
  });
});

test("secrets are hidden by the names of what holds them; a common word in a header's value is not", async () => {
  const server = await startModelServer();
  const hidden = ["sk-headerkey1", "tok-en-5678", "bearer-aaaa1", "cookie-bbbb2", "query-cccc3", "path-dddd4"];
  const words = `anthropic error for ${hidden.join(" ")} user:pw@ dXNlcjpsb25nIHBhc3M= long pass`;
  server.enqueue(status(400, { error: { message: words } }));
  const model = openModel(
    server.provider({
      baseUrl: server.url.replace("//", "//user:long%20pass@"),
      apiKey: undefined,
      headers: {
        "x-portkey-provider": "anthropic",
        "x-keyboard-layout": "error for",
        "x-api-key": "sk-headerkey1",
        "x-session-token": "tok-en-5678",
        "proxy-authorization": "Bearer bearer-aaaa1",
        cookie: "a=cookie-bbbb2; b=1",
      },
      queryParams: { "api-key": "query-cccc3", "api-version": "anthropic", sig: "path-dddd4" },
    }),
    deps,
  );
  const { error } = await collectFailure(model);
  model.close();
  await server.close();
  assert.match(error.message, /anthropic error for \[secret\]/);
  for (const secret of [...hidden, "long pass", "dXNlcjpsb25nIHBhc3M="])
    assert.ok(!error.message.includes(secret), secret);
});
