import type { ModelInfo } from "../../protocol/index.js";
import { efforts, type Row } from "./row.js";

const MILLION: ModelInfo = { contextWindow: 1_000_000, maxOutputTokens: 128_000, takesImages: true };
const EARLIER: ModelInfo = { contextWindow: 200_000, maxOutputTokens: 64_000, takesImages: true };

/**
 * Anthropic's: `claude-opus-4-6`, `claude-opus-4.6`, `claude-3-5-haiku`, `claude-4.5-sonnet`. Which efforts those before 4.5
 * take depends on the gateway, and is left open.
 */
export const ANTHROPIC: readonly Row[] = [
  [/^claude-(haiku-4-5|4-5-haiku)/, EARLIER],
  [/^claude-(opus-4-5|4-5-opus)/, { ...EARLIER, efforts: efforts("low", "high") }],
  [/^claude-(sonnet-4-6|4-6-sonnet)/, { ...MILLION, maxOutputTokens: 64_000, efforts: efforts("low", "high") }],
  [/^claude-(opus-4-6|4-6-opus)/, { ...MILLION, efforts: ["low", "medium", "high", "max"] }],
  [/^claude-([a-z]+-4-[7-9]|4-[7-9])(?!\d)/, { ...MILLION, efforts: efforts("low", "max") }],
  [/^claude-opus-4(-[01])?(-20|-v|$)/, { ...EARLIER, maxOutputTokens: 32_000 }],
  [/^claude-[a-z]+-4/, EARLIER],
  [/^claude-4/, EARLIER],
  [/^claude-3-7/, EARLIER],
  [/^claude-([a-z]+-)?[5-9](?!\d)/, { ...MILLION, efforts: efforts("low", "max") }],
  [/^claude-/, { contextWindow: 200_000, takesImages: true }],
];
