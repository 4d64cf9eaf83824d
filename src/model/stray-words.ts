import { type Failure, failureInStream } from "./failure.js";
import { failureInJson } from "./json-answer.js";
import { parseObject } from "./json-fields.js";

/** The most bytes at the beginning of a stream that are looked through again. */
const STRAY_LIMIT = 64 * 1024;
const FIELD = /^(?:data|event|id|retry)?:/;

/**
 * The beginning of a stream of events that came to nothing. Some servers and proxies put an error there as it is, between
 * signs of life, or in an event that is none of the wire's: those words tell more than that the stream ended.
 */
export class StrayWords {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  keep(part: Buffer): void {
    if (this.#bytes >= STRAY_LIMIT) return;
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  /** Undefined when there are no words of an error. */
  failure(): Failure | undefined {
    const text = Buffer.concat(this.#parts).subarray(0, STRAY_LIMIT).toString("utf8");
    const lines = text.split(/\r\n|\r|\n/);
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const told = failureInJson(parseObject(line.slice("data:".length)));
      if (told !== undefined) return told;
    }
    const stray = lines
      .filter((line) => !FIELD.test(line))
      .join("\n")
      .trim();
    return stray === "" ? undefined : failureInStream(stray);
  }
}
