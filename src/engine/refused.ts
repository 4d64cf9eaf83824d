import type { ModelError, RefusedPart } from "../model/index.js";
import { isCall, isMade, type MessageItem, type ResponseItem } from "../protocol/index.js";

/** A history without what a server refused of it. */
export interface Rest {
  /** What was left out, for people. */
  readonly what: string;
  readonly items: ResponseItem[];
}

/** The history without what a server refuses; undefined when its words fit nothing that is there. */
export function withoutRefused(items: readonly ResponseItem[], error: ModelError): Rest | undefined {
  const refused: RefusedPart | undefined = error.refused ?? (isVague(error) ? "images" : undefined);
  if (refused === undefined) return undefined;
  const rest = refused === "images" ? withoutImages(items) : withoutThoughts(items);
  const what = refused === "images" ? "an image of this conversation" : "the model's recorded thoughts";
  return rest === undefined ? undefined : { what, items: rest };
}

/** A refusal of the request whose words don't say what of it: an image that is new is the likeliest to be broken. */
function isVague({ kind, status }: ModelError): boolean {
  return kind === "bad_request" && (status === 400 || status === 415 || status === 422);
}

/** Where what was said ends, in the items of a history: what stands before it, a server has taken. */
function endOfTaken(items: readonly ResponseItem[]): number {
  return items.findLastIndex(isMade);
}

const NO_IMAGE = { type: "input_text", text: "(An image stood here. The model's server refused it.)" } as const;

/**
 * The items without their images: those that came after the model's last word, since a server has taken the others; all of
 * them where there are none. Undefined when there is no image at all.
 */
function withoutImages(items: readonly ResponseItem[]): ResponseItem[] | undefined {
  const taken = endOfTaken(items);
  const isNew = items.some((item, at) => at > taken && hasImage(item));
  if (!isNew && !items.some(hasImage)) return undefined;
  return items.map((item, at) => (hasImage(item) && (!isNew || at > taken) ? withoutImage(item) : item));
}

function hasImage(item: ResponseItem): boolean {
  const parts = item.type === "message" ? item.content : "output" in item ? item.output : [];
  return typeof parts !== "string" && parts.some((part) => part.type === "input_image");
}

function withoutImage(item: ResponseItem): ResponseItem {
  const told = (parts: MessageItem["content"]) => parts.map((part) => (part.type === "input_image" ? NO_IMAGE : part));
  if (item.type === "message") return { ...item, content: told(item.content) };
  return "output" in item && typeof item.output !== "string" ? { ...item, output: told(item.output) } : item;
}

/**
 * The items without thoughts, and without the ids that would tell a server that thoughts are missing. Undefined when there
 * are none.
 */
function withoutThoughts(items: readonly ResponseItem[]): ResponseItem[] | undefined {
  const isSealed = (item: ResponseItem) => "sealed" in item && item.sealed !== undefined;
  if (!items.some((item) => item.type === "reasoning" || isSealed(item))) return undefined;
  return items.flatMap((item): ResponseItem[] => {
    if (item.type === "reasoning") return [];
    if (isCall(item)) {
      const { id: _, sealed: __, ...rest } = item;
      return [rest];
    }
    if (item.type !== "message" || item.role !== "assistant") return [item];
    const { id: _, ...rest } = item;
    return [rest];
  });
}
