import type { ModelInfo } from "../../protocol/index.js";
import type { Row } from "./row.js";

const V4: ModelInfo = {
  contextWindow: 1_000_000,
  maxOutputTokens: 384_000,
  efforts: ["high", "max"],
  takesImages: false,
  needsThoughts: true,
};
const V3: ModelInfo = { contextWindow: 163_840, takesImages: false };

/** DeepSeek's. Names without a version are moved on to the newest; `deepseek-chat` is its side that does not think. */
export const DEEPSEEK: readonly Row[] = [
  [/^deepseek-chat$/, { ...V4, efforts: [], needsThoughts: false }],
  [/^deepseek-(v4-flash-vision|v4\.[1-9]|flash)/, { ...V4, takesImages: true }],
  [/^deepseek-(v[5-9]|pro)/, { ...V4, takesImages: undefined }],
  [/^deepseek-(v4|reasoner)/, V4],
  [/^deepseek-v3\.2.*(thinking|speciale)/, { ...V3, needsThoughts: true }],
  [/^deepseek-(chat-)?v3\.[12]/, V3],
  [/^deepseek-(chat-)?v3/, { ...V3, efforts: [] }],
  [/^deepseek-r1/, { contextWindow: 131_072, efforts: [], takesImages: false }],
  [/^deepseek-coder/, { contextWindow: 131_072, efforts: [], takesImages: false }],
];
