import type { ModelInfo } from "../protocol/index.js";
import { ROWS } from "./table/index.js";

/** The window of a model that nobody told anything of, tokens: what nearly all have that call tools. Never shown as known. */
export const GUESSED_WINDOW = 128_000;

/** Names are a user's or a record's: a longer one is no model's. */
const MAX_NAME = 300;
/** `anthropic.claude-…`, `us.anthropic.claude-…`: Bedrock's way to name a maker. */
const DOTTED_MAKER =
  /^(?:[a-z]{2,6}(?:-[a-z]+)?\.)?(?:amazon|anthropic|google|meta|minimax|mistral|moonshot|moonshotai|openai|qwen|xai|zai)\./;

/**
 * What is known of a model: what `settings` say of exactly this name, and for the rest the table. Nothing where it is not known.
 */
export function modelInfo(name: string, settings: Readonly<Record<string, ModelInfo>> = {}): ModelInfo {
  const own = Object.hasOwn(settings, name) ? settings[name] : undefined;
  const plain = plainName(name);
  return { ...ROWS.find(([names]) => names.test(plain))?.[1], ...own };
}

/**
 * A model's name without what gateways put around it: makers and paths before it (`openrouter/openai/`, `accounts/…/models/`,
 * `us.anthropic.`), a tag or a date behind it (`:free`, `:30b`, `@20250929`), capitals, and dots that are written as `p` or
 * as dashes.
 */
export function plainName(name: string): string {
  if (name.length > MAX_NAME) return "";
  const last = name.trim().toLowerCase().split("/").at(-1)!;
  const [bare = ""] = last.replace(/^~/, "").split(/[:@[]/, 1);
  const plain = bare
    .replace(/^((?:[a-z]{2,6}\.)?)deepseek\./, "deepseek-")
    .replace(DOTTED_MAKER, "")
    .replaceAll("_", "-")
    .replace(/^(?:anthropic|deepseek-ai|meta|openai|zai-org|moonshotai)-+(?=claude|deepseek|llama|gpt|glm|kimi)/, "")
    .replace(/(?<=\d)p(?=\d)/g, ".");
  // Claude's versions are written in both ways: one is enough for the table.
  return plain.startsWith("claude-") ? plain.replaceAll(".", "-") : plain;
}
