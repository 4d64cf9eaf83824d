import { isTold, type JsonObject, objectIn, stringIn } from "../json-fields.js";
import type { WireEnd } from "../wire.js";
import { cutShort, failedWith, incomplete, shown } from "./stream-event.js";

/** What the end of a response comes to, by all that its last event says. `pending`: its status is the end of nothing. */
export type ToldEnd =
  | { readonly type: "completed" }
  | { readonly type: "pending"; readonly status: string }
  | Extract<WireEnd, { type: "failed" }>;

const GOOD = new Set(["", "completed"]);
/** Statuses of a response that goes on. */
const UNDER_WAY = new Set(["in_progress", "queued"]);

/** `type` is the event's; a status, or a failure told in the response, counts for more than a type that says "completed". */
export function endOf(type: string, response: JsonObject): ToldEnd {
  const status = (stringIn(response, "status") ?? "").toLowerCase();
  const reason = stringIn(objectIn(response, "incomplete_details"), "reason");
  const failed = type === "response.failed" || status === "failed";
  if (failed || isTold(response.error)) return failedEnd(failedWith(errorOf(response)));
  const isIncomplete = type === "response.incomplete" || status === "incomplete";
  if (isIncomplete || (reason !== undefined && reason !== "")) {
    return failedEnd(incomplete(reason || "no reason given"));
  }
  if (/^response\.cancell?ed$/.test(type) || /^cancell?ed$/.test(status)) {
    return failedEnd(incomplete("the server cancelled it", { retry: true }));
  }
  return GOOD.has(status) ? { type: "completed" } : { type: "pending", status };
}

/** Nothing better came than a status that is no end. */
export function pendingStatus(status: string): WireEnd {
  const words = `its last status is "${shown(status)}"`;
  return UNDER_WAY.has(status) ? cutShort(words) : incomplete(words);
}

function errorOf(response: JsonObject): unknown {
  const details = objectIn(response, "status_details");
  for (const error of [response.error, details?.error, response.last_error]) if (isTold(error)) return error;
  const said = stringIn(response, "message") || stringIn(objectIn(response, "incomplete_details"), "reason");
  return said ? { message: said } : response.error;
}

function failedEnd(end: WireEnd): ToldEnd {
  return end.type === "failed" ? end : { type: "completed" };
}
