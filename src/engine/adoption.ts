import { type CallItem, isCall, type ResponseItem } from "../protocol/index.js";

/** What the items of a response become part of. */
export interface Adopting {
  /** Who is asked: its id in the settings, and the model. */
  readonly maker: { readonly provider: string; readonly model: string };
  hasCall(callId: string): boolean;
  /** An id that no other call has. */
  makeCallId(): string;
  /** The tool that a name means; undefined when it means none, or more than one. */
  toolNameOf(name: string): string | undefined;
}

/** Characters of a call's id that every server takes back. */
const CALL_ID_LIMIT = 64;

/**
 * Items of a response as the history keeps them: who made them is noted, calls have ids that no other call has (some servers
 * number those of each response from zero) and the names of their tools.
 */
export function adopt(
  items: readonly ResponseItem[],
  { maker, hasCall, makeCallId, toolNameOf }: Adopting,
): ResponseItem[] {
  const seen = new Set<string>();
  const freeId = (call: CallItem): string => {
    const wanted = call.call_id.length > CALL_ID_LIMIT || call.call_id === "" ? makeCallId() : call.call_id;
    let id = wanted;
    for (let n = 2; seen.has(id) || hasCall(id); n += 1) id = `${wanted.slice(0, CALL_ID_LIMIT - 8)}_${n}`;
    seen.add(id);
    return id;
  };
  return items.map((item): ResponseItem => {
    if (isCall(item)) {
      return { ...item, name: toolNameOf(item.name) ?? item.name, call_id: freeId(item), maker };
    }
    return item.type === "message" || item.type === "reasoning" ? { ...item, maker } : item;
  });
}
