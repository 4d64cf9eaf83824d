import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../support/fast-check.js";
import { type Asked, loaded, makePlace, refused } from "./place.js";

test("OpenAI: the built-in one", async (t) => {
  const place = makePlace(t);
  const { provider, openaiAuth, missingKey } = await loaded(place, { env: { OPENAI_API_KEY: " sk-1\n" } });
  assert.deepEqual(
    { ...provider, headers: { ...provider.headers }, queryParams: { ...provider.queryParams } },
    {
      id: "openai",
      name: "OpenAI",
      baseUrl: "https://api.openai.com/v1",
      wireApi: "responses",
      apiKey: "sk-1",
      headers: {},
      queryParams: {},
      requestMaxRetries: 4,
      streamMaxRetries: 5,
      streamIdleTimeoutMs: 300_000,
      streamContentTimeoutMs: 1_800_000,
      extraBody: {},
      compat: { roles: "free" },
      proxyUrl: undefined,
    },
  );
  assert.deepEqual([openaiAuth, missingKey], [true, undefined]);
  const both = await loaded(place, {
    env: { OPENAI_API_KEY: "o", CODEX_API_KEY: "c", OPENAI_BASE_URL: "http://x/v1/" },
  });
  assert.deepEqual([both.provider.apiKey, both.provider.baseUrl], ["c", "http://x/v1"]);
  place.write(
    "home/config.toml",
    '[model_providers.openai]\nbase_url = "https://gate.example/v1"\nstream_max_retries = 0\n',
  );
  const merged = (await loaded(place, { env: { OPENAI_API_KEY: "o", OPENAI_BASE_URL: "http://x" } })).provider;
  assert.deepEqual(
    [merged.baseUrl, merged.apiKey, merged.streamMaxRetries, merged.name],
    ["https://gate.example/v1", "o", 0, "OpenAI"],
  );
});

const MINE = `model_provider = "mine"
[model_providers.mine]
name = "Mine"
base_url = "https://mine.example/api//"
env_key = "MINE_KEY"
env_key_instructions = "Ask Ann."
wire_api = "chat"
query_params = { version = "2" }
http_headers = { X-A = "a", X-B = "b" }
env_http_headers = { X-B = "MINE_B", X-C = "MINE_C" }
request_max_retries = 0
stream_max_retries = 100
stream_idle_timeout_ms = 99999999999
`;

test("a provider of the user's, with its variables resolved", async (t) => {
  const place = makePlace(t);
  place.write("home/config.toml", MINE);
  const { provider, missingKey, openaiAuth } = await loaded(place, {
    env: { MINE_KEY: "k", MINE_B: "bb", OPENAI_API_KEY: "o" },
  });
  assert.deepEqual(
    { ...provider, headers: { ...provider.headers }, queryParams: { ...provider.queryParams } },
    {
      id: "mine",
      name: "Mine",
      baseUrl: "https://mine.example/api",
      wireApi: "chat",
      apiKey: "k",
      headers: { "X-A": "a", "X-B": "bb" },
      queryParams: { version: "2" },
      requestMaxRetries: 0,
      streamMaxRetries: 100,
      streamIdleTimeoutMs: 2 ** 31 - 1,
      streamContentTimeoutMs: 2 ** 31 - 1,
      extraBody: {},
      compat: {},
      proxyUrl: undefined,
    },
  );
  assert.deepEqual([missingKey, openaiAuth], [undefined, false]);
});

test("a missing key is no mistake of loading, and OpenAI's key goes to no other provider", async (t) => {
  const place = makePlace(t);
  place.write("home/config.toml", MINE);
  for (const env of [{ OPENAI_API_KEY: "o" }, { MINE_KEY: "", CODEX_API_KEY: "c" }, { MINE_KEY: "  " }]) {
    const { provider, missingKey } = await loaded(place, { env });
    assert.deepEqual([provider.apiKey, missingKey], [undefined, { envKey: "MINE_KEY", instructions: "Ask Ann." }]);
  }
  place.write("home/config.toml", 'model_provider = "m"\n[model_providers.m]\nbase_url = "https://m.example"\n');
  const open = await loaded(place, { env: { OPENAI_API_KEY: "o" } });
  assert.deepEqual([open.provider.apiKey, open.missingKey, open.provider.wireApi], [undefined, undefined, "responses"]);
  const asks = { overrides: ["model_providers.m.requires_openai_auth=true"] };
  const gated = await loaded(place, { ...asks, env: { OPENAI_API_KEY: "o" } });
  assert.deepEqual([gated.provider.apiKey, gated.openaiAuth], ["o", true]);
});

/** What chooses a provider, with the base URL, wire and model that result. */
const local: readonly (readonly [string, Asked, readonly [string, string, string]])[] = [
  ["", { flags: { oss: true } }, ["http://localhost:11434/v1", "chat", "gpt-oss:20b"]],
  ['model = "o3"', { flags: { oss: true } }, ["http://localhost:11434/v1", "chat", "gpt-oss:20b"]],
  ["", { flags: { oss: true, model: "qwen" } }, ["http://localhost:11434/v1", "chat", "qwen"]],
  ['model = "o3"', { overrides: ["model_provider=oss", "model=qwen"] }, ["http://localhost:11434/v1", "chat", "qwen"]],
  ['model = "qwen"\nmodel_provider = "oss"', {}, ["http://localhost:11434/v1", "chat", "qwen"]],
  ['oss_provider = "lmstudio"', { flags: { oss: true } }, ["http://localhost:1234/v1", "chat", "gpt-oss:20b"]],
  ['model_provider = "lmstudio"', {}, ["http://localhost:1234/v1", "chat", "gpt-oss:20b"]],
  ["", { flags: { oss: true }, env: { CODEX_OSS_PORT: "99" } }, ["http://localhost:99/v1", "chat", "gpt-oss:20b"]],
  ["", { flags: { oss: true }, env: { CODEX_OSS_BASE_URL: "http://h/v1" } }, ["http://h/v1", "chat", "gpt-oss:20b"]],
  [
    'model_providers.oss.wire_api = "responses"',
    { flags: { oss: true } },
    ["http://localhost:11434/v1", "responses", "gpt-oss:20b"],
  ],
  ['model = "o3"', { flags: { modelProvider: "demo" } }, ["", "demo", "demo"]],
  ['model_provider = "demo"\nmodel_providers.demo.base_url = "http://x"', {}, ["", "demo", "demo"]],
  ["", { flags: { oss: true, modelProvider: "demo" } }, ["", "demo", "demo"]],
  [
    'model = "o3"\nmodel_providers.m.base_url = "http://m"',
    { overrides: ["model_provider=m"] },
    ["http://m", "responses", "o3"],
  ],
];

test("local models and the demo need no key, and take no model that was meant for another", async (t) => {
  const place = makePlace(t);
  for (const [text, asked, expected] of local) {
    place.write("home/config.toml", text);
    const { provider, model, missingKey } = await loaded(place, asked);
    assert.deepEqual([provider.baseUrl, provider.wireApi, model], expected, text);
    assert.equal(missingKey, undefined);
  }
});

const AT = "model_providers.m";
const wrong: readonly (readonly [string, RegExp])[] = [
  ['name = "M"', /config\.toml: model_providers\.m\.base_url: is missing$/],
  ["base_url = 5", /config\.toml: model_providers\.m\.base_url: expected a string[^\n]*; got 5$/],
  ['base_url = "ftp://x"', /base_url: expected an http:\/\/ or https:\/\/ URL; got "ftp:\/\/x"$/],
  ['base_url = "x.example"', /base_url: expected an http/],
  ['base_url = "https://x?a=b"', /base_url: ends with a query/],
  ['base_url = "https://me:pw@x"', /base_url: holds a password: put the key into env_key$/],
  ['base_url = "http://x"\nwire_api = "grpc"', /wire_api: expected one of responses, chat; got "grpc"$/],
  [
    'base_url = "http://x"\nrequest_max_retries = 101',
    /request_max_retries: expected a whole number from 0 to 100; got 101$/,
  ],
  [
    'base_url = "http://x"\nstream_idle_timeout_ms = 0',
    /stream_idle_timeout_ms: expected a whole number, 1 or more; got 0$/,
  ],
  ['base_url = "http://x"\nenv_key = ""', /env_key: expected a string that is not empty/],
  ['base_url = "http://x"\nhttp_headers = ["a"]', /http_headers: expected a table; got an array$/],
  ['base_url = "http://x"\nhttp_headers = { "a b" = "c" }', /http_headers\."a b": is no name of a header$/],
  [
    'base_url = "http://x"\nhttp_headers = { A = "hush\\r\\nB: c" }',
    /http_headers\.A: its value holds characters[^\n]*$/,
  ],
  ['base_url = "http://x"\nquery_params = { a = 1 }', /query_params\.a: expected a string; got 1$/],
];

test("a provider that is set wrong", async (t) => {
  const place = makePlace(t);
  for (const [lines, message] of wrong) {
    place.write("home/config.toml", `model_provider = "m"\n[${AT}]\n${lines}\n`);
    const said = await refused(place);
    assert.match(said, message);
    assert.doesNotMatch(said, /hush|pw/);
  }
  place.write("home/config.toml", "");
  assert.equal(
    await refused(place, { overrides: ["model_provider=nope", 'model_providers.mine.name="x"'] }),
    '-c model_provider: unknown provider "nope"; known are openai, oss, ollama, lmstudio, demo, mine',
  );
  assert.match(await refused(place, { env: { OPENAI_BASE_URL: "nope" } }), /^OPENAI_BASE_URL: expected an http/);
  const oss = { oss: true };
  assert.match(await refused(place, { env: { CODEX_OSS_PORT: "0" }, flags: oss }), /^CODEX_OSS_PORT: expected a port/);
  const said = await refused(place, { env: { OPENAI_API_KEY: "hush\u20ac" } });
  assert.equal(said, "OPENAI_API_KEY: holds characters that a header can't carry");
});

const P = "http://proxy.example:3128/";

/** Environment, base URL, and the proxy that is chosen. */
const proxies: readonly (readonly [Record<string, string>, string, string | undefined])[] = [
  [{ HTTPS_PROXY: P }, "https://a.example", P],
  [{ https_proxy: "proxy.example:3128" }, "https://a.example", P],
  [{ https_proxy: P, HTTPS_PROXY: "http://other" }, "https://a.example", P],
  [{ https_proxy: "", HTTPS_PROXY: P }, "https://a.example", P],
  [{ HTTP_PROXY: P }, "https://a.example", undefined],
  [{ HTTP_PROXY: P }, "http://a.example", P],
  [{ HTTPS_PROXY: P }, "http://a.example", undefined],
  [{ ALL_PROXY: P }, "http://a.example", P],
  [{ all_proxy: "socks5://s", https_proxy: P }, "https://a.example", P],
  [{ ALL_PROXY: P }, "http://localhost:11434/v1", undefined],
  [{ ALL_PROXY: P }, "http://x.localhost", undefined],
  [{ ALL_PROXY: P }, "http://127.9.9.9:1", undefined],
  [{ ALL_PROXY: P }, "http://[::1]:1", undefined],
  [{ ALL_PROXY: "socks5://s" }, "http://127.0.0.1", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "*" }, "https://a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "a.example" }, "https://a.example", undefined],
  [{ ALL_PROXY: P, no_proxy: "A.Example" }, "https://a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "example" }, "https://a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: ".a.example" }, "https://b.a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "*.a.example" }, "https://b.a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "a.example" }, "https://ba.example", P],
  [{ ALL_PROXY: P, NO_PROXY: "x, ,y a.example" }, "https://a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "a.example:443" }, "https://a.example", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "a.example:80" }, "https://a.example", P],
  [{ ALL_PROXY: P, NO_PROXY: "a.example:8080" }, "https://a.example:8080", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "10.0.0.0/8" }, "http://10.200.3.4", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "10.0.0.0/8" }, "http://11.0.0.1", P],
  [{ ALL_PROXY: P, NO_PROXY: "0.0.0.0/0" }, "http://11.0.0.1", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "10.0.0.0/99, /8, 1/8" }, "http://10.0.0.1", P],
  [{ ALL_PROXY: P, NO_PROXY: "fe80::1" }, "http://[fe80::1]", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "[fe80::1]:80" }, "http://[fe80::1]", undefined],
  [{ ALL_PROXY: P, NO_PROXY: "." }, "https://a.example", P],
];

test("proxies, and what is exempt from them", async (t) => {
  const place = makePlace(t);
  for (const [env, url, expected] of proxies) {
    const { provider } = await loaded(place, { env: { ...env, OPENAI_BASE_URL: url } });
    assert.equal(provider.proxyUrl, expected, `${JSON.stringify(env)} ${url}`);
  }
});

test("a proxy that can't be used is said, without its password", async (t) => {
  const place = makePlace(t);
  assert.equal(
    await refused(place, { env: { ALL_PROXY: "socks5://me:hush@s:1" } }),
    "ALL_PROXY: expected an http:// or https:// proxy; got one of socks5://",
  );
  assert.equal(
    await refused(place, { env: { https_proxy: "http://me:hush@:x" } }),
    "https_proxy: expected the URL of a proxy",
  );
});

test("no NO_PROXY, however written, breaks the choice", async (t) => {
  const place = makePlace(t);
  const env = { HTTPS_PROXY: P, OPENAI_BASE_URL: "https://a.example" };
  const entry = fc.oneof(fc.string(), fc.constantFrom("*", ".", "[", "[]", ":", "a:", "/", "10.0.0.0/", "1.1.1.1/33"));
  await fc.assert(
    fc.asyncProperty(fc.array(entry), async (entries) => {
      const { provider } = await loaded(place, { env: { ...env, NO_PROXY: entries.join(",") } });
      assert.ok(provider.proxyUrl === P || provider.proxyUrl === undefined);
    }),
  );
});
