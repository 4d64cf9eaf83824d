import * as v from "valibot";
import { type Event, eventSchema } from "./event.js";
import { type ResponseItem, responseItemSchema } from "./item.js";
import { type Submission, submissionSchema } from "./op.js";

/** A value of the wanted shape, or a message naming the first field that is wrong (`op.items[0].text: …`). */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

export type Decoder<T> = (input: unknown) => Decoded<T>;

/** Makes a decoder of a schema: shape errors are values. */
export function decoder<S extends v.GenericSchema>(schema: S): Decoder<v.InferOutput<S>> {
  return (input) => {
    const result = v.safeParse(schema, input, { abortEarly: true });
    if (result.success) return { ok: true, value: result.output };
    return { ok: false, message: describe(result.issues[0]) };
  };
}

export const decodeSubmission: Decoder<Submission> = decoder(submissionSchema);
export const decodeEvent: Decoder<Event> = decoder(eventSchema);
export const decodeResponseItem: Decoder<ResponseItem> = decoder(responseItemSchema);

type Issue = v.BaseIssue<unknown>;

/** The longest wrong value that a message quotes, in characters. */
const QUOTED = 80;

function describe(issue: Issue): string {
  const { path, leaf } = deepest(issue);
  const where = path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
  const what = leaf.expected === null ? leaf.message : mismatch(leaf);
  return where === "" ? what : `${where}: ${what}`;
}

/** A union says only that no member fits: the member that got furthest into the value names the field that is wrong. */
function deepest(issue: Issue): { readonly path: readonly unknown[]; readonly leaf: Issue } {
  const path = (issue.path ?? []).map((part) => part.key);
  const nested = (issue.issues ?? []).map(deepest).sort((a, b) => b.path.length - a.path.length);
  const [first, second] = nested;
  if (first === undefined || first.path.length === (second?.path.length ?? 0)) return { path, leaf: issue };
  return { path: [...path, ...first.path], leaf: first.leaf };
}

function mismatch(issue: Issue): string {
  const expected = issue.expected ?? "";
  // For a key that is not there valibot expects the key's own name, quoted; a missing `type` has its choices.
  if (isMissing(issue))
    return expected.startsWith("(") ? `expected ${plain(expected)}, it is missing` : "it is missing";
  const keys = (issue.issues ?? []).filter(isMissing).map((member) => member.expected);
  const anyKey = keys.length > 0 && issue.received === "Object";
  const wanted = anyKey ? `one of the fields ${keys.join(", ")}` : plain(expected);
  return `expected ${wanted}, got ${shortened(issue.received)}`;
}

function isMissing(issue: Issue): boolean {
  return issue.received === "undefined";
}

/** `("a" | "b")` as `"a" | "b"`, and types in lower case, as JSON speaks of them. */
function plain(names: string): string {
  return names.replace(/^\((.*)\)$/s, "$1").replace(/(?<=^| \| )(Object|Array)\b/g, (name) => name.toLowerCase());
}

/** Strings come quoted, other types by their name. */
function shortened(value: string): string {
  if (!value.startsWith('"')) return plain(value);
  return value.length > QUOTED ? `${value.slice(0, QUOTED)}… (${value.length - 2} characters)` : value;
}
