import { LineSplitter } from "../../base/index.js";
import type { Input } from "./deps.js";

/** Bytes of an answer; a longer one is none. */
const ANSWER_LIMIT = 1000;

/** What the user types on the next line; "" at the end of the input. */
export async function readAnswer(stdin: Input): Promise<string> {
  const splitter = new LineSplitter(ANSWER_LIMIT);
  for await (const chunk of stdin) {
    const line = splitter.push(chunk)[0];
    if (line !== undefined) return line.type === "line" ? line.text : "";
  }
  return "";
}
