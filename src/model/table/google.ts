import type { ModelInfo } from "../../protocol/index.js";
import { efforts, type Row } from "./row.js";

const GEMINI: ModelInfo = { contextWindow: 1_048_576, maxOutputTokens: 65_536, takesImages: true };
/** Every call of these carries a signature, and goes back with it or is refused. */
const SIGNS: ModelInfo = { ...GEMINI, efforts: efforts("low", "high"), needsSignatures: true };

/** Google's. */
export const GOOGLE: readonly Row[] = [
  [/^gemini-([3-9]|\d\d)/, SIGNS],
  // Names without a version are moved on to the newest.
  [/^gemini-(pro|flash|flash-lite)-latest/, SIGNS],
  [/^gemini-2\.5-flash/, { ...GEMINI, efforts: ["none", ...efforts("low", "high")] }],
  [/^gemini-2\.5/, { ...GEMINI, efforts: efforts("low", "high") }],
  [/^gemini-2\.0/, { ...GEMINI, maxOutputTokens: 8_192, efforts: [] }],
  [/^gemma-?4-e\d/, { contextWindow: 131_072, maxOutputTokens: 8_192, takesImages: true }],
  [/^gemma-?4/, { contextWindow: 262_144, maxOutputTokens: 32_768, takesImages: true }],
  [/^gemma-?3n/, { contextWindow: 32_768, efforts: [] }],
  [/^gemma-?3-(270m|1b)/, { contextWindow: 32_768, efforts: [], takesImages: false }],
  [/^gemma-?3/, { contextWindow: 131_072, efforts: [], takesImages: true }],
];
