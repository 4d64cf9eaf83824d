import {
  type BlobRef,
  type ContentPart,
  isCallOutput,
  type ResponseItem,
  type RolloutItem,
} from "../protocol/index.js";

/** Texts above this go into blobs, bytes: outputs, context, images; and what a compaction repeats. */
const ITEM_LIMIT = 16 * 1024;
const REPEATED_LIMIT = 1024;
/** What stays of such a text in the line, for programs that know no blobs: head and tail, characters each. */
const KEPT = 1024;
/** The same, of a text that was stored before. */
const KEPT_AGAIN = 100;
/** How the one text of a compaction begins that it does not repeat. */
const SUMMARY = "<conversation_summary>";

/** What goes on one line, less time and ordinal. */
export type RolloutRecord = RolloutItem & {
  /** The submission a user message came from: what a person typed stays whole in the line. */
  readonly submission?: string | undefined;
};

/** Stores a text in a file of its own; `again`: it was there. Throws system errors. */
export type StoreText = (text: string) => Omit<BlobRef, "at"> & { readonly again: boolean };

/** One line of a session file with its line feed. A large text that can't be stored apart stays in the line. */
export function encodeLine(
  record: RolloutRecord,
  envelope: { readonly timestamp: string; readonly ordinal: number | undefined; readonly store: StoreText },
): string {
  const { submission, type } = record;
  const refs: BlobRef[] = [];
  const payload = encodePayload(record, { store: envelope.store, refs });
  return `${JSON.stringify({
    timestamp: envelope.timestamp,
    ordinal: envelope.ordinal,
    type,
    payload,
    ...(refs.length === 0 ? {} : { blobs: refs }),
    ...(submission === undefined ? {} : { submission }),
  })}\n`;
}

interface Split {
  readonly store: StoreText;
  readonly refs: BlobRef[];
}

function encodePayload(record: RolloutRecord, split: Split): unknown {
  switch (record.type) {
    case "turn_context": {
      const { sandbox_policy: sandbox, ...rest } = record.payload;
      if (sandbox === undefined) return rest;
      const { mode, ...policy } = sandbox;
      return { ...rest, sandbox_policy: { type: mode, ...policy } };
    }
    case "response_item": {
      const typed = record.submission !== undefined;
      return splitItem(record.payload, { ...split, where: "", textLimit: typed ? Infinity : ITEM_LIMIT });
    }
    case "compacted": {
      const { message, replacement_history: items = [], amended } = record.payload;
      const parts = items.map((item, at) =>
        splitItem(item, { ...split, where: `replacement_history/${at}/`, textLimit: REPEATED_LIMIT }),
      );
      return { message, replacement_history: parts, amended };
    }
    default:
      return record.payload;
  }
}

interface ItemSplit extends Split {
  /** Where the item stands in the payload: "", or a path that ends with a slash. */
  readonly where: string;
  readonly textLimit: number;
}

/** The model's own messages and calls are never said twice: they stay. */
function splitItem(item: ResponseItem, split: ItemSplit): ResponseItem {
  if (isCallOutput(item)) {
    const { output } = item;
    if (typeof output !== "string") return { ...item, output: splitParts(output, "output", split) };
    return { ...item, output: splitText(output, "output", split) };
  }
  if (item.type !== "message" || (item.role === "assistant" && split.where === "")) return item;
  return { ...item, content: splitParts(item.content, "content", split) };
}

function splitParts(parts: readonly ContentPart[], name: string, split: ItemSplit): ContentPart[] {
  return parts.map((part, at): ContentPart => {
    if (part.type === "input_image") return splitImage(part, `${name}/${at}`, split);
    if (part.type === "refusal") return part;
    return { ...part, text: splitText(part.text, `${name}/${at}/text`, split) };
  });
}

function splitText(text: string, at: string, { where, textLimit, ...split }: ItemSplit): string {
  if (text.length <= textLimit && Buffer.byteLength(text) <= textLimit) return text;
  if (text.startsWith(SUMMARY)) return text;
  const ref = keep(text, `${where}${at}`, split);
  if (ref === undefined) return text;
  const kept = ref.again ? KEPT_AGAIN : KEPT;
  const [head, tail] = [text.slice(0, kept), text.slice(-kept)];
  return `${head}\n[… the whole text, ${ref.bytes} bytes, is in session_blobs/${ref.sha256.slice(0, 2)}/${ref.sha256} …]\n${tail}`;
}

/** For a program that knows no blobs there is a text in the place of the image. */
function splitImage(part: Extract<ContentPart, { type: "input_image" }>, at: string, split: ItemSplit): ContentPart {
  if (part.image_url.length <= ITEM_LIMIT) return part;
  const ref = keep(JSON.stringify(part), `${split.where}${at}`, split);
  if (ref === undefined) return part;
  const name = `session_blobs/${ref.sha256.slice(0, 2)}/${ref.sha256}`;
  return { type: "input_text", text: `[an image was here: ${ref.bytes} bytes, kept in ${name}]` };
}

function keep(text: string, at: string, { store, refs }: Split): ReturnType<StoreText> | undefined {
  try {
    const stored = store(text);
    refs.push({ at, sha256: stored.sha256, bytes: stored.bytes });
    return stored;
  } catch {
    // A folder that can't be written: the text stays where it was, and the line is as large as it is.
    return undefined;
  }
}

/** Puts the texts of blobs back into a payload; one that can't be had stays as the line has it, and is told to `missing`. */
export function fillBlobs(
  payload: unknown,
  refs: readonly BlobRef[],
  from: { readonly load: (ref: BlobRef) => string | undefined; readonly missing: (ref: BlobRef) => void },
): unknown {
  const copy = structuredClone(payload);
  for (const ref of refs) {
    const text = from.load(ref);
    if (text === undefined || !putAt(copy, ref.at.split("/"), text)) from.missing(ref);
  }
  return copy;
}

/** A text takes the place of a text, an object as JSON that of an object. False when there is no such place. */
function putAt(root: unknown, path: readonly string[], text: string): boolean {
  let holder: unknown = root;
  for (const key of path.slice(0, -1)) holder = memberOf(holder, key);
  const last = path.at(-1) ?? "";
  const old = memberOf(holder, last);
  if (old === undefined) return false;
  try {
    const value: unknown = typeof old === "string" ? text : JSON.parse(text);
    Object.assign(holder as object, { [last]: value });
    return true;
  } catch {
    // Not the JSON it should be: somebody else's file.
    return false;
  }
}

function memberOf(holder: unknown, key: string): unknown {
  if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, key)) return undefined;
  return (holder as Record<string, unknown>)[key];
}
