import { describe, it } from "node:test";
import { journey, type Route } from "../support/strict-journey.js";
import {
  countingFromZero,
  devstral,
  gemma,
  longIds,
  mistral,
  NO_SYSTEM,
  ollama,
  withoutStreamOptions,
} from "../support/strict-templates.js";
import { deepSeek, deepSeekThroughout, gemini, kimi, liteLlm, openRouter } from "../support/strict-thinkers.js";

const routes: Readonly<Record<string, Omit<Route, "wire">>> = {
  "DeepSeek V4: every answer has its thoughts": { model: "deepseek-v4-pro", make: deepSeekThroughout },
  "DeepSeek V4 under a name that nobody knows": {
    model: "house-model",
    make: deepSeek,
    learns: "must be passed back to the API",
  },
  "Kimi K2: thoughts come back with calls, ids as they were": { model: "kimi-k2-thinking", make: kimi },
  "Gemini 3: signatures come back with the first call of a step": {
    model: "gemini-3-pro-preview",
    make: gemini,
    sees: true,
  },
  "OpenRouter: sealed thoughts come back, put together from pieces": {
    model: "anthropic/claude-sonnet-4.5",
    make: openRouter,
    sees: true,
  },
  "LiteLLM before Anthropic: blocks of thoughts come back, and tools are always there": {
    model: "anthropic/claude-opus-4.5",
    make: liteLlm,
  },
  "Mistral: short ids, no user behind a tool, contents in parts": {
    model: "magistral-medium-latest",
    make: mistral,
    settings: 'compat = { call_ids = "short" }',
    sees: true,
  },
  "Devstral behind llama.cpp: user and assistant in turn": { model: "devstral-small", make: devstral, sees: true },
  "Gemma behind vLLM: no system message": { model: "gemma-3-27b-it", make: gemma, learns: NO_SYSTEM },
  "Ollama: arguments as an object, no ids, no usage, no reason": { model: "qwen3:8b", make: ollama, limit: 8000 },
};

/** The same by other names and ways, for long runs. */
const further: Readonly<Record<string, Omit<Route, "wire">>> = {
  "DeepSeek V4: thoughts come back with calls": { model: "deepseek-v4-pro", make: deepSeek },
  "Gemini 3 under a path": { model: "models/gemini-3-flash-preview", make: gemini },
  "Gemini 3 through another's gateway": { model: "google/gemini-3.1-pro-preview", make: gemini },
  "a gateway that numbers the calls of each answer from zero": { model: "house-model", make: countingFromZero },
  "a gateway with ids that are too long": { model: "house-model", make: longIds },
  "Mistral before it knew stream_options": {
    model: "mistral-large-latest",
    make: () => withoutStreamOptions(mistral()),
    settings: 'compat = { call_ids = "short" }',
    learns: "stream_options",
  },
};

describe("strict Chat servers", { concurrency: 2 }, () => {
  const all = process.env.BELAY_SOAK === undefined ? routes : { ...routes, ...further };
  for (const [name, route] of Object.entries(all)) {
    it(name, async (t) => {
      await journey(t, { ...route, wire: "chat" });
    });
  }
});
