import type { ModelInfo } from "../../protocol/index.js";
import { efforts, type Row } from "./row.js";

const GROK: ModelInfo = { contextWindow: 500_000, takesImages: true };

/** Those of xAI. Most before 4.5 refuse to be told an effort. */
export const XAI: readonly Row[] = [
  [/^grok-4[.-][56](?!\d)/, { ...GROK, efforts: efforts("low", "high") }],
  [/^grok-(4[.-][7-9]|[5-9])(?!\d)/, { ...GROK, efforts: efforts("low", "xhigh") }],
  [/^grok-4[.-]3(?!\d)/, { contextWindow: 1_000_000, takesImages: true }],
  [/^grok-4[.-]20/, { contextWindow: 2_000_000, takesImages: true }],
  [/^grok-4([.-]1)?-fast/, { contextWindow: 2_000_000, efforts: [], takesImages: true }],
  [/^grok-4(?![.\d])/, { contextWindow: 256_000, efforts: [], takesImages: true }],
  [/^grok-code-fast/, { contextWindow: 256_000, efforts: [], takesImages: false }],
  [/^grok-3-mini/, { contextWindow: 131_072, efforts: ["low", "high"], takesImages: false }],
  [/^grok-3/, { contextWindow: 131_072, efforts: [], takesImages: false }],
];
