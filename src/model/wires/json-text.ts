import { parseObject } from "../json-fields.js";

/** What is known of a text that should be a JSON object and was put together from pieces. */

export function isWholeJson(text: string): boolean {
  return parseObject(text) !== undefined;
}

/** No arguments at all: some servers begin or end with these. */
export function isBlankJson(text: string): boolean {
  const bare = text.trim();
  return bare === "" || (bare.length < 8 && /^\{\s*\}$/.test(bare));
}

/** Two JSON objects that differ in nothing but the spaces that servers put in. */
export function isSameJson(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [parseObject(a), parseObject(b)];
  return one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

/** A JSON object whose end is missing: a string or a bracket is still open. Broken otherwise is not cut. */
export function isCutJson(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  return endOfObject(text) === undefined;
}

/** The text without what was told again: an object told twice or more in a row, or an empty one before the real one. */
export function toldOnce(text: string): string {
  let rest = text.trimStart();
  for (;;) {
    if (!rest.startsWith("{")) return text;
    const end = endOfObject(rest);
    if (end === undefined || end === rest.length) return rest;
    const head = rest.slice(0, end);
    const tail = rest.slice(end).trimStart();
    if (tail === "") return head;
    if (isBlankJson(head)) rest = tail;
    else return isRepetition(tail, head) || isSameJson(tail, head) ? head : text;
  }
}

/** `text` is `unit` again and again; at its end it may be cut. */
export function isRepetition(text: string, unit: string): boolean {
  if (unit === "") return text === "";
  for (let at = 0; at < text.length; at += unit.length) {
    if (!unit.startsWith(text.slice(at, at + unit.length))) return false;
  }
  return true;
}

/** Where the first bracket of a text closes. */
function endOfObject(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN || code === OPEN_LIST) depth += 1;
    else if (code === CLOSE || code === CLOSE_LIST) {
      depth -= 1;
      if (depth <= 0) return at + 1;
    }
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
