import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Config, DEFAULT_MODEL, findHome } from "../../src/config/index.js";
import { modelInfo } from "../../src/model/index.js";
import { reasoningEffortSchema, verbositySchema } from "../../src/protocol/index.js";
import { load, loaded, makePlace, refused } from "./place.js";

test("the model that is asked where none is set is a known one", () => {
  assert.equal(DEFAULT_MODEL, "gpt-6.1-sol");
  assert.equal(modelInfo(DEFAULT_MODEL).contextWindow, 272_000);
});

test("no effort of today, and no verbosity, stops a start: from a file, a profile, -c", async (t) => {
  const place = makePlace(t);
  for (const effort of reasoningEffortSchema.options) {
    place.write("home/config.toml", `model_reasoning_effort = "${effort}"\n`);
    assert.equal((await loaded(place)).effort, effort);
    place.write("home/config.toml", `profile = "p"\n[profiles.p]\nmodel_reasoning_effort = "${effort}"\n`);
    assert.equal((await loaded(place)).effort, effort);
    place.write("home/config.toml", "");
    assert.equal((await loaded(place, { overrides: [`model_reasoning_effort=${effort}`] })).effort, effort);
  }
  for (const verbosity of verbositySchema.options) {
    place.write("home/config.toml", `model_verbosity = "${verbosity}"\n`);
    assert.equal((await loaded(place)).verbosity, verbosity);
  }
});

/** A line of config.toml, and what it comes to; then its warnings. */
const good: readonly (readonly [string, keyof Config, unknown, RegExp?])[] = [
  ['service_tier = "fast"', "serviceTier", "priority"],
  ['service_tier = "priority"', "serviceTier", "priority"],
  ['service_tier = "flex"', "serviceTier", "flex"],
  ['service_tier = "default"', "serviceTier", "default"],
  ['service_tier = "auto"', "serviceTier", "auto"],
  [
    'service_tier = "gold"',
    "serviceTier",
    "gold",
    /config\.toml: service_tier: "gold" is not known, and is sent as it is/,
  ],
  ['model_reasoning_summary = "auto"\nmodel_supports_reasoning_summaries = false', "summary", undefined],
  ['model_reasoning_summary = "auto"\nmodel_supports_reasoning_summaries = true', "summary", "auto"],
  ['plan_mode_reasoning_effort = "xhigh"', "effort", undefined],
];

test("what is asked of models, key by key", async (t) => {
  const place = makePlace(t);
  for (const [text, key, value, warning] of good) {
    place.write("home/config.toml", text);
    const config = await loaded(place);
    assert.deepEqual(config[key], value, text);
    if (warning === undefined) assert.deepEqual(config.warnings, []);
    else assert.match(config.warnings.join("\n"), warning);
  }
});

const MODELS = `[models."gpt-5.5"]
context_window = 500_000
[models."qwen3-coder:30b"]
context_window = 32_768
max_output_tokens = 4_096
efforts = ["high", "low"]
default_effort = "low"
verbosity = "high"
images = true
custom_tools = true
service_tier = false
seals_thoughts = false
needs_thoughts = true
needs_signatures = false
[models.__proto__]
verbosity = false
`;

test("what the settings say of models: only what is said is there", async (t) => {
  const place = makePlace(t);
  place.write("home/config.toml", MODELS);
  const asked = { overrides: ['models."gpt-5.5".images=false'] };
  const { models, warnings } = await loaded(place, asked);
  assert.deepEqual(warnings, []);
  assert.deepEqual(Object.keys(models).toSorted(), ["__proto__", "gpt-5.5", "qwen3-coder:30b"]);
  assert.deepEqual(models["gpt-5.5"], { contextWindow: 500_000, takesImages: false });
  assert.deepEqual(models["qwen3-coder:30b"], {
    contextWindow: 32_768,
    maxOutputTokens: 4_096,
    efforts: ["low", "high"],
    defaultEffort: "low",
    takesVerbosity: true,
    defaultVerbosity: "high",
    takesImages: true,
    takesCustomTools: true,
    takesServiceTier: false,
    sealsThoughts: false,
    needsThoughts: true,
    needsSignatures: false,
  });
  assert.deepEqual(Object.getOwnPropertyDescriptor(models, "__proto__")?.value, { takesVerbosity: false });
  const info = modelInfo("gpt-5.5", models);
  assert.deepEqual([info.contextWindow, info.takesImages, info.defaultEffort], [500_000, false, "medium"]);
  const path = place.write("home/config.toml", "[models.m]\neffort = []\nimages = true\n");
  const typo = await loaded(place);
  assert.deepEqual(typo.warnings, ["models.m: not known: effort"]);
  assert.deepEqual(typo.sources, [path]);
});

/** A line of a model's table, and what is said of it. */
const bad: readonly (readonly [string, string])[] = [
  ["context_window = 0", "context_window: expected a whole number, 1 or more; got 0"],
  ['max_output_tokens = "many"', 'max_output_tokens: expected a whole number, 1 or more; got "many"'],
  [
    'efforts = "high"',
    'efforts: expected an array of efforts: none, minimal, low, medium, high, xhigh, max, ultra; got "high"',
  ],
  [
    'efforts = ["huge"]',
    'efforts: expected an array of efforts: none, minimal, low, medium, high, xhigh, max, ultra; got ["huge"]',
  ],
  [
    'default_effort = "huge"',
    'default_effort: expected one of none, minimal, low, medium, high, xhigh, max, ultra; got "huge"',
  ],
  ['verbosity = "loud"', 'verbosity: expected one of low, medium, high; got "loud"'],
  ["images = 1", "images: expected true or false; got 1"],
  ['custom_tools = "yes"', 'custom_tools: expected true or false; got "yes"'],
  ['service_tier = "flex"', 'service_tier: expected true or false; got "flex"'],
];

test("what is said wrong of a model is named", async (t) => {
  const place = makePlace(t);
  for (const [line, message] of bad) {
    const path = place.write("home/config.toml", `[models."a.b"]\n${line}\n`);
    assert.equal(await refused(place), `${path}: models."a.b".${message}`);
  }
  const path = place.write("home/config.toml", "models = 5\n");
  assert.equal(await refused(place), `${path}: models: expected a table; got 5`);
  place.write("home/config.toml", 'model_verbosity = "loud"\nservice_tier = 5\nmodel_reasoning_effort = "turbo"\n');
  const said = await refused(place);
  assert.match(said, /model_verbosity: expected one of low, medium, high; got "loud"/);
  assert.match(said, /service_tier: expected a string/);
  assert.match(
    said,
    /model_reasoning_effort: expected one of none, minimal, low, medium, high, xhigh, max, ultra; got/,
  );
});

/** A home as a service file names it, and where that is. */
const homes: readonly (readonly [string, string])[] = [
  ["~/.codex", "/users/me/.codex"],
  ["~", "/users/me"],
  ["~/", "/users/me/"],
  ["$HOME/.codex", "/users/me/.codex"],
  ["$" + "{HOME}/a b", "/users/me/a b"],
  ["a/~", "/there/a/~"],
  ["./~", "/there/~"],
  ["/x/$HOME", "/x/$HOME"],
];

test("a home folder that no shell has expanded is below the user's own", async (t) => {
  for (const [named, home] of homes) {
    for (const variable of ["BELAY_HOME", "CODEX_HOME"]) {
      assert.equal(findHome({ [variable]: named, HOME: "/users/me" }, "/there"), join(home), named);
    }
  }
  const place = makePlace(t);
  place.write("home/.codex/config.toml", 'model = "mine"\n');
  const env = { BELAY_HOME: undefined, CODEX_HOME: "~/.codex", HOME: place.home };
  const result = await load(place, { env });
  assert.ok(result.ok);
  assert.deepEqual([result.config.model, result.config.home], ["mine", join(place.home, ".codex")]);
  assert.ok(!existsSync(join(place.cwd, "~")));
});
