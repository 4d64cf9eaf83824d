import type { EventBatch } from "./event-batch.js";
import { type Failure, failureInStream } from "./failure.js";
import { asObject, isTold, type JsonObject, parseObject, stringIn } from "./json-fields.js";
import type { WireDecoder, WireEnd } from "./wire.js";

/**
 * JSON in place of a stream, as it comes: one object a line, or one document. The first line tells which: a document is
 * written in one line without an end, or its first line is no object by itself.
 */
export class JsonBody {
  readonly #limit: number;
  #form: "unknown" | "lines" | "document" = "unknown";
  #held: Buffer[] = [];
  #heldBytes = 0;
  #overflowed = false;

  /** `limit`: the most bytes of a line or document; past it the body is given up. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The objects whose lines are whole. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let at = chunk.indexOf(LF); at !== -1 && this.#form !== "document"; at = chunk.indexOf(LF, start)) {
      this.#hold(chunk.subarray(start, at + 1));
      start = at + 1;
      const line = this.#text();
      if (this.#form === "unknown") this.#form = parseObject(line) === undefined ? "document" : "lines";
      if (this.#form === "lines") {
        this.#held = [];
        this.#heldBytes = 0;
        if (line !== "") lines.push(line);
      }
    }
    this.#hold(chunk.subarray(start));
    return lines;
  }

  /** What is left at the end: the last line, or the document; of a list, its entries. Undefined: it is not whole. */
  end(): string[] | undefined {
    const text = this.#text();
    if (text === "") return [];
    try {
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value.map((one) => JSON.stringify(one)) : [text];
    } catch {
      // Torn, or never JSON: the caller says what that means.
      return undefined;
    }
  }

  /** What is held, as text. */
  get rest(): string {
    return this.#text();
  }

  #text(): string {
    return Buffer.concat(this.#held).toString("utf8").trim();
  }

  #hold(part: Buffer): void {
    if (part.length === 0 || this.#overflowed) return;
    this.#held.push(part);
    this.#heldBytes += part.length;
    if (this.#heldBytes <= this.#limit) return;
    this.#overflowed = true;
    this.#held = [];
  }
}

const LF = 0x0a;

/** Takes one object of the body: an error is that error, in the provider's words; all else is the decoder's. */
export function takeJson(text: string, decoder: WireDecoder, batch: EventBatch): WireEnd | undefined {
  const failure = failureInJson(parseObject(text));
  return failure === undefined ? decoder.accept(text, batch) : { type: "failed", failure };
}

/** Fields of whole answers and of parts of them, on both wires. */
const ANSWERS = ["choices", "output", "response", "delta", "candidates"] as const;
const WORDS = ["message", "msg", "detail", "error_msg", "error_message", "title"] as const;

/** The failure that an object tells of, where it is no part of an answer. */
export function failureInJson(value: JsonObject | undefined): Failure | undefined {
  if (value === undefined) return undefined;
  const named = value.object === "error" || value.type === "error";
  const listed = Array.isArray(value.errors) && value.errors.length > 0;
  if (isTold(value.error) || named || listed || (!isAnswer(value) && hasWords(value))) return failureInStream(value);
  return undefined;
}

function isAnswer(value: JsonObject): boolean {
  if (stringIn(value, "type")?.startsWith("response.") === true) return true;
  return ANSWERS.some(
    (name) => asObject(value[name]) !== undefined || (Array.isArray(value[name]) && value[name].length > 0),
  );
}

/** MiniMax tells of an error in `base_resp`, which is there in good answers as well. */
function hasWords(value: JsonObject): boolean {
  const words = [...WORDS.map((name) => value[name]), asObject(value.base_resp)?.status_msg];
  return words.some((said) => typeof said === "string" && said !== "") || Array.isArray(value.detail);
}
