import assert from "node:assert/strict";
import { test } from "node:test";
import { GUESSED_WINDOW, modelInfo } from "../../src/model/index.js";
import { plainName } from "../../src/model/models.js";
import { EFFORTS, ROWS } from "../../src/model/table/index.js";
import type { ModelInfo } from "../../src/protocol/index.js";
import fc from "../support/fast-check.js";

/** Window in thousands (rounded down), efforts from and to (or a list), default effort and verbosity. */
type Facts = readonly [k: number | undefined, efforts: string | undefined, effort?: string, verbosity?: string];

const MILLION = 1_048;

/** At least one name for each row of the table. */
const known: readonly (readonly [name: string, facts: Facts])[] = [
  ["gpt-6-astra", [272, "low medium high xhigh max ultra", "low", "low"]],
  ["gpt-6.1-sol", [272, "low medium high xhigh max ultra", "low", "low"]],
  ["gpt-6.1-terra", [500, "low medium high xhigh max ultra", "low", "low"]],
  ["gpt-6-sol", [272, "low medium high xhigh max ultra", "medium", "low"]],
  ["gpt-6-luna", [272, "low medium high xhigh max", "medium", "low"]],
  ["gpt-5.6-sol", [272, "low medium high xhigh max ultra", "low", "low"]],
  ["gpt-5.6-terra", [272, "low medium high xhigh max ultra", "medium", "low"]],
  ["gpt-5.6-luna", [272, "low medium high xhigh max ultra", "medium", "low"]],
  ["gpt-5.5", [272, "low medium high xhigh", "medium", "low"]],
  ["gpt-5.5-2026-04-23", [272, "low medium high xhigh", "medium", "low"]],
  ["gpt-7-sol", [272, "low medium high xhigh max ultra", "medium", "low"]],
  ["gpt-5.8", [272, "low medium high xhigh max ultra", "medium", "low"]],
  ["gpt-5.4", [272, "none low medium high xhigh", "medium"]],
  ["gpt-5.4-mini", [272, "none low medium high xhigh", "medium"]],
  ["gpt-5.2-pro", [272, "medium high xhigh", "medium"]],
  ["gpt-5.3-codex", [272, "low medium high xhigh", "medium"]],
  ["gpt-5.3-codex-spark", [128, "low medium high xhigh", "medium"]],
  ["gpt-5.1-codex-max", [272, "low medium high xhigh", "medium"]],
  ["gpt-5.1-codex-mini", [272, "medium high", "medium"]],
  ["gpt-5.1", [272, "none low medium high", "medium"]],
  ["gpt-5", [272, "minimal low medium high", "medium"]],
  ["gpt-5-mini-2025-08-07", [272, "minimal low medium high", "medium"]],
  ["gpt-5-codex", [272, "low medium high", "medium"]],
  ["gpt-5-pro", [272, "high", "high"]],
  ["gpt-5-chat-latest", [128, ""]],
  ["gpt-5.3-chat", [128, ""]],
  ["gpt-5.5-instant", [128, ""]],
  ["gpt-4.1-mini", [1_047, ""]],
  ["gpt-4o-2024-11-20", [128, ""]],
  ["gpt-4-turbo", [128, ""]],
  ["o3", [200, "low medium high"]],
  ["o3-mini", [200, "low medium high"]],
  ["o4-mini", [200, "low medium high"]],
  ["codex-mini-latest", [200, "low medium high"]],
  ["gpt-oss:20b", [131, "low medium high"]],
  ["claude-opus-5-5", [1_000, "low medium high xhigh max"]],
  ["claude-sonnet-5", [1_000, "low medium high xhigh max"]],
  ["claude-haiku-5-5", [1_000, "low medium high xhigh max"]],
  ["claude-opus-4-8", [1_000, "low medium high xhigh max"]],
  ["claude-opus-4-6", [1_000, "low medium high max"]],
  ["claude-sonnet-4-6", [1_000, "low medium high"]],
  ["claude-opus-4-5-20251101", [200, "low medium high"]],
  ["claude-haiku-4-5", [200, undefined]],
  ["claude-sonnet-4-5", [200, undefined]],
  ["claude-4-sonnet", [200, undefined]],
  ["claude-opus-4-1-20250805", [200, undefined]],
  ["claude-2.1", [200, undefined]],
  ["claude-3-7-sonnet-latest", [200, undefined]],
  ["claude-3-5-haiku-20241022", [200, undefined]],
  ["gemini-3.1-pro-preview", [MILLION, "low medium high"]],
  ["gemini-3.8-flash", [MILLION, "low medium high"]],
  ["gemini-pro-latest", [MILLION, "low medium high"]],
  ["gemini-2.5-pro", [MILLION, "low medium high"]],
  ["gemini-2.5-flash-lite", [MILLION, "none low medium high"]],
  ["gemini-2.0-flash", [MILLION, ""]],
  ["gemma-4-31b-it", [262, undefined]],
  ["gemma-4-E4B-it", [131, undefined]],
  ["gemma3:27b", [131, ""]],
  ["gemma-3-1b-it", [32, ""]],
  ["gemma3n:e4b", [32, ""]],
  ["deepseek-v4-pro", [1_000, "high max"]],
  ["deepseek-v4.1-flash", [1_000, "high max"]],
  ["deepseek-v5", [1_000, "high max"]],
  ["deepseek-reasoner", [1_000, "high max"]],
  ["deepseek-chat", [1_000, ""]],
  ["deepseek-v3.2", [163, undefined]],
  ["deepseek-v3.2-speciale", [163, undefined]],
  ["deepseek-chat-v3-0324", [163, ""]],
  ["deepseek-r1-0528", [131, ""]],
  ["deepseek-coder-v2", [131, ""]],
  ["kimi-k3", [MILLION, "low high max"]],
  ["kimi-k2.6", [262, ""]],
  ["kimi-k2-thinking", [262, ""]],
  ["kimi-k2-0905-preview", [262, ""]],
  ["kimi-k2-instruct", [131, ""]],
  ["kimi-for-coding", [262, ""]],
  ["qwen3-coder-plus", [1_000, ""]],
  ["qwen3-coder:30b", [262, ""]],
  ["qwen3.6-plus", [1_000, undefined]],
  ["qwen3.7-max", [262, undefined]],
  ["qwen3.5:27b", [262, undefined]],
  ["qwen3-vl:8b", [262, undefined]],
  ["qwen3-max", [262, undefined]],
  ["qwen3-235b-a22b-thinking-2507", [262, undefined]],
  ["qwen3:32b", [131, undefined]],
  ["qwen-plus-latest", [1_000, undefined]],
  ["qwen2.5-coder:32b", [131, ""]],
  ["qwen2.5-vl:7b", [131, ""]],
  ["qwen2.5:7b", [131, ""]],
  ["qwq:32b", [131, undefined]],
  ["glm-5.3", [1_000, undefined]],
  ["glm-5v-turbo", [200, undefined]],
  ["glm-5", [204, undefined]],
  ["glm-4.7-flash", [204, undefined]],
  ["glm-4.6v", [131, undefined]],
  ["glm-4.5-air", [131, undefined]],
  ["devstral-small-2507", [128, ""]],
  ["devstral-latest", [262, ""]],
  ["codestral-2508", [256, ""]],
  ["magistral-medium-2509", [128, undefined]],
  ["mistral-medium-2604", [262, undefined]],
  ["mistral-medium-2508", [131, ""]],
  ["mistral-large-2512", [262, ""]],
  ["mistral-large-2411", [131, ""]],
  ["mistral-small-2603", [256, undefined]],
  ["mistral-small-2506", [128, ""]],
  ["ministral-8b-2512", [128, ""]],
  ["open-mistral-nemo", [128, ""]],
  ["grok-4.7", [500, "low medium high xhigh"]],
  ["grok-5", [500, "low medium high xhigh"]],
  ["grok-4.5", [500, "low medium high"]],
  ["grok-4.3", [1_000, undefined]],
  ["grok-4.20-0309-reasoning", [2_000, undefined]],
  ["grok-4-1-fast", [2_000, ""]],
  ["grok-4-0709", [256, ""]],
  ["grok-code-fast-1", [256, ""]],
  ["grok-3-mini", [131, "low high"]],
  ["grok-3", [131, ""]],
  ["muse-spark-1.3", [MILLION, "minimal low medium high xhigh"]],
  ["llama-4-maverick-17b-instruct", [1_000, ""]],
  ["llama3.2-vision:11b", [131, ""]],
  ["llama3.3:70b", [131, ""]],
  ["llama3:8b", [8, ""]],
  ["MiniMax-M3", [512, undefined]],
  ["MiniMax-M2.5-highspeed", [204, undefined]],
  ["MiniMax-M1-80k", [1_000, undefined]],
];

test("each row of the table, by a name of it", () => {
  for (const [name, [k, efforts, effort, verbosity]] of known) {
    const { contextWindow, efforts: found, defaultEffort, defaultVerbosity } = modelInfo(name);
    const got = [contextWindow && Math.floor(contextWindow / 1_000), found?.join(" "), defaultEffort, defaultVerbosity];
    assert.deepEqual(got, [k, efforts, effort, verbosity], name);
  }
});

test("the table says nothing that contradicts itself, and no row hides another", () => {
  const used = new Set(known.map(([name]) => ROWS.findIndex(([names]) => names.test(plainName(name)))));
  for (const [index, [names, info]] of ROWS.entries()) {
    const { efforts, defaultEffort, contextWindow = 0, maxOutputTokens = 0 } = info;
    assert.ok(names.source.startsWith("^"), `${names} may begin anywhere`);
    assert.ok(contextWindow >= 8_192 && maxOutputTokens <= Math.max(contextWindow, 384_000), `${names}`);
    assert.ok(defaultEffort === undefined || efforts?.includes(defaultEffort), `${names}: ${defaultEffort}`);
    const order = efforts?.map((one) => EFFORTS.indexOf(one)) ?? [];
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      `${names}`,
    );
    assert.ok(info.defaultVerbosity === undefined || info.takesVerbosity === true, `${names}`);
    assert.ok(used.has(index), `no name above is the first to fit ${names}`);
  }
});

/** A name as it comes in the wild, and the plain one of the same model. */
const wild: readonly (readonly [wild: string, plain: string])[] = [
  ["openai/gpt-5.5", "gpt-5.5"],
  ["GPT-5.5", "gpt-5.5"],
  [" gpt-5.5 ", "gpt-5.5"],
  ["openrouter/openai/gpt-oss-120b:free", "gpt-oss-120b"],
  ["anthropic/claude-opus-4.6", "claude-opus-4-6"],
  ["~anthropic/claude-opus-4.6", "claude-opus-4-6"],
  ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"],
  ["anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-3-7-sonnet"],
  ["us-gov.anthropic.claude-sonnet-4-6-v1:0", "claude-sonnet-4-6"],
  ["arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"],
  ["claude-opus-4-6[1m]", "claude-opus-4-6"],
  ["claude-sonnet-4-5@20250929", "claude-sonnet-4-5"],
  ["us.deepseek.r1-v1:0", "deepseek-r1"],
  ["us.meta.llama3-3-70b-instruct-v1:0", "llama3.3:70b"],
  ["qwen.qwen3-coder-480b-a35b-v1:0", "qwen3-coder-480b"],
  ["openai.gpt-oss-120b-1:0", "gpt-oss-120b"],
  ["moonshot.kimi-k2-thinking", "kimi-k2-thinking"],
  ["models/gemini-3.1-pro-preview", "gemini-3.1-pro-preview"],
  ["publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"],
  ["accounts/fireworks/models/kimi-k2p6", "kimi-k2.6"],
  ["accounts/fireworks/models/deepseek-v3p2", "deepseek-v3.2"],
  ["accounts/fireworks/models/glm-5p3", "glm-5.3"],
  ["deepseek-ai/DeepSeek-V4-Pro", "deepseek-v4-pro"],
  ["zai-org/GLM-5.2", "glm-5.2"],
  ["@cf/meta/llama-3.3-70b-instruct-fp8-fast", "llama-3.3-70b"],
  ["Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"],
  ["hf.co/unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M", "qwen3-coder-30b"],
  ["qwen/qwen3-coder-30b", "qwen3-coder:30b"],
];

test("names as they come in the wild mean the same model", () => {
  for (const [name, plain] of wild) {
    assert.notDeepEqual(modelInfo(plain), {}, plain);
    assert.deepEqual(modelInfo(name), modelInfo(plain), name);
  }
});

test("nothing is known of other names", () => {
  const names = ["", "m1", "my-o3", "not-gpt-5", "o3d", "gpt", "demo", "mygemini-3", "a/b/c", "constructor"];
  for (const name of [...names, "x".repeat(10_000), `gpt-5.5${" ".repeat(400)}`]) {
    assert.deepEqual(modelInfo(name), {}, name);
  }
  assert.equal(modelInfo("m1").contextWindow, undefined);
  assert.equal(GUESSED_WINDOW, 128_000);
});

const flags = [
  "takesCustomTools",
  "sealsThoughts",
  "takesServiceTier",
  "needsThoughts",
  "needsSignatures",
  "takesImages",
] as const satisfies readonly (keyof ModelInfo)[];

/** What else holds of some: the flags that are true. */
const traits: readonly (readonly [name: string, flags: readonly (typeof flags)[number][]])[] = [
  ["gpt-6.1-sol", ["takesCustomTools", "sealsThoughts", "takesServiceTier", "takesImages"]],
  ["openai/gpt-5.5", ["takesCustomTools", "sealsThoughts", "takesServiceTier", "takesImages"]],
  ["gpt-5-codex", ["takesCustomTools", "sealsThoughts", "takesServiceTier", "takesImages"]],
  ["gpt-5-chat-latest", ["takesImages"]],
  ["o3", ["sealsThoughts", "takesServiceTier", "takesImages"]],
  ["o3-mini", ["sealsThoughts", "takesServiceTier"]],
  ["codex-mini-latest", ["sealsThoughts", "takesServiceTier", "takesImages"]],
  ["gpt-4.1", ["takesImages"]],
  ["gpt-oss:20b", []],
  ["claude-opus-5-5", ["takesImages"]],
  ["gemini-3-pro-preview", ["needsSignatures", "takesImages"]],
  ["google/gemini-3.8-flash", ["needsSignatures", "takesImages"]],
  ["gemini-2.5-pro", ["takesImages"]],
  ["deepseek-v4-flash", ["needsThoughts"]],
  ["deepseek-v4.1-flash", ["needsThoughts", "takesImages"]],
  ["deepseek-reasoner", ["needsThoughts"]],
  ["deepseek-chat", []],
  ["deepseek-v3.2", []],
  ["moonshotai/Kimi-K2-Thinking", ["needsThoughts"]],
  ["kimi-k2.5", ["needsThoughts", "takesImages"]],
  ["kimi-k3", ["needsThoughts", "takesImages"]],
  ["kimi-k2-0905-preview", []],
  ["qwen3-coder:30b", []],
  ["qwen3-vl:8b", ["takesImages"]],
  ["glm-5.3", []],
  ["devstral-2512", []],
];

test("what models take, and what their servers want back", () => {
  for (const [name, expected] of traits) {
    const info = modelInfo(name);
    assert.deepEqual(
      flags.filter((flag) => info[flag] === true),
      flags.filter((flag) => expected.includes(flag)),
      name,
    );
  }
});

test("what the settings say of exactly this name counts first, field by field", () => {
  const settings = { "gpt-5.5": { contextWindow: 9_000 }, mine: { takesImages: false } };
  assert.deepEqual(modelInfo("gpt-5.5", settings), { ...modelInfo("gpt-5.5"), contextWindow: 9_000 });
  assert.deepEqual(modelInfo("mine", settings), { takesImages: false });
  assert.deepEqual(modelInfo("openai/gpt-5.5", settings), modelInfo("gpt-5.5"));
  assert.deepEqual(modelInfo("toString", settings), {});
});

test("any text can be asked about", () => {
  const part = fc.constantFrom(
    "gpt-",
    "claude-",
    "deepseek",
    "us.",
    ".",
    "/",
    ":",
    "@",
    "[",
    "3p5",
    "-4-",
    "\u0000",
    "é",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => {
      const name = parts.join("");
      assert.ok(plainName(name).length <= name.toLowerCase().length);
      assert.equal(typeof modelInfo(name), "object");
    }),
  );
});
