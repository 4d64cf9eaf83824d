import { ANTHROPIC } from "./anthropic.js";
import { DEEPSEEK } from "./deepseek.js";
import { GOOGLE } from "./google.js";
import { MOONSHOT } from "./moonshot.js";
import { META, MINIMAX_ROWS, MISTRAL, QWEN_ROWS, ZAI } from "./open-weights.js";
import { OPENAI } from "./openai.js";
import type { Row } from "./row.js";
import { XAI } from "./xai.js";

export { EFFORTS } from "./row.js";

/** All rows. No two makers share the beginning of a name. */
export const ROWS: readonly Row[] = [
  ...OPENAI,
  ...ANTHROPIC,
  ...GOOGLE,
  ...DEEPSEEK,
  ...MOONSHOT,
  ...QWEN_ROWS,
  ...ZAI,
  ...MISTRAL,
  ...XAI,
  ...META,
  ...MINIMAX_ROWS,
];
