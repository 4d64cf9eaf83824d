import assert from "node:assert/strict";
import { test } from "node:test";
import { type Asked, loaded, makePlace, refused } from "./place.js";

const TOKEN = "tok-1234567890";

/** Lines of config.toml before and in the table of the provider that is used. */
function mine(lines: string, before = ""): string {
  return `${before}\nmodel_provider = "m"\n[model_providers.m]\nbase_url = "https://m.example/v1"\n${lines}\n`;
}

/** What is set, and the address that is asked. */
const addresses: readonly (readonly [text: string, asked: Asked, url: string])[] = [
  ['openai_base_url = "https://gate.example/v1/"', {}, "https://gate.example/v1"],
  [
    'openai_base_url = "https://gate.example"',
    { env: { OPENAI_BASE_URL: "https://other.example" } },
    "https://gate.example",
  ],
  ["", { env: { OPENAI_BASE_URL: "https://other.example" } }, "https://other.example"],
  ["", { overrides: ["openai_base_url=http://c.example"] }, "http://c.example"],
  ['profile = "p"\nprofiles.p.openai_base_url = "https://p.example"', {}, "https://p.example"],
  [
    'openai_base_url = "https://a.example"\nmodel_providers.openai.base_url = "https://b.example"',
    {},
    "https://b.example",
  ],
  ['openai_base_url = "https://a.example"\nmodel_provider = "lmstudio"', {}, "http://localhost:1234/v1"],
];

test("openai_base_url is the built-in provider's address, before the variable", async (t) => {
  const place = makePlace(t);
  for (const [text, asked, url] of addresses) {
    place.write("home/config.toml", text);
    assert.equal((await loaded(place, asked)).provider.baseUrl, url, text);
  }
  for (const value of ["5", '""', '"gate.example"', '"https://u:hush@x"']) {
    const path = place.write("home/config.toml", `openai_base_url = ${value}\n`);
    const said = await refused(place, { env: { OPENAI_BASE_URL: "https://other.example" } });
    assert.ok(said.startsWith(`${path}: openai_base_url: `), said);
    assert.doesNotMatch(said, /hush/);
  }
});

/** Lines of the provider, the environment, the key that is sent, and the variable that is missing. */
const keys: readonly (readonly [string, Record<string, string>, string | undefined, string | undefined])[] = [
  [`experimental_bearer_token = "${TOKEN}"`, {}, TOKEN, undefined],
  [`experimental_bearer_token = " ${TOKEN} "`, {}, TOKEN, undefined],
  [`experimental_bearer_token = "Bearer ${TOKEN}"`, {}, TOKEN, undefined],
  [`experimental_bearer_token = "${TOKEN}"\nenv_key = "K"`, { K: "k" }, "k", undefined],
  [`experimental_bearer_token = "${TOKEN}"\nenv_key = "K"`, { K: " " }, TOKEN, undefined],
  [`experimental_bearer_token = "${TOKEN}"\nrequires_openai_auth = true`, { OPENAI_API_KEY: "o" }, TOKEN, undefined],
  ['experimental_bearer_token = ""\nenv_key = "K"', {}, undefined, "K"],
  ["requires_openai_auth = true", { OPENAI_API_KEY: "o" }, "o", undefined],
];

test("a token that stands in the settings is the key, where no variable holds one", async (t) => {
  const place = makePlace(t);
  for (const [lines, env, apiKey, missing] of keys) {
    place.write("home/config.toml", mine(lines));
    const config = await loaded(place, { env });
    assert.deepEqual([config.provider.apiKey, config.missingKey?.envKey], [apiKey, missing], lines);
    assert.deepEqual(config.warnings, []);
  }
});

test("whatever is wrong with a token, it is not shown", async (t) => {
  const place = makePlace(t);
  for (const value of ['" "', "1234567890", '["tok-1234567890"]', '"tok-1234567890\\u20ac"']) {
    const path = place.write("home/config.toml", mine(`experimental_bearer_token = ${value}`));
    const said = await refused(place);
    assert.ok(said.startsWith(`${path}: model_providers.m.experimental_bearer_token: `), said);
    assert.doesNotMatch(said, /1234567890/);
  }
  const said = await refused(place, { overrides: [`model_providers.m..experimental_bearer_token=${TOKEN}`] });
  assert.equal(said, "Invalid override (bad key): model_providers.m..experimental_bearer_token");
});

/** Lines of the provider that is used, and what stops the start. */
const grave: readonly (readonly [string, RegExp])[] = [
  [
    'auth = { command = "print-token" }',
    /model_providers\.m\.auth: commands that print a token are not run; .*env_key/,
  ],
  ['aws = { profile = "p" }', /model_providers\.m\.aws: requests are not signed for AWS; .*base_url/],
  ['gateway_oauth = { client_id = "c" }', /model_providers\.m\.gateway_oauth: .*env_http_headers/],
  ['gateway = "https://g.example"', /model_providers\.m\.gateway: is not known, and may say where or as whom/],
  ['api_key = "sk-hush"', /model_providers\.m\.api_key: is not known/],
  ['oauth_token_file = "/x"', /model_providers\.m\.oauth_token_file: is not known/],
  ['baseURL = "https://x.example"', /model_providers\.m\.baseURL: is not known/],
  ['api-key = "sk-hush"', /model_providers\.m\.api-key: is not known/],
];

test("a key that says where or as whom requests go, and is not known, stops the start", async (t) => {
  const place = makePlace(t);
  for (const [lines, message] of grave) {
    place.write("home/config.toml", mine(lines));
    const said = await refused(place);
    assert.match(said, message);
    assert.equal(said.split("\n").length, 1);
    assert.doesNotMatch(said, /hush/);
    // It is no matter of a provider that is not used.
    assert.deepEqual((await loaded(place, { flags: { modelProvider: "openai" } })).warnings, []);
  }
  place.write("home/config.toml", mine("auth = false\nsupports_websockets = true\nwebsocket_connect_timeout_ms = 5"));
  assert.deepEqual((await loaded(place)).warnings, []);
});

/** Keys of Codex's, and what of them the warning names. */
const unused: readonly (readonly [text: string, named: string | undefined])[] = [
  ['notify = ["say", "done"]\nproject_root_markers = [".root"]', "notify, project_root_markers"],
  ['[mcp_servers.x]\ncommand = "x"', "mcp_servers"],
  [
    '[hooks]\nstop = "x"\n[features]\nweb_search_request = true\nunified_exec = true\nhooks = false',
    "hooks, features.web_search_request",
  ],
  ['web_search = "live"\ntools.view_image = false', "web_search, tools.view_image"],
  ['web_search = "disabled"\nnotify = []\ntools.web_search = false\nmcp_servers = {}', undefined],
  ['allow_login_shell = false\nhistory.persistence = "none"', "allow_login_shell, history.persistence"],
  ['allow_login_shell = true\nhistory.persistence = "save-all"\nforced_login_method = "api"', undefined],
  ['forced_login_method = "chatgpt"', "forced_login_method"],
  [mine('author = "me"\ndesign = 1'), "model_providers.m.author, model_providers.m.design"],
  ['profile = "p"\n[profiles.p]\npersonality = "pragmatic"', "personality"],
  ["tools = 5\nfeatures = [1]\nhistory = true", undefined],
  ['[tui]\nnotifications = true\n[otel]\nexporter = "none"\n[notice]\nhide = true', undefined],
  ['plan_mode_reasoning_effort = "turbo"\nchatgpt_base_url = "https://x"', undefined],
  [mine("request_pace = 5", 'notify = ["x"]'), "notify, model_providers.m.request_pace"],
];

test("what of Codex's keys is not used, and changes something, is named in one line", async (t) => {
  const place = makePlace(t);
  for (const [text, named] of unused) {
    place.write("home/config.toml", text);
    const { warnings } = await loaded(place);
    assert.deepEqual(warnings, named === undefined ? [] : [`not used by Belay yet: ${named}`], text);
  }
});

/** Silence and quiet that are set, and what is waited, ms. */
const timeouts: readonly (readonly [lines: string, idle: number, content: number])[] = [
  ["", 300_000, 1_800_000],
  ["stream_idle_timeout_ms = 60000", 60_000, 600_000],
  ["stream_idle_timeout_ms = 100", 100, 5_000],
  ["stream_idle_timeout_ms = 7200000", 7_200_000, 7_200_000],
  ["stream_content_timeout_ms = 20", 300_000, 20],
  ["stream_content_timeout_ms = 99999999999", 300_000, 2 ** 31 - 1],
];

test("how long a stream may go on without anything of an answer", async (t) => {
  const place = makePlace(t);
  for (const [lines, idle, content] of timeouts) {
    place.write("home/config.toml", mine(lines));
    const { provider } = await loaded(place);
    assert.deepEqual([provider.streamIdleTimeoutMs, provider.streamContentTimeoutMs], [idle, content], lines);
  }
  place.write("home/config.toml", mine("stream_content_timeout_ms = 0"));
  assert.match(await refused(place), /stream_content_timeout_ms: expected a whole number, 1 or more; got 0$/);
});

test("extra_body: any table that JSON can say, laid over each other key by key", async (t) => {
  const place = makePlace(t);
  const lines =
    'extra_body = { top_k = 20, a = { b = 1, c = [true, "x", { d = 1.5 }] }, "__proto__" = { evil = true }, empty = {} }';
  place.write("home/config.toml", mine(lines));
  const asked = { overrides: ["model_providers.m.extra_body.a.b=2", "model_providers.m.extra_body.e=f"] };
  const { extraBody } = (await loaded(place, asked)).provider;
  assert.equal(
    JSON.stringify(extraBody),
    '{"top_k":20,"a":{"b":2,"c":[true,"x",{"d":1.5}]},"__proto__":{"evil":true},"empty":{},"e":"f"}',
  );
  assert.equal(Object.getPrototypeOf(extraBody), Object.prototype);
  assert.equal(({} as { evil?: boolean }).evil, undefined);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["x = 1979-05-27", /extra_body\.x: expected what JSON can say; got a date$/],
    ["x = [inf]", /extra_body\.x: expected what JSON can say; got Infinity$/],
    ["x.y = nan", /extra_body\.x\.y: expected what JSON can say; got NaN$/],
    ["x = 9223372036854775807", /extra_body\.x: expected what JSON can say; got 9223372036854775807$/],
    [`${Array(18).fill("x").join(".")} = 1`, /is more than 16 tables deep$/],
    ...["model", "messages", "input", "stream", "tools", "n"].map(
      (key) =>
        [
          `${key} = 1`,
          new RegExp(`extra_body\\.${key}: is Belay's own field of a request, and can't be set$`),
        ] as const,
    ),
  ];
  for (const [line, message] of wrong) {
    place.write("home/config.toml", mine(`[model_providers.m.extra_body]\n${line}`));
    assert.match(await refused(place), message);
  }
  place.write("home/config.toml", mine("extra_body = 5"));
  assert.match(await refused(place), /extra_body: expected a table; got 5$/);
});

/** Address, lines of the compat table, and what comes of both. */
const compats: readonly (readonly [url: string, lines: string, compat: object])[] = [
  ["https://m.example/v1", "", {}],
  ["https://api.openai.com/v1", "", { roles: "free" }],
  ["https://api.openai.com.evil.example/v1", "", {}],
  ["https://API.Mistral.ai/v1", "", { roles: "strict", callIds: "short", thoughts: "dropped" }],
  ["https://notmistral.ai/v1", "", {}],
  ["https://api.mistral.ai/v1", 'call_ids = "any"', { roles: "strict", callIds: "any", thoughts: "dropped" }],
  ["https://api.deepseek.com", 'thoughts = "required"', { thoughts: "required" }],
  ["https://api.moonshot.ai/v1", "", { thoughts: "sent" }],
  ["https://api.moonshot.cn/v1", "", { thoughts: "sent" }],
  ["https://api.groq.com/openai/v1", "", { thoughts: "dropped" }],
  [
    "http://localhost:8080/v1",
    'roles = "strict"\nsystem = "user"\ncall_ids = "short"\nthoughts = "sent"\nwithout = ["stream_options"]',
    { roles: "strict", system: "user", callIds: "short", thoughts: "sent", without: ["stream_options"] },
  ],
];

test("how a server differs: what is set, over what is known of its host", async (t) => {
  const place = makePlace(t);
  const write = (url: string, lines: string) =>
    place.write(
      "home/config.toml",
      `model_provider = "m"\n[model_providers.m]\nbase_url = "${url}"\n[model_providers.m.compat]\n${lines}\n`,
    );
  for (const [url, lines, compat] of compats) {
    write(url, lines);
    assert.deepEqual((await loaded(place)).provider.compat, compat, url);
  }
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['roles = "loose"', /compat\.roles: expected one of strict, free; got "loose"$/],
    ['system = "assistant"', /compat\.system: expected one of system, developer, user; got "assistant"$/],
    ['call_ids = "long"', /compat\.call_ids: expected one of any, short; got "long"$/],
    ["thoughts = true", /compat\.thoughts: expected one of sent, dropped, required; got true$/],
    ['without = "x"', /compat\.without: expected an array of names of fields that can be left out/],
    ['without = ["model"]', /compat\.without: expected an array of names of fields[^\n]*got \["model"\]$/],
  ];
  for (const [line, message] of wrong) {
    write("https://m.example", line);
    assert.match(await refused(place), message);
  }
});
