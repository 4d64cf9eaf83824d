import type { Random } from "../../base/index.js";
import type { EventBatch } from "../event-batch.js";
import { asObject, type JsonObject, numberIn, objectIn, stringIn } from "../json-fields.js";
import type { Usage } from "../types.js";
import type { WireEnd } from "../wire.js";
import type { Part } from "./content.js";
import { damageOf, isWhole, itemOf } from "./draft-items.js";
import { type Draft, Drafts, type Place } from "./drafts.js";
import { cutShort, damaged, notUnderstood, overlong, passedOver, shown } from "./stream-event.js";
import {
  argumentsOf,
  isThought,
  type KnownItem,
  partType,
  readItem,
  readItems,
  readPart,
  type ToldItem,
} from "./told-item.js";

/** Where a piece belongs, and its number, where it can tell a repetition. */
interface Piece {
  readonly place: Place;
  readonly number: number | undefined;
}

/** The most types that are named to the user. */
const NOTICES_LIMIT = 16;

/** One answer of a Responses server, put together from all its events. */
export class ResponsesAnswer {
  readonly #drafts = new Drafts();
  readonly #random: Random;
  /** Items of types that are not ours, by id or place: the latest telling of each. */
  readonly #foreign = new Map<string, { readonly type: string; readonly waits: boolean }>();
  /** Types of parts that hold nothing that could be shown. */
  readonly #unknownParts = new Set<string>();
  /** Types of pieces that are not ours. */
  readonly #foreignPieces = new Set<string>();
  /** Parts of summaries that began, by item and number. */
  readonly #sections = new Map<Draft, Set<number>>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** More came than any answer has. */
  get overflowed(): boolean {
    return this.#drafts.overflowed;
  }

  /** A piece of a message's text, the most frequent event of all; true when it brought something. */
  text(event: JsonObject, number: number | undefined, batch: EventBatch): boolean {
    const delta =
      stringIn(event, "delta") ?? stringIn(objectIn(event, "delta"), "text") ?? stringIn(event, "text") ?? "";
    if (delta === "") return false;
    const draft = this.#drafts.at("message", placeOf(event));
    if (!draft.content.add("text", delta, { place: numberIn(event, "content_index"), number })) return false;
    batch.delta("text_delta", delta);
    draft.shown += delta.length;
    return true;
  }

  /** Any other event; true when it brought something of an answer. */
  take(type: string, event: JsonObject, number: number | undefined, batch: EventBatch): boolean {
    const piece = { place: placeOf(event), number };
    switch (type) {
      case "response.output_item.added":
      case "response.output_item.done":
        return this.#item(event, type.endsWith(".done"));
      case "response.content_part.added":
      case "response.content_part.done":
        return this.#part(event, { place: piece.place, isDone: type.endsWith(".done") });
      case "response.text.delta":
        return this.text(event, number, batch);
      case "response.output_text.done":
      case "response.text.done":
        return this.#done("text", stringIn(event, "text"), event);
      case "response.refusal.delta":
        return this.#refusal(event, piece, batch);
      case "response.refusal.done":
        return this.#done("refusal", stringIn(event, "refusal"), event);
      case "response.function_call_arguments.delta":
      case "response.function_call_arguments.done":
        return this.#call("function_call", event, piece);
      case "response.custom_tool_call_input.delta":
      case "response.custom_tool_call_input.done":
        return this.#call("custom_tool_call", event, piece);
      default:
        if (type.startsWith("response.reasoning")) return this.#thought(type, event, piece, batch);
        // Servers that run tools themselves tell of their progress.
        return this.#foreignPiece(type, event);
    }
  }

  /** Takes what the response as a whole holds, however it ended. */
  tellAll(response: JsonObject): void {
    const items: KnownItem[] = [];
    for (const [index, item] of outputOf(response).flatMap(readItems).entries()) {
      if (item.kind === "foreign") this.#foreign.set(item.id ?? `#${index}`, item);
      else items.push(item);
      this.#noteParts(item);
    }
    if (items.length > 0) this.#drafts.tellAll(items);
    // What the libraries of OpenAI put beside the list.
    const text = stringIn(response, "output_text") ?? "";
    const saysMore = text !== "" && !this.#drafts.inOrder().some((draft) => draft.kind === "message");
    if (saysMore) this.#drafts.tell(readItem({ type: "message", text }) as KnownItem, undefined);
  }

  /** The response is complete, as its last event says. */
  complete(response: JsonObject, batch: EventBatch): WireEnd {
    if (this.overflowed) return overlong();
    return this.#conclude(decodeUsage(objectIn(response, "usage")), batch);
  }

  /** See `WireDecoder.tellRest`. */
  tellRest(batch: EventBatch): void {
    for (const draft of this.#drafts.inOrder()) {
      const rest = draft.kind === "message" ? draft.content.text().slice(draft.shown) : "";
      if (rest !== "") batch.delta("text_delta", rest);
      draft.shown += rest.length;
    }
  }

  /** The stream says no more than that it is over. */
  done(batch: EventBatch): WireEnd {
    if (this.#drafts.empty) return cutShort("nothing came but the end");
    const half = this.#drafts.inOrder().find((draft) => !isWhole(draft));
    return half === undefined ? this.#conclude(undefined, batch) : cutShort(`a ${half.kind} is not whole`);
  }

  #conclude(usage: Usage | undefined, batch: EventBatch): WireEnd {
    const waiting = [...this.#foreign.values()].find((item) => item.waits);
    if (waiting !== undefined)
      return notUnderstood(`the model made a call Belay does not know: ${shown(waiting.type)}`);
    const drafts = this.#drafts.inOrder();
    for (const draft of drafts) {
      const damage = damageOf(draft);
      if (damage !== undefined) return damaged(`the model server ended the response, but ${damage}`);
    }
    const items = drafts.map((draft) => itemOf(draft, this.#random)).filter((item) => item !== undefined);
    const unknown = this.#unknown();
    const missed = unknown.length > 0 ? unknown : [...this.#foreignPieces];
    if (missed.length > 0 && items.length === 0) {
      return notUnderstood(`nothing of the answer is known to Belay: ${missed.join(", ")}`);
    }
    for (const what of unknown) batch.push({ type: "notice", text: passedOver(what) });
    for (const item of items) batch.push({ type: "item", item });
    return { type: "completed", usage };
  }

  #item(event: JsonObject, isWholeItem: boolean): boolean {
    const raw = asObject(event.item) ?? asObject(event.output_item);
    if (raw === undefined) return false;
    const index = numberIn(event, "output_index");
    return readItems(raw).filter((item) => this.#oneItem(item, index, { isWhole: isWholeItem })).length > 0;
  }

  /** False for an item that was announced before. */
  #oneItem(item: ToldItem, index: number | undefined, { isWhole }: { readonly isWhole: boolean }): boolean {
    this.#noteParts(item);
    if (item.kind === "foreign") {
      const key = item.id ?? `#${index ?? item.type}`;
      const isNew = isWhole || !this.#foreign.has(key);
      this.#foreign.set(key, item);
      return isNew;
    }
    if (!isWhole) return this.#drafts.announce(item, index);
    this.#drafts.tell(item, index);
    return true;
  }

  #foreignPiece(type: string, event: JsonObject): boolean {
    if (!type.endsWith(".delta") || (stringIn(event, "delta") ?? "") === "") return false;
    if (this.#foreignPieces.size < NOTICES_LIMIT) this.#foreignPieces.add(`an event \`${shown(type)}\``);
    return true;
  }

  /** What of the answer is not ours, each type once. */
  #unknown(): readonly string[] {
    const types = new Set([...this.#foreign.values()].map((item) => item.type));
    const items = [...types].map((type) => `an item \`${shown(type)}\``);
    return [...items, ...this.#unknownParts].slice(0, NOTICES_LIMIT);
  }

  #noteParts(item: ReturnType<typeof readItem>): void {
    if (item.kind !== "message") return;
    for (const type of item.unknown) this.#unknownParts.add(`a part \`${shown(type)}\``);
  }

  #part(event: JsonObject, { place, isDone }: { readonly place: Place; readonly isDone: boolean }): boolean {
    const raw = event.part;
    if (raw === undefined || raw === null) return false;
    const type = partType(raw);
    const part = readPart(raw);
    const draft = this.#drafts.at(isThought(type) ? "reasoning" : "message", place);
    draft.announced = true;
    if (part === undefined && !isThought(type)) this.#unknownParts.add(`a part \`${shown(type)}\``);
    if (part === undefined || (part.text === "" && !isDone)) return false;
    draft.content.part(part, numberIn(event, "content_index"));
    return true;
  }

  #done(type: Part["type"], text: string | undefined, event: JsonObject): boolean {
    if (text === undefined) return false;
    const draft = this.#drafts.at("message", placeOf(event));
    draft.content.part({ type, text }, numberIn(event, "content_index"));
    return true;
  }

  #refusal(event: JsonObject, { place, number }: Piece, batch: EventBatch): boolean {
    const delta = stringIn(event, "delta") ?? "";
    if (delta === "") return false;
    const where = { place: numberIn(event, "content_index"), number };
    const draft = this.#drafts.at("message", place);
    if (!draft.content.add("refusal", delta, where)) return false;
    batch.delta("text_delta", delta);
    draft.shown += delta.length;
    return true;
  }

  #call(kind: "function_call" | "custom_tool_call", event: JsonObject, { place, number }: Piece): boolean {
    const delta = stringIn(event, "delta") ?? "";
    const told = kind === "function_call" ? event.arguments : event.input;
    if (delta === "" && told === undefined) return false;
    const draft = this.#drafts.at(kind, place);
    draft.name ??= stringIn(event, "name") || undefined;
    draft.callId ??= stringIn(event, "call_id") || undefined;
    if (told !== undefined) draft.args.whole(argumentsOf(told));
    return delta === "" ? told !== undefined : draft.args.add(delta, number);
  }

  #thought(type: string, event: JsonObject, { place, number }: Piece, batch: EventBatch): boolean {
    const isSummary = type.startsWith("response.reasoning_summary");
    const draft = this.#drafts.at("reasoning", place);
    const texts = isSummary ? draft.summary : draft.content;
    const at = numberIn(event, isSummary ? "summary_index" : "content_index");
    if (type.endsWith("_part.added")) {
      if (this.#begins(draft, at)) batch.push({ type: "reasoning_section" });
      return false;
    }
    if (type.endsWith(".delta")) {
      const delta = stringIn(event, "delta") ?? stringIn(objectIn(event, "delta"), "text") ?? "";
      if (delta === "" || !texts.add("text", delta, { place: at, number })) return false;
      batch.delta(isSummary ? "reasoning_delta" : "raw_reasoning_delta", delta);
      return true;
    }
    const text = stringIn(event, "text") ?? stringIn(objectIn(event, "part"), "text");
    if (text === undefined) return false;
    texts.part({ type: "text", text }, at);
    return true;
  }

  /** A part of a summary that is told to begin again is no other part. */
  #begins(draft: Draft, at: number | undefined): boolean {
    if (at === undefined) return true;
    const known = this.#sections.get(draft) ?? new Set();
    this.#sections.set(draft, known);
    const begins = !known.has(at);
    known.add(at);
    return begins;
  }
}

/** The items of a response: a list, or one alone; a text stands for a message. */
function outputOf({ output }: JsonObject): readonly JsonObject[] {
  const list = Array.isArray(output) ? output : [output];
  const items = list.map((raw) => (typeof raw === "string" ? { type: "message", content: raw } : asObject(raw)));
  return items.filter((item) => item !== undefined);
}

function placeOf(event: JsonObject): Place {
  const id = stringIn(event, "item_id");
  return { index: numberIn(event, "output_index"), id: id === "" ? undefined : id };
}

function decodeUsage(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  const input = numberIn(usage, "input_tokens") ?? 0;
  const output = numberIn(usage, "output_tokens") ?? 0;
  return {
    input,
    cachedInput: numberIn(objectIn(usage, "input_tokens_details"), "cached_tokens") ?? 0,
    output,
    reasoningOutput: numberIn(objectIn(usage, "output_tokens_details"), "reasoning_tokens") ?? 0,
    total: numberIn(usage, "total_tokens") ?? input + output,
  };
}
