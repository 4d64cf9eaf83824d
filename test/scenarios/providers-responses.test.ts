import { describe, it } from "node:test";
import { MOCK_KEY } from "../support/program.js";
import { journey, type Route } from "../support/strict-journey.js";
import { azure, openAi, vllm } from "../support/strict-makers.js";

const routes: Readonly<Record<string, Omit<Route, "wire">>> = {
  "OpenAI: ids by kind, sealed thoughts before what came of them, phases": { model: "gpt-5.5", make: openAi },
  "OpenAI: the same with an image": { model: "gpt-5.5", make: openAi, sees: true },
  "Azure: a version in the query, the key in a header": {
    model: "gpt-5.5",
    make: () => azure(MOCK_KEY),
    settings:
      'env_http_headers = { "api-key" = "MOCK_API_KEY" }\nquery_params = { api-version = "2025-04-01-preview" }',
  },
  "vLLM: items as the openai package's types have them": { model: "openai/gpt-oss-120b", make: vllm },
  "vLLM: the same with an image": { model: "Qwen/Qwen3-VL-32B", make: vllm, sees: true },
};

describe("strict Responses servers", { concurrency: 2 }, () => {
  for (const [name, route] of Object.entries(routes)) {
    it(name, async (t) => {
      await journey(t, { ...route, wire: "responses" });
    });
  }
});
