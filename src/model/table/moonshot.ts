import type { ModelInfo } from "../../protocol/index.js";
import type { Row } from "./row.js";

const K2: ModelInfo = { contextWindow: 262_144, efforts: [], takesImages: false };
/** Thinks unasked; how much can't be said. */
const THINKS: ModelInfo = { ...K2, maxOutputTokens: 262_144, needsThoughts: true };

/** Moonshot's. */
export const MOONSHOT: readonly Row[] = [
  [
    /^kimi-k([3-9]|\d\d)/,
    {
      contextWindow: 1_048_576,
      maxOutputTokens: 262_144,
      efforts: ["low", "high", "max"],
      takesImages: true,
      needsThoughts: true,
    },
  ],
  [/^kimi-k2\.[5-9]/, { ...THINKS, takesImages: true }],
  [/^kimi-k2-thinking/, THINKS],
  [/^kimi-k2-(0711|instruct(?!-0905))/, { ...K2, contextWindow: 131_072 }],
  [/^kimi-k2/, K2],
  [/^kimi-for-coding/, { ...THINKS, takesImages: undefined }],
];
