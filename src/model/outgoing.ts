import { isCall, type ResponseItem } from "../protocol/index.js";
import { parseObject } from "./json-fields.js";

/** What calls are known by to the server that is asked. */
export interface CallNames {
  /** The id under which a call and its output go out: the call's own where the server can take it. */
  idOf(callId: string): string;
  /** Learns of a call. Calls are told of in the order of the history. */
  meet(callId: string, how: { readonly own: boolean }): void;
}

/** The rule that ids of calls obey at a server. */
export interface CallIdRule {
  /** `short`: nine letters or digits. */
  readonly form: "any" | "short";
  /** Characters of an id that another server made. */
  readonly limit: number;
}

/** What OpenAI takes of the server's own ids. */
const OWN_ID_LIMIT = 64;
const SHORT = /^[A-Za-z0-9]{9}$/;

/**
 * Gives calls ids that the server takes. The same history gets the same ids, also after a restart, so that what was sent once
 * is sent again as it was.
 */
export function createCallNames({ form, limit }: CallIdRule): CallNames {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  const fits = (id: string, own: boolean): boolean => {
    if (id === "" || taken.has(id)) return false;
    if (form === "short") return SHORT.test(id);
    return own ? id.length <= OWN_ID_LIMIT : id.length <= limit && !/[^\w-]/.test(id);
  };
  return {
    idOf: (callId) => ids.get(callId) ?? callId,
    meet(callId, { own }) {
      if (ids.has(callId)) return;
      let id = callId;
      for (let n = 0; !fits(id, own && n === 0); n += 1) {
        id = form === "short" ? shortId(`${callId}#${n}`) : plainId(callId, { n, limit });
      }
      taken.add(id);
      ids.set(callId, id);
    },
  };
}

/** The characters every server takes, the end of the id rather than its beginning: that is where ids differ. */
function plainId(callId: string, { n, limit }: { readonly n: number; readonly limit: number }): string {
  const tail = n === 0 ? "" : `_${n}`;
  const plain = callId.replaceAll(/[^\w-]/g, "_");
  return `${plain.slice(-(limit - tail.length))}${tail}` || `call_${n}`;
}

/** Nine letters and digits made of a text; the same text has the same. */
export function shortId(text: string): string {
  // FNV-1a in two halves; the radix makes letters and digits of each.
  let one = 0x811c9dc5;
  let two = 0x9dc5811c;
  for (let at = 0; at < text.length; at += 1) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193) >>> 0;
    two = Math.imul(two ^ (text.charCodeAt(at) + at), 0x01000193) >>> 0;
  }
  return `${one.toString(36).padStart(7, "0").slice(-5)}${two.toString(36).padStart(7, "0").slice(-4)}`;
}

/** A name that the schema of calls allows: models also write names that no tool can have. */
export function wireName(name: string): string {
  const plain = name.replaceAll(/[^\w-]/g, "_").slice(0, 64);
  return plain === "" ? "unknown" : plain;
}

/**
 * Arguments as JSON text of an object. What a model wrote that is none goes back inside of one: servers parse the history,
 * and refuse all of it for one broken call.
 */
export function wireArguments(text: string): string {
  const parsed = parseObject(text);
  if (parsed === undefined) return wireJson({ unreadable_arguments: text });
  return SURROGATE.test(text) ? wireJson(parsed) : text;
}

/** The escape of one half of a pair, in JSON text. */
const SURROGATE = /\\u[dD][89a-fA-F]/;

/** JSON text in which no string has half a surrogate pair: servers refuse such a body as a whole. */
export function wireJson(value: unknown): string {
  const text = JSON.stringify(value);
  // `JSON.stringify` writes a surrogate out only where it stands alone.
  return text.includes("\\ud") ? JSON.stringify(value, wellFormed) : text;
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}

/** Who is asked. */
export interface Receiver {
  readonly provider: string;
  readonly model: string;
}

/** Whether an item was made by whom it goes to now: only then does what is sealed in it mean anything there. */
export function isOwn(item: ResponseItem, { provider, model }: Receiver): boolean {
  const maker = "maker" in item ? item.maker : undefined;
  return maker === undefined || (maker.provider === provider && maker.model === model);
}

/** Tells the names of the calls that come new into a history. */
export function meetCalls(names: CallNames, items: readonly ResponseItem[], receiver: Receiver): void {
  for (const item of items) if (isCall(item)) names.meet(item.call_id, { own: isOwn(item, receiver) });
}

/** What a wire knows of the items it has sent: their text, made once in their life, and the ids of calls. */
export interface Encoding {
  readonly receiver: Receiver;
  readonly names: CallNames;
  /** The text of an item; `part` tells texts of one item apart. */
  text(item: ResponseItem, part: string, encode: () => unknown): string;
}

/** Keeps an `Encoding` for as long as `key` stays the same: whatever the texts depend on beside the items is in it. */
export function createEncodings(): (key: string, receiver: Receiver, rule: CallIdRule) => Encoding {
  let last: { readonly key: string; readonly encoding: Encoding } | undefined;
  return (key, receiver, rule) => {
    if (last?.key === key) return last.encoding;
    const known = new Map<string, WeakMap<ResponseItem, string>>();
    const encoding: Encoding = {
      receiver,
      names: createCallNames(rule),
      text(item, part, encode) {
        // Items are immutable, so their text is kept by identity and goes when they go.
        const texts = known.get(part) ?? new WeakMap<ResponseItem, string>();
        known.set(part, texts);
        const text = texts.get(item) ?? wireJson(encode());
        texts.set(item, text);
        return text;
      },
    };
    last = { key, encoding };
    return encoding;
  };
}
