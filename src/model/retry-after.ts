import type { IncomingHttpHeaders } from "node:http";

/** The wait a server asks for in its headers, ms: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date. */
export function waitInHeaders(headers: IncomingHttpHeaders, now: number): number | undefined {
  const inMs = Number(headers["retry-after-ms"]);
  if (headers["retry-after-ms"] !== undefined && inMs >= 0) return inMs;
  const value = headers["retry-after"]?.trim();
  if (value === undefined || value === "") return undefined;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

const WAIT = /(?:try again|retry|wait)\D{0,40}?((?:\d+(?:\.\d+)?\s?[a-z]+\s?){1,4})/i;
const PART = /(\d+(?:\.\d+)?)\s?([a-z]+)/gi;

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["millisecond", 1],
  ["s", 1000],
  ["sec", 1000],
  ["second", 1000],
  ["m", 60_000],
  ["min", 60_000],
  ["minute", 60_000],
  ["h", 3_600_000],
  ["hour", 3_600_000],
]);

/** The wait a message asks for, ms: "try again in 1.2s", "in 350ms", "in 6m0s", "in 20 seconds". */
export function waitInText(text: string): number | undefined {
  const found = WAIT.exec(text)?.[1];
  if (found === undefined) return undefined;
  let total: number | undefined;
  for (const [, amount, name] of found.matchAll(PART)) {
    const unit = unitOf(name!.toLowerCase());
    if (unit === undefined) break;
    total = (total ?? 0) + Number(amount) * unit;
  }
  return total;
}

function unitOf(name: string): number | undefined {
  return UNIT_MS.get(name) ?? UNIT_MS.get(name.replace(/s$/, ""));
}
