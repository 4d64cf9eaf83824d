import type { IncomingHttpHeaders } from "node:http";

/** A wait beyond this is no number of seconds but a date written as one, s and ms since 1970. */
const EPOCH_S = 1e9;
const EPOCH_MS = 1e12;

/**
 * The wait a server asks for in its headers, ms: `retry-after-ms`; `retry-after` in seconds, as a duration or a date; or the
 * reset of the one limit that is used up (`x-ratelimit-reset-tokens: 6m0s`). What makes no sense counts as not said.
 */
export function waitInHeaders(headers: IncomingHttpHeaders, now: number): number | undefined {
  const inMs = numberOf(headers["retry-after-ms"]);
  if (inMs !== undefined) return inMs;
  return waitOf(headers["retry-after"], now) ?? waitForReset(headers, now);
}

function waitOf(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? "";
  const number = numberOf(text);
  if (number !== undefined) {
    if (number < EPOCH_S) return number * 1000;
    return Math.max(0, (number < EPOCH_MS ? number * 1000 : number) - now);
  }
  const duration = waitInDuration(text);
  if (duration !== undefined) return duration;
  // A date has letters or colons; what else JavaScript would take for one is none.
  const date = /[a-z]{3}|\d:\d\d/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function numberOf(value: string | string[] | undefined): number | undefined {
  return typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : undefined;
}

const RESET = /^(?:anthropic-|x-)?ratelimit-(?:reset(?:-(.+))?|(.+)-reset)$/;

/** Several limits may be told of: one that has something left is not what was hit. A single one needs no such word. */
function waitForReset(headers: IncomingHttpHeaders, now: number): number | undefined {
  const limits = Object.entries(headers).flatMap(([name, value]) => {
    if (typeof value !== "string" || !RESET.test(name)) return [];
    const left = headers[name.replace("reset", "remaining")];
    const wait = waitOf(value, now);
    return wait === undefined ? [] : [{ wait, left: left === undefined ? undefined : Number(left) }];
  });
  const hit = limits.filter(({ left }) => left === 0 || (left === undefined && limits.length === 1));
  return hit.length === 0 ? undefined : Math.max(...hit.map(({ wait }) => wait));
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

/** A duration and nothing else, ms: "33s", "6m0s", "1.5s", "120ms". */
export function waitInDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^(?:\d+(?:\.\d+)?\s?[a-z]+\s?){1,4}$/i.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, name] of trimmed.matchAll(PART)) {
    const unit = unitOf(name!.toLowerCase());
    if (unit === undefined) return undefined;
    total += Number(amount) * unit;
  }
  return total;
}

function unitOf(name: string): number | undefined {
  return UNIT_MS.get(name) ?? UNIT_MS.get(name.replace(/s$/, ""));
}
