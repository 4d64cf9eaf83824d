import type { ModelInfo } from "../../protocol/index.js";
import { efforts, type Row } from "./row.js";

/** The window is what may be sent, as Codex counts it: more costs more a token, and has to be asked for. */
const REASONS: ModelInfo = {
  contextWindow: 272_000,
  maxOutputTokens: 128_000,
  takesVerbosity: true,
  takesServiceTier: true,
  takesImages: true,
  takesCustomTools: true,
  sealsThoughts: true,
};
const TODAY: ModelInfo = { ...REASONS, defaultVerbosity: "low", efforts: efforts("low", "ultra") };
const CODEX: ModelInfo = { ...REASONS, efforts: efforts("low", "high"), defaultEffort: "medium" };
const CHATS: ModelInfo = { contextWindow: 128_000, maxOutputTokens: 16_384, efforts: [], takesImages: true };
const O_SERIES: ModelInfo = {
  contextWindow: 200_000,
  maxOutputTokens: 100_000,
  efforts: efforts("low", "high"),
  takesVerbosity: false,
  takesServiceTier: true,
  takesImages: true,
  sealsThoughts: true,
};

/** OpenAI's. Where no effort is sent some of them don't reason at all: so each has its default. */
export const OPENAI: readonly Row[] = [
  [/^gpt-oss/, { contextWindow: 131_072, efforts: efforts("low", "high"), takesVerbosity: false, takesImages: false }],
  [/^gpt-[5-9][\d.]*-(chat|instant)/, CHATS],
  [/^gpt-6\.1-terra/, { ...TODAY, contextWindow: 500_000, defaultEffort: "low" }],
  [/^gpt-6(\.\d+)?-luna/, { ...TODAY, efforts: efforts("low", "max"), defaultEffort: "medium" }],
  [/^gpt-6-sol/, { ...TODAY, defaultEffort: "medium" }],
  [/^gpt-6/, { ...TODAY, defaultEffort: "low" }],
  [/^gpt-5\.6-(terra|luna)/, { ...TODAY, defaultEffort: "medium" }],
  [/^gpt-5\.6/, { ...TODAY, defaultEffort: "low" }],
  [/^gpt-5\.5/, { ...TODAY, efforts: efforts("low", "xhigh"), defaultEffort: "medium" }],
  [
    /^gpt-5\.3-codex-spark/,
    { ...CODEX, contextWindow: 128_000, maxOutputTokens: 32_000, efforts: efforts("low", "xhigh") },
  ],
  [/^gpt-5\.[23]-codex/, { ...CODEX, efforts: efforts("low", "xhigh") }],
  [/^gpt-5\.1-codex-max/, { ...CODEX, efforts: efforts("low", "xhigh"), takesVerbosity: false }],
  [/^gpt-5\.1-codex-mini/, { ...CODEX, efforts: efforts("medium", "high"), takesVerbosity: false }],
  [/^gpt-5(\.1)?-codex/, { ...CODEX, takesVerbosity: false }],
  [/^gpt-5\.[2-4]-pro/, { ...REASONS, efforts: efforts("medium", "xhigh"), defaultEffort: "medium" }],
  [/^gpt-5-pro/, { ...REASONS, efforts: ["high"], defaultEffort: "high" }],
  [/^gpt-5\.[2-4]/, { ...REASONS, efforts: ["none", ...efforts("low", "xhigh")], defaultEffort: "medium" }],
  [/^gpt-5\.1/, { ...REASONS, efforts: ["none", ...efforts("low", "high")], defaultEffort: "medium" }],
  [/^gpt-5(?![.\d])/, { ...REASONS, efforts: efforts("minimal", "high"), defaultEffort: "medium" }],
  // Newer than this table: what all have in common.
  [/^gpt-([7-9]|5\.\d)/, { ...TODAY, defaultEffort: "medium" }],
  [
    /^gpt-4\.1/,
    { contextWindow: 1_047_576, maxOutputTokens: 32_768, efforts: [], takesVerbosity: false, takesImages: true },
  ],
  [/^gpt-4o/, { ...CHATS, takesVerbosity: false }],
  [/^gpt-4-turbo/, { ...CHATS, maxOutputTokens: 4_096, takesVerbosity: false }],
  [/^o3-mini/, { ...O_SERIES, takesImages: false }],
  [/^(o1|o3|o4)(?![a-z\d])/, O_SERIES],
  [/^codex-mini/, O_SERIES],
];
