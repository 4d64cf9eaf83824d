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

function describe(issue: v.BaseIssue<unknown>): string {
  const path = (issue.path ?? [])
    .map((part) => (typeof part.key === "number" ? `[${part.key}]` : `.${String(part.key)}`))
    .join("")
    .replace(/^\./, "");
  const got = issue.received === "undefined" ? "it is missing" : `got ${issue.received}`;
  const what = issue.expected === null ? issue.message : `expected ${issue.expected}, ${got}`;
  return path === "" ? what : `${path}: ${what}`;
}
