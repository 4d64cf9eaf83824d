import { isDeepStrictEqual } from "node:util";
import type * as v from "valibot";
import { readLenientValues } from "../base/index.js";
import type { Decoded } from "./decode.js";
import { isRecord } from "./rollout.js";

/** An object as another program or a model wrote it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A name without what programs write differently: `timeoutMs`, `Timeout-Ms` and `timeout_ms` are one. */
export function plainName(name: string): string {
  return name.replace(/[\s_-]+/g, "").toLowerCase();
}

/** What names an object may have for its fields. */
export interface FieldNames {
  /** Right ones. */
  readonly names: readonly string[];
  /** Others that mean one of them and nothing else, as `plainName` has them. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/**
 * Gives fields their right names. Unknown ones stay as they are. A field that is given under two names with different
 * values can't be told, and is refused; null is nothing given.
 */
export function nearNames(fields: Fields, { names, aliases = {} }: FieldNames): Decoded<Fields> {
  const right = new Map(names.map((name) => [plainName(name), name]));
  const named = new Map<string, { readonly key: string; readonly value: unknown }>();
  for (const [key, value] of Object.entries(fields)) {
    const plain = plainName(key);
    const alias = Object.hasOwn(aliases, plain) ? aliases[plain] : undefined;
    const name = names.includes(key) ? key : (right.get(plain) ?? alias ?? key);
    const before = named.get(name);
    if (before === undefined || before.value === null) named.set(name, { key, value });
    else if (value !== null && !isDeepStrictEqual(value, before.value)) {
      const both = [before.key, key].sort().join(" and ");
      return { ok: false, message: `${both} mean the same and differ: give ${name} alone` };
    }
  }
  return { ok: true, value: Object.fromEntries([...named].map(([name, { value }]) => [name, value])) };
}

/** Numbers in plain decimal digits, few enough to be exact. */
const DECIMAL = /^-?(0|[1-9]\d{0,14})(\.\d{1,9})?$/;

/** What is written where a number, a truth or a choice is left out. */
const ABSENT = new Set(["", "null", "none"]);

/**
 * Brings a value to the type that its schema asks for, where only one reading is possible: numbers and truths as text, lists
 * and objects as JSON text, choices in another case. All else is left as it is, for the decoder to refuse.
 */
export function nearValue(schema: v.GenericSchema, value: unknown): unknown {
  if ("wrapped" in schema) return nearOptional(schema.wrapped as v.GenericSchema, value);
  if (typeof value === "string") return nearText(schema, value);
  if ("entries" in schema && isRecord(value)) return nearEntries(schema.entries as Entries, value);
  if ("item" in schema && Array.isArray(value)) {
    return value.map((item) => nearValue(schema.item as v.GenericSchema, item));
  }
  return value;
}

/** The list or the object that a text is the JSON of; undefined for all other text. */
export function nearJson(text: string): Fields | readonly unknown[] | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const [only, ...more] = readLenientValues(text) ?? [];
  if (only === undefined || more.length > 0 || only.doubled !== undefined) return undefined;
  return only.value as Fields | readonly unknown[];
}

type Entries = Readonly<Record<string, v.GenericSchema>>;

function nearOptional(wrapped: v.GenericSchema, value: unknown): unknown {
  const absent = typeof value === "string" && ABSENT.has(value.trim().toLowerCase());
  return absent && ["number", "boolean", "picklist"].includes(innermost(wrapped).type)
    ? null
    : nearValue(wrapped, value);
}

function innermost(schema: v.GenericSchema): v.GenericSchema {
  return "wrapped" in schema ? innermost(schema.wrapped as v.GenericSchema) : schema;
}

function nearText(schema: v.GenericSchema, text: string): unknown {
  const word = text.trim();
  if (schema.type === "number") return DECIMAL.test(word) ? Number(word) : text;
  if (schema.type === "boolean") return /^(true|false)$/i.test(word) ? word.toLowerCase() === "true" : text;
  if (schema.type === "picklist" && "options" in schema) {
    const options = schema.options as readonly unknown[];
    return options.find((option) => plainName(String(option)) === plainName(word)) ?? text;
  }
  if (schema.type !== "array" && schema.type !== "object") return text;
  const json = nearJson(text);
  return json === undefined || Array.isArray(json) !== (schema.type === "array") ? text : nearValue(schema, json);
}

function nearEntries(entries: Entries, fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const schema = Object.hasOwn(entries, name) ? entries[name] : undefined;
      return [name, schema === undefined ? value : nearValue(schema, value)];
    }),
  );
}
