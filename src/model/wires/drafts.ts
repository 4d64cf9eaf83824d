import { Content } from "./content.js";
import { isBlankJson, isSameJson, isWholeJson } from "./json-text.js";
import { mayBeSame, Telling } from "./telling.js";
import type { KnownItem } from "./told-item.js";

export type DraftKind = KnownItem["kind"];

/** Where an event says that it belongs: servers leave out any of it, or all. */
export interface Place {
  readonly index: number | undefined;
  readonly id: string | undefined;
}

/** An output item in the making. What its kind has not stays empty. */
export interface Draft {
  kind: DraftKind;
  index: number | undefined;
  id: string | undefined;
  callId: string | undefined;
  name: string | undefined;
  phase: string | undefined;
  status: string | undefined;
  encrypted: string | undefined;
  /** Of a message; of reasoning, its thoughts. */
  readonly content: Content;
  readonly summary: Content;
  /** The arguments or input of a call. */
  readonly args: Telling;
  /** It was announced, so that its own end is to be told too. */
  announced: boolean;
  /** It was told whole. */
  closed: boolean;
  /** Characters of its text that were handed on as deltas. */
  shown: number;
}

/**
 * The output items of one response, from whatever tells of them: pieces, whole parts, items, and the final list. Each
 * counts once, as the fullest of what was told.
 */
export class Drafts {
  /** In the order in which they were begun, until the final list is told. */
  #drafts: Draft[] = [];
  #current: Draft | undefined;
  /** The final list was told, and gave the order. */
  #ordered = false;
  #overflowed = false;

  /** More items were begun than any answer has: the rest is not kept apart. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  get empty(): boolean {
    return this.#drafts.length === 0;
  }

  /** The draft that a piece, or a part, belongs to; a new one where none can be meant. */
  at(kind: DraftKind, place: Place): Draft {
    const current = this.#current;
    if (current !== undefined && current.kind === kind && !isOver(current)) {
      if (current.id === place.id && current.index === place.index) return current;
    }
    const found = this.#ofPiece(kind, place) ?? this.#begin(kind, place);
    found.id ??= place.id;
    found.index ??= place.index;
    this.#current = found;
    return found;
  }

  /** An item as it is announced; false when it was before. */
  announce(item: KnownItem, index: number | undefined): boolean {
    const draft = this.#ofItem(item, index) ?? this.#begin(item.kind, { index, id: item.id });
    draft.index ??= index;
    const isNew = !draft.announced;
    draft.announced = true;
    outline(draft, item);
    return isNew;
  }

  /** An item as it is told whole, by its own event. */
  tell(item: KnownItem, index: number | undefined): void {
    const draft = this.#ofItem(item, index) ?? this.#begin(item.kind, { index, id: item.id });
    draft.index ??= index;
    whole(draft, item);
  }

  /** The final list: it gives the order of what it holds, and what only it holds. */
  tellAll(items: readonly KnownItem[]): void {
    if (items.length > ITEMS_LIMIT) this.#overflowed = true;
    if (this.#overflowed) return;
    const order = this.inOrder();
    const free = new Set(order);
    const matched = items.map((item, index) => {
      const draft = this.#ofFinal(
        item,
        index,
        order.filter((one) => free.has(one)),
      );
      if (draft !== undefined) free.delete(draft);
      return draft;
    });
    const first = matched.find((draft) => draft !== undefined);
    let at = first === undefined ? order.length : order.indexOf(first);
    for (const [n, item] of items.entries()) {
      const known = matched[n];
      const draft = known ?? newDraft(item.kind, { index: undefined, id: item.id });
      if (known === undefined) order.splice(at, 0, draft);
      at = order.indexOf(draft) + 1;
      whole(draft, item);
    }
    this.#drafts = order;
    this.#ordered = true;
  }

  /** By output index; those without one stay behind what came before them. */
  inOrder(): Draft[] {
    if (this.#ordered) return [...this.#drafts];
    let last = 0;
    const placed = this.#drafts.map((draft) => {
      last = draft.index ?? last;
      return { draft, key: last };
    });
    const inOrder = placed.sort((a, b) => a.key - b.key).map(({ draft }) => draft);
    return inOrder.filter((draft, n) => !isEcho(draft, inOrder.slice(0, n)));
  }

  #begin(kind: DraftKind, place: Place): Draft {
    const draft = newDraft(kind, place);
    if (this.#drafts.length < ITEMS_LIMIT) this.#drafts.push(draft);
    else this.#overflowed = true;
    return draft;
  }

  #ofPiece(kind: DraftKind, { id, index }: Place): Draft | undefined {
    const same = this.#drafts.filter((draft) => isOfKind(draft, kind));
    if (id !== undefined) {
      const named = same.findLast((draft) => draft.id === id && !(draft.closed && isElsewhere(draft, index)));
      if (named !== undefined) return named;
    }
    if (index !== undefined) {
      const placed = same.findLast((draft) => draft.index === index);
      // Some servers give each event another id; others give each item index 0.
      if (placed !== undefined) return isOver(placed) ? undefined : placed;
    }
    const last = same.at(-1);
    const fits =
      last !== undefined && !isOver(last) && !isElsewhere(last, index) && (id === undefined || last.id === undefined);
    return fits ? last : undefined;
  }

  #ofItem(item: KnownItem, index: number | undefined): Draft | undefined {
    const same = this.#drafts.filter((draft) => isOfKind(draft, item.kind));
    const { id } = item;
    const named = same.findLast(
      (draft) => id !== undefined && draft.id === id && (!isElsewhere(draft, index) || agrees(draft, item)),
    );
    if (named !== undefined && (!named.closed || agrees(named, item))) return named;
    const called = same.findLast((draft) => hasCallId(draft, item) && agrees(draft, item));
    if (called !== undefined) return called;
    if (index !== undefined) {
      const placed = same.findLast((draft) => draft.index === index);
      if (placed !== undefined) {
        const sure = !placed.closed && !isAnother(placed.id, id) && !isAnotherCall(placed, item);
        return sure || agrees(placed, item) ? placed : undefined;
      }
    }
    return same.findLast(
      (draft) =>
        !isElsewhere(draft, index) &&
        !isAnother(draft.id, id) &&
        (draft.closed ? isEqual(draft, item) : agrees(draft, item)),
    );
  }

  #ofFinal(item: KnownItem, index: number, free: readonly Draft[]): Draft | undefined {
    const same = free.filter((draft) => isOfKind(draft, item.kind));
    const { id } = item;
    return (
      same.find((draft) => id !== undefined && draft.id === id && (draft.index === index || agrees(draft, item))) ??
      same.find((draft) => hasCallId(draft, item) && agrees(draft, item)) ??
      same.find((draft) => draft.index === index && agrees(draft, item)) ??
      same.find((draft) => isEqual(draft, item)) ??
      same.find((draft) => agrees(draft, item) && !(draft.closed && isAnother(draft.id, id)))
    );
  }
}

/** The most items of one answer: each is compared with the others. */
const ITEMS_LIMIT = 512;

function newDraft(kind: DraftKind, { index, id }: Place): Draft {
  return {
    kind,
    index,
    id,
    callId: undefined,
    name: undefined,
    phase: undefined,
    status: undefined,
    encrypted: undefined,
    content: new Content(),
    summary: new Content(),
    args: new Telling(),
    announced: false,
    closed: false,
    shown: 0,
  };
}

function outline(draft: Draft, item: KnownItem): void {
  if (item.kind === "message") draft.content.outline(item.parts);
  else if (item.kind === "reasoning") {
    draft.content.outline(item.thoughts);
    draft.summary.outline(item.summary);
  } else draft.args.outline(item.text);
  fill(draft, item);
}

function whole(draft: Draft, item: KnownItem): void {
  draft.closed = true;
  if (item.kind === "message") {
    draft.content.whole(item.parts);
    draft.status = item.status ?? draft.status;
  } else if (item.kind === "reasoning") {
    draft.content.whole(item.thoughts);
    draft.summary.whole(item.summary);
  } else draft.args.whole(item.text);
  fill(draft, item);
}

/** The fields that are told once; a kind that turns out otherwise is corrected. */
function fill(draft: Draft, item: KnownItem): void {
  draft.kind = item.kind;
  draft.id ??= item.id;
  if (item.kind === "message") draft.phase = item.phase ?? draft.phase;
  else if (item.kind === "reasoning") draft.encrypted = item.encrypted ?? draft.encrypted;
  else {
    draft.name = item.name ?? draft.name;
    draft.callId = item.callId ?? draft.callId;
  }
}

function isCallKind(kind: DraftKind): boolean {
  return kind === "function_call" || kind === "custom_tool_call";
}

/** Pieces of the two kinds of calls may be mixed up by a server that knows one of them. */
function isOfKind(draft: Draft, kind: DraftKind): boolean {
  return draft.kind === kind || (isCallKind(draft.kind) && isCallKind(kind));
}

function isElsewhere(draft: Draft, index: number | undefined): boolean {
  return draft.index !== undefined && index !== undefined && draft.index !== index;
}

function isAnother(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** No further piece belongs to it. */
function isOver(draft: Draft): boolean {
  return draft.closed || draft.args.done;
}

function hasCallId(draft: Draft, item: KnownItem): boolean {
  return "callId" in item && item.callId !== undefined && draft.callId === item.callId;
}

function isAnotherCall(draft: Draft, item: KnownItem): boolean {
  return "callId" in item && (isAnother(draft.callId, item.callId) || isAnother(draft.name, item.name));
}

/** Whether an item can be the one that a draft is of, by what both say. */
function agrees(draft: Draft, item: KnownItem): boolean {
  switch (item.kind) {
    case "message":
      return agreeInText(draft, draft.content.text(), textOf(item.parts));
    case "reasoning": {
      if (item.encrypted !== undefined && draft.encrypted !== undefined) return item.encrypted === draft.encrypted;
      const said = agreeInText(draft, draft.content.text(), textOf(item.thoughts));
      return said && agreeInText(draft, draft.summary.text(), textOf(item.summary));
    }
    default:
      return !isAnotherCall(draft, item) && agreeInArguments(draft, item.text);
  }
}

/** Of a draft that was told whole, one text begins the other; pieces may have gaps and repetitions. */
function agreeInText(draft: Draft, known: string, told: string): boolean {
  if (known === "" || told === "") return true;
  return draft.closed ? known.startsWith(told) || told.startsWith(known) : mayBeSame(known, told);
}

function agreeInArguments(draft: Draft, told: string): boolean {
  if (draft.kind === "custom_tool_call") return agreeInText(draft, draft.args.text(), told);
  const known = draft.args.json().text;
  if (isBlankJson(known) || isBlankJson(told)) return true;
  if (isOver(draft) && isWholeJson(known) && isWholeJson(told)) return isSameJson(known, told);
  return mayBeSame(known, told);
}

function isEqual(draft: Draft, item: KnownItem): boolean {
  if (!agrees(draft, item)) return false;
  if (item.kind === "message") return draft.content.text() === textOf(item.parts);
  if (item.kind === "reasoning") return draft.summary.text() === textOf(item.summary);
  return draft.name === item.name;
}

/** Pieces behind the end of an item, without an id of their own, that only say that item, or its beginning, again. */
function isEcho(draft: Draft, before: readonly Draft[]): boolean {
  if (draft.closed || draft.announced || draft.id !== undefined) return false;
  return before.some((one) => {
    if (!isOver(one) || !isOfKind(one, draft.kind) || isElsewhere(one, draft.index)) return false;
    if (isCallKind(draft.kind)) return one.args.text().startsWith(draft.args.text());
    const said = one.content.text().startsWith(draft.content.text());
    return said && one.summary.text().startsWith(draft.summary.text());
  });
}

function textOf(parts: readonly { readonly text: string }[]): string {
  return parts.map((part) => part.text).join("");
}
