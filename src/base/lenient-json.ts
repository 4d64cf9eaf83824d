import { isDeepStrictEqual } from "node:util";

/** A value as it was read, and where it ended. */
export interface LenientValue {
  readonly value: unknown;
  readonly end: number;
  /** A key that an object in it has twice with different values; the last one is in `value`. */
  readonly doubled: string | undefined;
}

/** Lists and objects inside one another at most. */
const MAX_DEPTH = 64;

/** Nothing that could be read; no value of JSON is a symbol. */
const UNREADABLE = Symbol("unreadable");

interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
  doubled: string | undefined;
}

/**
 * Reads one value at `start`: JSON, and what people and models write for it where it can mean but one thing: control
 * characters in strings, trailing commas, single quotes, bare keys, True, False and None. What is cut off, has a comma or a
 * quote too few, or escapes that JSON lacks (a backslash of a shell, as likely as not) is undefined: nothing is completed.
 */
export function readLenientValue(text: string, start = 0): LenientValue | undefined {
  const cursor: Cursor = { text, at: start, depth: 0, doubled: undefined };
  const value = readValue(cursor);
  return value === UNREADABLE ? undefined : { value, end: cursor.at, doubled: cursor.doubled };
}

/** All values that a text consists of, one after the other with blanks between; undefined when there is anything else. */
export function readLenientValues(text: string): LenientValue[] | undefined {
  const values: LenientValue[] = [];
  for (let at = blanksEnd(text, 0); at < text.length; ) {
    const read = readLenientValue(text, at);
    if (read === undefined) return undefined;
    values.push(read);
    at = blanksEnd(text, read.end);
  }
  return values;
}

function readValue(cursor: Cursor): unknown {
  skipBlanks(cursor);
  const first = cursor.text[cursor.at];
  if (first === '"' || first === "'") return readString(cursor, first);
  if (first === "{") return nested(cursor, readObject);
  if (first === "[") return nested(cursor, readList);
  return readPlain(cursor);
}

function nested(cursor: Cursor, read: (cursor: Cursor) => unknown): unknown {
  if (cursor.depth === MAX_DEPTH) return UNREADABLE;
  cursor.depth += 1;
  cursor.at += 1;
  const value = read(cursor);
  cursor.depth -= 1;
  return value;
}

function readList(cursor: Cursor): unknown {
  const items: unknown[] = [];
  while (!take(cursor, "]")) {
    const item = readValue(cursor);
    if (item === UNREADABLE) return UNREADABLE;
    items.push(item);
    if (!take(cursor, ",") && !isNext(cursor, "]")) return UNREADABLE;
  }
  return items;
}

function readObject(cursor: Cursor): unknown {
  const fields = new Map<string, unknown>();
  while (!take(cursor, "}")) {
    const key = readKey(cursor);
    if (typeof key !== "string" || !take(cursor, ":")) return UNREADABLE;
    const value = readValue(cursor);
    if (value === UNREADABLE) return UNREADABLE;
    if (fields.has(key) && !isDeepStrictEqual(fields.get(key), value)) cursor.doubled ??= key;
    fields.set(key, value);
    if (!take(cursor, ",") && !isNext(cursor, "}")) return UNREADABLE;
  }
  // Makes fields of the object's own, also of a key such as __proto__.
  return Object.fromEntries(fields);
}

function readKey(cursor: Cursor): unknown {
  skipBlanks(cursor);
  const first = cursor.text[cursor.at];
  if (first === '"' || first === "'") return readString(cursor, first);
  return match(cursor, /[A-Za-z_$][\w$-]*/y) ?? UNREADABLE;
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" },
  ...{ '"': '"', "\\": "\\", "/": "/" },
};

function readString(cursor: Cursor, quote: '"' | "'"): unknown {
  cursor.at += 1;
  const parts: string[] = [];
  for (;;) {
    parts.push(match(cursor, quote === '"' ? /[^"\\]*/y : /[^'\\]*/y) ?? "");
    const stop = cursor.text[cursor.at];
    if (stop === undefined) return UNREADABLE;
    cursor.at += 1;
    if (stop === quote) return parts.join("");
    const escaped = readEscape(cursor, quote);
    if (escaped === undefined) return UNREADABLE;
    parts.push(escaped);
  }
}

function readEscape(cursor: Cursor, quote: '"' | "'"): string | undefined {
  const code = match(cursor, /u[\da-fA-F]{4}/y);
  if (code !== undefined) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  const letter = cursor.text[cursor.at] ?? "";
  cursor.at += 1;
  // In double quotes \' may be meant for a shell.
  if (letter === "'" && quote === "'") return letter;
  return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
}

const WORDS: Readonly<Record<string, unknown>> = {
  ...{ true: true, false: false, null: null },
  ...{ True: true, False: false, None: null },
};

/** A number as JSON has them, or a word. */
function readPlain(cursor: Cursor): unknown {
  const plain = match(cursor, /[\w.+-]+/y) ?? "";
  if (Object.hasOwn(WORDS, plain)) return WORDS[plain];
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(plain) ? Number(plain) : UNREADABLE;
}

function match(cursor: Cursor, sticky: RegExp): string | undefined {
  sticky.lastIndex = cursor.at;
  const found = sticky.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at = sticky.lastIndex;
  return found;
}

function take(cursor: Cursor, sign: string): boolean {
  const found = isNext(cursor, sign);
  if (found) cursor.at += 1;
  return found;
}

function isNext(cursor: Cursor, sign: string): boolean {
  skipBlanks(cursor);
  return cursor.text[cursor.at] === sign;
}

function skipBlanks(cursor: Cursor): void {
  cursor.at = blanksEnd(cursor.text, cursor.at);
}

function blanksEnd(text: string, from: number): number {
  const blanks = /[ \t\r\n]*/y;
  blanks.lastIndex = from;
  blanks.exec(text);
  return blanks.lastIndex;
}
