import type { Provider } from "../protocol/index.js";
import { EventBatch } from "./event-batch.js";
import { type Failure, failureInStream } from "./failure.js";
import { JsonBody, takeJson } from "./json-answer.js";
import type { LimitedBytes, LimitedRead } from "./limited-bytes.js";
import { SseParser } from "./sse.js";
import { StrayWords } from "./stray-words.js";
import { brokenStream, idleFailure, quietFailure } from "./stream-failures.js";
import type { ModelEvent } from "./types.js";
import type { WireDecoder, WireEnd } from "./wire.js";

/** The most bytes of one event or JSON body: far beyond any real one, so that a broken server cannot fill the memory. */
const EVENT_LIMIT = 64 * 1024 * 1024;

/** What reading an answer takes. */
export interface Reading {
  readonly provider: Provider;
  readonly bytes: LimitedBytes;
  readonly decoder: WireDecoder;
  readonly signal: AbortSignal;
}

/** `no_answer`: a page or another text; `text` is its beginning. */
export type AnswerEnd = WireEnd | { readonly type: "no_answer"; readonly text: string };

/**
 * The events of a successful response, in whatever form it comes: its first byte tells, since servers and proxies get the
 * type wrong. Throws the signal's reason once cancelled.
 */
export async function* readAnswer(
  reading: Reading,
  contentType: string | undefined,
): AsyncGenerator<readonly ModelEvent[], AnswerEnd> {
  const first = await firstRead(reading);
  switch (formOf(first, contentType)) {
    case "events":
      return yield* readEvents(reading, first);
    case "json":
      return yield* readJson(reading, first);
    case "text":
      return { type: "no_answer", text: first.type === "bytes" ? first.bytes.toString("utf8") : "" };
  }
}

/** The first read with something in it; blank lines, which some servers send while they think, and a mark are dropped. */
async function firstRead({ bytes, decoder, signal }: Reading): Promise<LimitedRead> {
  for (;;) {
    const read = await bytes.next(decoder, signal);
    if (read.type !== "bytes") return read;
    const at = read.bytes.findIndex((byte) => !BLANK.has(byte));
    if (at !== -1) return at === 0 ? read : { type: "bytes", bytes: read.bytes.subarray(at) };
  }
}

/** Space, tab, the ends of lines, the byte order mark. */
const BLANK: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

function formOf(first: LimitedRead, contentType: string | undefined): "events" | "json" | "text" {
  const type = contentType?.toLowerCase() ?? "";
  if (first.type !== "bytes")
    return first.type === "end" && /^(?:application\/json|text\/html)\b/.test(type) ? "text" : "events";
  const byte = String.fromCharCode(first.bytes[0]!);
  if (byte === "{" || byte === "[") return "json";
  if (byte === "<") return "text";
  // Servers that forget the type are forgiven; under another type a stream begins with one of its fields.
  return type === "" || type.startsWith("text/event-stream") || /[:deir]/.test(byte) ? "events" : "text";
}

async function* readEvents(reading: Reading, first: LimitedRead): AsyncGenerator<readonly ModelEvent[], WireEnd> {
  const { provider, bytes, decoder, signal } = reading;
  const parser = new SseParser(EVENT_LIMIT);
  const batch = new EventBatch();
  const stray = new StrayWords();
  let end: WireEnd | undefined;
  for (let read = first; ; read = await bytes.next(decoder, signal)) {
    if (read.type === "bytes" && decoder.progress === 0) stray.keep(read.bytes);
    for (const { data, event } of read.type === "bytes" ? parser.push(read.bytes) : parser.end()) {
      end = decoder.accept(data, batch, event);
      if (end !== undefined) break;
    }
    if (end === undefined && parser.overflowed)
      end = failed(brokenStream(provider, `one event is over ${EVENT_LIMIT} bytes`));
    if (end === undefined && read.type !== "bytes") end = endBy(read, reading, batch);
    if (end?.type === "failed") {
      decoder.tellRest(batch);
      if (end.failure.kind === "stream") end = failed(inWords(decoder, parser, stray) ?? end.failure);
    }
    const events = batch.take();
    if (events.length > 0) yield events;
    if (end !== undefined) return end;
  }
}

async function* readJson(reading: Reading, first: LimitedRead): AsyncGenerator<readonly ModelEvent[], AnswerEnd> {
  const { provider, bytes, decoder, signal } = reading;
  const body = new JsonBody(EVENT_LIMIT);
  const batch = new EventBatch();
  let end: AnswerEnd | undefined;
  for (let read = first; ; read = await bytes.next(decoder, signal)) {
    const whole = read.type === "end" ? body.end() : undefined;
    for (const text of read.type === "bytes" ? body.push(read.bytes) : (whole ?? [])) {
      end = takeJson(text, decoder, batch);
      if (end !== undefined) break;
    }
    if (end === undefined && body.overflowed)
      end = failed(brokenStream(provider, `a JSON body is over ${EVENT_LIMIT} bytes`));
    if (end === undefined && read.type !== "bytes") {
      end = endBy(read, reading, batch);
      // JSON that is no answer at all is shown: another try would bring the same.
      if (end.type === "failed" && read.type === "end" && decoder.progress === 0)
        end = { type: "no_answer", text: body.rest };
    }
    if (end?.type === "failed") decoder.tellRest(batch);
    const events = batch.take();
    if (events.length > 0) yield events;
    if (end !== undefined) return end;
  }
}

/** The words of a server or proxy on why a stream broke, where it wrote them beside its events. */
function inWords({ progress }: WireDecoder, { words }: SseParser, stray: StrayWords): Failure | undefined {
  if (progress === 0) return stray.failure();
  return words === "" ? undefined : failureInStream(words);
}

/** What the end of the bytes, or of the patience with them, comes to. */
function endBy(
  read: Exclude<LimitedRead, { type: "bytes" }>,
  { provider, decoder }: Reading,
  batch: EventBatch,
): WireEnd {
  if (decoder.settled || decoder.finished || read.type === "end") return decoder.finish(batch);
  if (read.type === "idle") return failed(idleFailure(provider));
  return failed(read.type === "quiet" ? quietFailure(provider) : brokenStream(provider, "the connection broke"));
}

function failed(failure: Failure): WireEnd {
  return { type: "failed", failure };
}
