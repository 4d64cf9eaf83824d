import type { Random } from "../../base/index.js";
import type { ResponseItem } from "../../protocol/index.js";
import type { EventBatch } from "../event-batch.js";
import { asObject, type JsonObject, objectIn, stringIn } from "../json-fields.js";
import type { ModelRequest } from "../types.js";
import type { WireEnd } from "../wire.js";
import { CallIds } from "./call-ids.js";
import { ChatCalls } from "./chat-calls.js";
import type { Finish } from "./chat-finish.js";
import { ChatSealed, isGiven } from "./chat-sealed.js";
import { Content, type Part } from "./content.js";
import { contentOf } from "./draft-items.js";
import { damaged, notUnderstood, passedOver, shown } from "./stream-event.js";
import { mayBeSame } from "./telling.js";
import { isCallPart, isThought, partType, readPart } from "./told-item.js";

const ANYWHERE = { place: undefined, number: undefined };
/** Where servers put the text of thoughts; the first that is used is where it goes back. */
const THOUGHT_FIELDS = ["reasoning_content", "reasoning", "reasoning_text", "thinking"];
/** Outputs that are not text, and that cannot be shown. */
const OTHER_OUTPUTS = ["audio", "images"];
/** How deep parts of thoughts may be nested. */
const NESTING_LIMIT = 4;
/** The most types that are named to the user. */
const NOTICES_LIMIT = 16;

/** How a choice tells: as a piece, or (`isLast`) at the end, where some servers say all of it again. */
interface Manner {
  readonly isLast: boolean;
}

/** One answer of a Chat server, put together from its chunks. */
export class ChatAnswer {
  readonly #custom: ReadonlySet<string>;
  readonly #content = new Content();
  readonly #thoughts = new Content();
  readonly #sealed = new ChatSealed();
  readonly #calls: ChatCalls;
  #thoughtField: string | undefined;
  #spoke = false;
  /** Characters that were handed on as deltas. */
  #shown = 0;
  /** Some of it came as `delta`: a `message` after it says it again. */
  #inPieces = false;
  readonly #unknown = new Set<string>();

  constructor(request: ModelRequest, random: Random) {
    this.#custom = new Set(request.tools.filter((tool) => tool.type === "custom").map((tool) => tool.name));
    const names = new Set(request.tools.map((tool) => tool.name));
    this.#calls = new ChatCalls({ ids: new CallIds(request, random), sealed: this.#sealed, names });
  }

  /** A text, a refusal or a call came: something that is an answer. */
  get said(): boolean {
    return this.#spoke || !this.#calls.empty;
  }

  /** More came than any answer has. */
  get overflowed(): boolean {
    return this.#calls.overflowed;
  }

  /** Takes one choice of a chunk; true when it brought something. */
  take(choice: JsonObject, manner: Manner, batch: EventBatch): boolean {
    const delta = typeof choice.delta === "string" ? { content: choice.delta } : objectIn(choice, "delta");
    let brought = delta !== undefined && this.#source(delta, undefined, batch);
    if (brought) this.#inPieces = true;
    const message = objectIn(choice, "message");
    if (message !== undefined && this.#source(message, manner, batch)) brought = true;
    return this.#loose(choice, { isTold: brought }, batch) || brought;
  }

  /**
   * Takes a choice beside the one that is the answer. Some servers put each call into a choice of its own; a text there is
   * another answer, which was not asked for.
   */
  takeBeside(choice: JsonObject): void {
    const source = objectIn(choice, "delta") ?? objectIn(choice, "message") ?? choice;
    if (isGiven(source.content)) this.#unknown.add("a second choice");
    this.#callsIn(source);
  }

  /** What was shown in pieces is all that can be shown of an answer that failed, but for what a message told more fully. */
  tellRest(batch: EventBatch): void {
    const rest = this.#content.text().slice(this.#shown);
    if (rest !== "") batch.delta("text_delta", rest);
    this.#shown += rest.length;
  }

  /** The answer is over, and good by its server's word; a failure where it cannot be. */
  complete(reason: Finish | undefined, batch: EventBatch): WireEnd | undefined {
    const damage = this.#calls.damage();
    if (damage !== undefined) return damaged(`the model server ended the response, but ${damage}`);
    if (this.#calls.empty && reason !== undefined && /^(tool|function)/i.test(reason.word)) {
      return damaged(`the model server ended the response with "${shown(reason.word)}", but no call came`);
    }
    const items = this.#items();
    const unknown = [...this.#unknown].slice(0, NOTICES_LIMIT);
    if (items.length === 0 && unknown.length > 0) {
      return notUnderstood(`nothing of the answer is known to Belay: ${unknown.join(", ")}`);
    }
    for (const what of unknown) batch.push({ type: "notice", text: passedOver(what) });
    if (this.#sealed.overflowed) {
      const text = "what the model server wants back with the next request is too large, and is left out";
      batch.push({ type: "notice", text });
    }
    for (const item of items) batch.push({ type: "item", item });
    return undefined;
  }

  #items(): readonly ResponseItem[] {
    const parts = this.#content.parts();
    const message: ResponseItem = { type: "message", role: "assistant", content: contentOf(parts) };
    return [...this.#reasoning(), ...(parts.length === 0 ? [] : [message]), ...this.#calls.items(this.#custom)];
  }

  #reasoning(): readonly ResponseItem[] {
    const text = this.#thoughts.text();
    const fields = this.#sealed.fields();
    if (text === "" && fields.size === 0) return [];
    const field = this.#thoughtField;
    const sealed = { ...Object.fromEntries(fields), ...(field === undefined ? {} : { field }) };
    return [
      {
        type: "reasoning",
        summary: [],
        ...(text === "" ? {} : { content: [{ type: "reasoning_text", text }] }),
        ...(Object.keys(sealed).length === 0 ? {} : { sealed }),
      },
    ];
  }

  /** What stands beside the delta and belongs into it; `text` is the way of the older completions. */
  #loose(choice: JsonObject, { isTold }: { readonly isTold: boolean }, batch: EventBatch): boolean {
    const text = isTold ? "" : (stringIn(choice, "text") ?? stringIn(choice, "content") ?? "");
    const said = this.#say({ type: "text", text }, undefined, batch);
    return this.#callsIn(choice) || said;
  }

  #callsIn(source: JsonObject): boolean {
    const { function_call: older } = source;
    const told = [source.tool_calls, source.tool_call, asObject(older) && [{ index: 0, function: older }]];
    return told.some((calls) => calls !== undefined && calls !== null && this.#calls.take(calls));
  }

  /** A delta, or (with a manner) a message. */
  #source(source: JsonObject, manner: Manner | undefined, batch: EventBatch): boolean {
    const content = source.content || source.text;
    let brought = this.#thought(source, manner, batch);
    if (typeof content === "string") {
      if (content !== "" && this.#say({ type: "text", text: content }, manner, batch)) brought = true;
    } else if (content !== undefined && content !== null) {
      if (this.#parts(Array.isArray(content) ? content : [content], manner, batch)) brought = true;
    }
    const refusal = stringIn(source, "refusal") ?? "";
    if (refusal !== "" && this.#say({ type: "refusal", text: refusal }, manner, batch)) brought = true;
    if (this.#callsIn(source)) brought = true;
    for (const name of OTHER_OUTPUTS) if (isGiven(source[name])) this.#unknown.add(`a field \`${name}\``);
    return this.#sealed.take(source, manner !== undefined) || brought;
  }

  #thought(source: JsonObject, manner: Manner | undefined, batch: EventBatch): boolean {
    for (const field of THOUGHT_FIELDS) {
      const text = thoughtIn(source[field]);
      if (text === "") continue;
      this.#thoughtField ??= field;
      return this.#think(text, manner, batch);
    }
    const text = ChatSealed.textIn(source);
    return text !== "" && this.#think(text, manner, batch);
  }

  #parts(list: readonly unknown[], manner: Manner | undefined, batch: EventBatch): boolean {
    const texts = { text: "", refusal: "", thought: "" };
    let brought = false;
    for (const raw of list) {
      const type = partType(raw);
      if (isThought(type)) {
        texts.thought += thoughtIn(raw);
        continue;
      }
      if (isCallPart(raw)) {
        brought = this.#calls.take(raw) || brought;
        continue;
      }
      const part = readPart(raw);
      if (part === undefined) this.#unknown.add(`a part \`${shown(type)}\``);
      else texts[part.type] += part.text;
    }
    if (texts.thought !== "" && this.#think(texts.thought, manner, batch)) brought = true;
    for (const type of ["text", "refusal"] as const) {
      if (texts[type] !== "" && this.#say({ type, text: texts[type] }, manner, batch)) brought = true;
    }
    return brought;
  }

  #say(part: Part, manner: Manner | undefined, batch: EventBatch): boolean {
    if (part.text === "") return false;
    this.#spoke = true;
    if (this.#isRetold(this.#content, part, manner)) this.#content.part(part, undefined);
    else {
      this.#content.add(part.type, part.text, ANYWHERE);
      // A refusal is what the model says, too.
      batch.delta("text_delta", part.text);
      this.#shown += part.text.length;
    }
    return true;
  }

  #think(text: string, manner: Manner | undefined, batch: EventBatch): boolean {
    const part = { type: "text", text } as const;
    if (this.#isRetold(this.#thoughts, part, manner)) this.#thoughts.part(part, undefined);
    else {
      this.#thoughts.add("text", text, ANYWHERE);
      batch.delta("raw_reasoning_delta", text);
    }
    return true;
  }

  /** A message says again what came before: as a whole after pieces, or at the end of messages that were pieces. */
  #isRetold(content: Content, { type, text }: Part, manner: Manner | undefined): boolean {
    if (manner === undefined || !(manner.isLast || this.#inPieces)) return false;
    const known = content
      .parts()
      .filter((part) => part.type === type)
      .map((part) => part.text)
      .join("");
    if (known === "") return false;
    // Pieces may have gaps or repetitions; a short text is found in any long one.
    return this.#inPieces ? text.length * 2 >= known.length && mayBeSame(known, text) : text.startsWith(known);
  }
}

/** The text of thoughts: itself, or in parts, or in parts of parts. */
function thoughtIn(value: unknown, depth = 0): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null || depth > NESTING_LIMIT) return "";
  if (Array.isArray(value)) return value.map((part) => thoughtIn(part, depth + 1)).join("");
  const fields = asObject(value);
  for (const key of ["thinking", "text", "reasoning", "content", "summary"]) {
    const text = thoughtIn(fields?.[key], depth + 1);
    if (text !== "") return text;
  }
  return "";
}
