import type { Random } from "../../base/index.js";
import type { EventBatch } from "../event-batch.js";
import { isTold, type JsonObject, objectIn, stringIn } from "../json-fields.js";
import type { WireDecoder, WireEnd } from "../wire.js";
import { ResponsesAnswer } from "./responses-answer.js";
import { endOf, pendingStatus } from "./responses-end.js";
import {
  cutShort,
  errorIn,
  failedWith,
  hasWords,
  malformed,
  overlong,
  RESPONSE_LIMIT,
  readEvent,
} from "./stream-event.js";

/** Events that end a response, or may. */
const ENDS = new Set([
  "response.completed",
  "response.done",
  "response.failed",
  "response.incomplete",
  "response.cancelled",
  "response.canceled",
]);

/** Reads the events of a Responses server; what they tell is put together by `ResponsesAnswer`. */
export function responsesDecoder(random: Random): WireDecoder {
  const answer = new ResponsesAnswer(random);
  const numbers = sequence();
  let taken = 0;
  let progress = 0;
  /** A status that is no end of any kind: what it comes to, if no better end does. */
  let pending: string | undefined;
  let end: WireEnd | undefined;
  /** The latest event with words that is none of the wire's: the reason, where no good end comes. */
  let suspect: JsonObject | undefined;

  const close = (type: string, event: JsonObject, batch: EventBatch): WireEnd | undefined => {
    const response = objectIn(event, "response") ?? event;
    answer.tellAll(response);
    const told = endOf(type, { ...response, error: isTold(response.error) ? response.error : event.error });
    if (told.type === "pending") pending = told.status;
    if (told.type === "pending") return undefined;
    progress += 1;
    return told.type === "failed" ? told : answer.complete(response, batch);
  };
  const unended = () => (pending === undefined ? suspect && failedWith(suspect) : pendingStatus(pending));
  const take = (event: JsonObject, name: string | undefined, batch: EventBatch): WireEnd | undefined => {
    const type = stringIn(event, "type") ?? name ?? "";
    const number = numbers.of(type, event.sequence_number);
    if (type === "response.output_text.delta") {
      if (answer.text(event, number, batch)) progress += 1;
      return answer.overflowed ? overlong() : undefined;
    }
    if (ENDS.has(type)) return close(type, event, batch);
    const isWhole = event.object === "response" || (type === "" && Array.isArray(event.output));
    if (isWhole) return close("response.completed", event, batch);
    const error = errorOf(type, event, name);
    if (error !== undefined) return failedWith(error);
    if (!type.startsWith("response.") && hasWords(event)) suspect = event;
    if (answer.take(type, event, number, batch)) progress += 1;
    return answer.overflowed ? overlong() : undefined;
  };
  return {
    settled: false,
    finished: false,
    get progress() {
      return progress;
    },
    accept(data, batch, name) {
      if (end !== undefined) return end;
      taken += data.length;
      const event = readEvent(data, name);
      if (taken > RESPONSE_LIMIT) end = overlong();
      else if (event === "damage") end = malformed(data, name);
      else if (event === "done") end = unended() ?? answer.done(batch);
      else if (event !== "noise") end = take(event, name, batch);
      return end;
    },
    finish() {
      end ??= unended() ?? cutShort();
      return end;
    },
    tellRest: (batch) => answer.tellRest(batch),
  };
}

function errorOf(type: string, event: JsonObject, name: string | undefined): unknown {
  if (type === "response.error") return errorIn(event, "error");
  return type.startsWith("response.") ? undefined : errorIn(event, name);
}

/**
 * Numbers of events, as far as they can be trusted to tell a repetition: not where two different events in a row have one.
 */
function sequence(): { of(type: string, value: unknown): number | undefined } {
  let last: number | undefined;
  let lastType = "";
  let trusted = true;
  return {
    of(type, value) {
      if (typeof value !== "number") return undefined;
      if (value === last && type !== lastType) trusted = false;
      last = value;
      lastType = type;
      return trusted ? value : undefined;
    },
  };
}
