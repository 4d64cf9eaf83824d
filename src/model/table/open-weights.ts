import type { ModelInfo } from "../../protocol/index.js";
import { efforts, type Row } from "./row.js";

const NO_EFFORTS: ModelInfo = { efforts: [], takesImages: false };
const QWEN: ModelInfo = { contextWindow: 262_144, maxOutputTokens: 65_536 };
const GLM: ModelInfo = { contextWindow: 204_800, maxOutputTokens: 131_072, takesImages: false };
const MINIMAX: ModelInfo = { contextWindow: 204_800, maxOutputTokens: 131_072, takesImages: false };

/** Alibaba's, as hosted and as run on one's own machine. Whether those that think take an effort depends on the server. */
export const QWEN_ROWS: readonly Row[] = [
  [/^qwen-?3-coder-(plus|flash)/, { ...QWEN, ...NO_EFFORTS, contextWindow: 1_000_000 }],
  [/^qwen-?3-coder/, { ...QWEN, ...NO_EFFORTS }],
  [/^qwen-?3\.\d+-(plus|flash)/, { ...QWEN, contextWindow: 1_000_000, takesImages: true }],
  [/^qwen-?3\.\d+-max/, QWEN],
  [/^qwen-?3\.\d/, { ...QWEN, takesImages: true }],
  [/^qwen-?3-(vl|omni)/, { ...QWEN, takesImages: true }],
  [/^qwen-?3-(max|next)/, { ...QWEN, takesImages: false }],
  [/^qwen-?3.*-2507/, { ...QWEN, takesImages: false }],
  [/^qwen-?3(?![.\d])/, { contextWindow: 131_072, takesImages: false }],
  [/^qwen-(plus|flash)/, { contextWindow: 1_000_000, takesImages: false }],
  [/^qwen-?2\.5-coder/, { contextWindow: 131_072, ...NO_EFFORTS }],
  [/^qwen-?2\.5-vl/, { contextWindow: 131_072, efforts: [], takesImages: true }],
  [/^qwen-?2\.5/, { contextWindow: 131_072, ...NO_EFFORTS }],
  [/^(qwq|qvq)/, { contextWindow: 131_072 }],
];

/** Z.ai's. */
export const ZAI: readonly Row[] = [
  [/^glm-5v/, { ...GLM, contextWindow: 200_000, takesImages: true }],
  [/^glm-(5\.[2-9]|[6-9])/, { ...GLM, contextWindow: 1_000_000 }],
  [/^glm-4\.[5-9]v/, { contextWindow: 131_072, maxOutputTokens: 32_768, takesImages: true }],
  [/^glm-4\.5/, { contextWindow: 131_072, maxOutputTokens: 98_304, takesImages: false }],
  [/^glm-(4\.[67]|5)/, GLM],
];

/** Mistral's. Its API refuses fields that a model does not know. */
export const MISTRAL: readonly Row[] = [
  [/^(labs-)?devstral-(small-25(05|07)|medium-2507)/, { contextWindow: 128_000, ...NO_EFFORTS }],
  [/^(labs-)?devstral/, { contextWindow: 262_144, ...NO_EFFORTS }],
  [/^codestral/, { contextWindow: 256_000, ...NO_EFFORTS }],
  [/^magistral/, { contextWindow: 128_000 }],
  [/^mistral-medium-(3-5|3\.5|26|latest)/, { contextWindow: 262_144, takesImages: true }],
  [/^mistral-medium/, { contextWindow: 131_072, efforts: [], takesImages: true }],
  [/^mistral-large-(24|2-)/, { contextWindow: 131_072, ...NO_EFFORTS }],
  [/^mistral-large/, { contextWindow: 262_144, efforts: [], takesImages: true }],
  [/^mistral-small-(26|4|latest)/, { contextWindow: 256_000, takesImages: true }],
  [/^mistral-small-(25|3)/, { contextWindow: 128_000, efforts: [], takesImages: true }],
  [/^ministral/, { contextWindow: 128_000, efforts: [] }],
  [/^(open-)?mistral-nemo/, { contextWindow: 128_000, ...NO_EFFORTS }],
];

/** Those of Meta. */
export const META: readonly Row[] = [
  [
    /^muse-spark/,
    { contextWindow: 1_048_576, maxOutputTokens: 131_072, efforts: efforts("minimal", "xhigh"), takesImages: true },
  ],
  [/^llama-?4/, { contextWindow: 1_000_000, efforts: [], takesImages: true }],
  [/^llama-?3[.-]2.*vision/, { contextWindow: 131_072, efforts: [], takesImages: true }],
  [/^llama-?3[.-][1-3]/, { contextWindow: 131_072, ...NO_EFFORTS }],
  [/^llama-?3(?![.\d])/, { contextWindow: 8_192, ...NO_EFFORTS }],
];

/** Those of MiniMax. */
export const MINIMAX_ROWS: readonly Row[] = [
  [/^minimax-m([3-9]|\d\d)/, { contextWindow: 512_000, maxOutputTokens: 128_000, takesImages: true }],
  [/^minimax-m2/, MINIMAX],
  [/^minimax-m1/, { contextWindow: 1_000_000, takesImages: false }],
];
