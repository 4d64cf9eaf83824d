import assert from "node:assert/strict";
import { test } from "node:test";
import { type Failure, failureInStream, failureOfStatus } from "../../src/model/failure.js";
import { ModelError } from "../../src/model/index.js";
import { nothingSpent, planRetry } from "../../src/model/retry.js";
import type { Provider } from "../../src/protocol/index.js";

const base = {
  id: "mock",
  baseUrl: "http://127.0.0.1:1/v1",
  headers: {},
  queryParams: {},
  requestMaxRetries: 4,
  streamMaxRetries: 5,
} as unknown as Provider;

const overloaded = answered(503, { error: { message: "The server is overloaded" } });

function answered(status: number, body: object, headers = {}): Failure {
  return failureOfStatus(base, { status, headers, text: JSON.stringify(body), now: 0 });
}

type Retry = Exclude<ReturnType<typeof planRetry>, ModelError>;

/** The retries planned for attempts that fail so, until one does not, or no more are allowed. */
function retries(failures: (n: number) => Failure | undefined, more: Partial<Provider> = {}) {
  const spent = nothingSpent();
  const found: Retry[] = [];
  for (;;) {
    const failure = failures(found.length);
    if (failure === undefined) return { found, error: undefined };
    // Half of the range: no jitter.
    const random = () => Uint8Array.of(0x7f, 0xff);
    const plan = planRetry(failure, { provider: { ...base, ...more }, random, spent, began: false });
    if (plan instanceof ModelError) return { found, error: plan };
    found.push(plan);
  }
}

const sum = (found: readonly Retry[]) => found.reduce((ms, { waitMs }) => ms + waitMs, 0);

test("an overload is waited out for about a minute, in steps of 5 s at most, and the count shown is true", () => {
  const { found, error } = retries(() => overloaded);
  assert.deepEqual(
    found.slice(0, 7).map(({ waitMs }) => waitMs),
    [200, 400, 800, 1600, 3200, 5000, 5000],
  );
  assert.ok(sum(found) > 50_000 && sum(found) <= 60_000, String(sum(found)));
  for (const [n, { attempt, of }] of found.entries()) assert.deepEqual([attempt, of], [n + 1, found.length]);
  assert.match(error!.message, new RegExp(`\\(tried ${found.length + 1} times\\)`));
});

test("never more tries than requests within streams", () => {
  const { found } = retries(() => overloaded, { requestMaxRetries: 1, streamMaxRetries: 2 });
  assert.deepEqual(
    found.map(({ attempt, of }) => [attempt, of]),
    [1, 2, 3, 4, 5].map((n) => [n, 5]),
  );
});

test("where no retries are set there are none", () => {
  for (const more of [{ requestMaxRetries: 0 }, { requestMaxRetries: 0, streamMaxRetries: 0 }]) {
    assert.equal(retries(() => overloaded, more).found.length, 0);
  }
  assert.equal(retries(() => overloaded, { streamMaxRetries: 0 }).found.length, 4);
});

test("waits that the server asks for are kept, within the limit of all waiting", () => {
  const asking = answered(503, {}, { "retry-after": "7" });
  const { found, error } = retries(() => asking);
  assert.ok(found.every(({ waitMs, of }) => waitMs === 7000 && of === 29));
  assert.equal(found.length, 29);
  assert.equal(error?.kind, "server");
  const long = retries(() => answered(529, {}, { "retry-after": "400" }));
  assert.equal(long.found.length, 0);
  assert.match(long.error!.message, /asks to wait 400 s, and the limit is 300 s/);
});

test("an overload in between takes nothing from the retries of other failures", () => {
  const broken = answered(500, {});
  const order = [...Array(6).fill(overloaded), ...Array(4).fill(broken), overloaded, undefined];
  const { found, error } = retries((n) => order[n]);
  assert.equal(error, undefined);
  assert.equal(found.length, 11);
  assert.deepEqual(
    found.slice(6, 10).map(({ attempt, of }) => [attempt, of]),
    [1, 2, 3, 4].map((n) => [n, 4]),
  );
});

test("what counts as an overload", () => {
  const yes: Failure[] = [
    answered(503, {}),
    answered(529, {}),
    answered(429, {}),
    answered(500, { error: { message: "The engine is currently overloaded" } }),
    failureInStream({ type: "overloaded_error", message: "Overloaded" }),
    failureInStream({ code: "server_is_overloaded", message: "Our servers are currently overloaded." }),
    failureInStream({ code: "slow_down", message: "Slow down" }),
    failureInStream({ type: "engine_overloaded_error", message: "The engine is busy" }),
    failureInStream({ error: { code: 503, status: "UNAVAILABLE", message: "The model is overloaded." } }),
    failureInStream({ code: 429, message: "slow" }),
  ];
  for (const { message, overloaded: is, retry } of yes) assert.deepEqual([is, retry], [true, true], message);
  const no: Failure[] = [
    answered(500, {}),
    answered(502, {}),
    answered(504, {}),
    answered(429, {}, { "retry-after": "1" }),
    answered(429, { error: { message: "try again in 2s" } }),
    answered(429, { error: { code: "insufficient_quota" } }),
    failureInStream({ type: "server_error", message: "boom" }),
  ];
  for (const { message, overloaded: is } of no) assert.notEqual(is, true, message);
});

test("an account that is used up is not asked again; a limit of a minute in the same words is", () => {
  const spent: readonly object[] = [
    { error: { type: "exceeded_current_quota_error", message: "zeta" } },
    { error: { code: "insufficient_user_quota", message: "zeta" } },
    { error: { code: "quota_exceeded" } },
    { error: { type: "billing_not_active" } },
    { error: { code: "1113", message: "余额不足或无可用资源包,请充值。" } },
    { code: "zeta", error: "Your team has used all available credits." },
    { error: { code: 429, message: "Rate limit exceeded: free-models-per-day" } },
    {
      error: { code: "rate_limit_exceeded", message: "You exceeded your quota, check your plan and billing details." },
    },
  ];
  for (const body of spent) {
    for (const { kind, retry, message } of [answered(429, body), failureInStream(body)]) {
      assert.deepEqual([kind, retry], ["rate_limit", false], message);
    }
  }
  const minute: readonly object[] = [
    { error: { code: 429, message: "You exceeded your quota, check your plan and billing details. Retry in 3s." } },
    { error: { code: "Throttling.AllocationQuota", message: "Allocated quota exceeded, please increase your quota." } },
    { error: { code: "rate_limit_exceeded", message: "Rate limit reached on requests per min (RPM)" } },
  ];
  for (const body of minute) assert.equal(answered(429, body).retry, true, JSON.stringify(body));
});
