import { asObject, type JsonObject, numberIn, stringIn } from "../json-fields.js";

/** The most characters of JSON of one answer's sealed fields, together. */
const SEALED_LIMIT = 256 * 1024;

/** Fields of a server's own, as they came. */
export type SealedFields = Map<string, unknown>;

/** Fields of a message that only its server can read, and wants back. */
const KEPT = ["reasoning_opaque", "extra_content", "provider_specific_fields", "thought_signature"];
/** The same, told as lists of pieces. */
const LISTS = ["reasoning_details", "thinking_blocks"];
/** The fields of such a piece that go on from one to the next. */
const FLOWING = ["text", "summary", "data", "thinking"];

/**
 * What a Chat server needs back with the next request and nobody else can read: of the message here, of each call in the
 * fields given. Past the bound all of it is given up: a part of it would be refused.
 */
export class ChatSealed {
  readonly #fields: SealedFields = new Map();
  readonly #lists = new Map<string, Map<string, unknown>[]>();
  #size = 0;

  get overflowed(): boolean {
    return this.#size > SEALED_LIMIT;
  }

  /** Takes what of a delta is sealed; true when there was something. `isWhole`: lists are whole, not pieces. */
  take(source: JsonObject, isWhole: boolean): boolean {
    let found = false;
    for (const name of KEPT) {
      if (!isGiven(source[name])) continue;
      this.keep(this.#fields, name, source[name]);
      found = true;
    }
    for (const name of LISTS) {
      const value = source[name];
      if (!Array.isArray(value) || value.length === 0) continue;
      if (isWhole) this.#lists.delete(name);
      for (const piece of value) this.#addPiece(name, piece);
      found = true;
    }
    return found;
  }

  /** Sets a field, unless the bound is passed. */
  keep(fields: SealedFields, name: string, value: unknown): void {
    if (this.#fits(name, value)) fields.set(name, value);
  }

  /** All of the message. */
  fields(): SealedFields {
    if (this.overflowed) return new Map();
    const lists = [...this.#lists].map(([name, entries]) => [name, entries.map((entry) => Object.fromEntries(entry))]);
    return new Map([...(lists as [string, unknown][]), ...this.#fields]);
  }

  /** The text in the details of reasoning, where a delta tells it there alone. */
  static textIn(source: JsonObject): string {
    const details = source.reasoning_details;
    if (!Array.isArray(details)) return "";
    return details
      .map((piece) => stringIn(asObject(piece), "text") ?? stringIn(asObject(piece), "summary") ?? "")
      .join("");
  }

  #addPiece(name: string, raw: unknown): void {
    const piece = asObject(raw);
    if (piece === undefined || !this.#fits(name, piece)) return;
    const entries = this.#lists.get(name) ?? [];
    this.#lists.set(name, entries);
    let entry = entries.findLast((one) => isSameEntry(one, piece));
    if (entry === undefined) {
      entry = new Map();
      entries.push(entry);
    }
    for (const [key, value] of Object.entries(piece)) {
      const known = entry.get(key);
      if (FLOWING.includes(key) && typeof known === "string" && typeof value === "string")
        entry.set(key, known + value);
      else if (isGiven(value) || !entry.has(key)) entry.set(key, value);
    }
  }

  #fits(name: string, value: unknown): boolean {
    this.#size += name.length + (JSON.stringify(value)?.length ?? 0);
    return !this.overflowed;
  }
}

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** Pieces belong together by index, else by id, else as neighbours of one type until a signature closes them. */
function isSameEntry(entry: ReadonlyMap<string, unknown>, piece: JsonObject): boolean {
  if (entry.get("type") !== piece.type) return false;
  const known = entry.get("id");
  const id = stringIn(piece, "id");
  if (isGiven(known) && id !== undefined && known !== id) return false;
  const index = numberIn(piece, "index");
  if (index !== undefined || typeof entry.get("index") === "number") return entry.get("index") === index;
  if (id !== undefined && known === id) return true;
  const isNew = isGiven(entry.get("signature")) && FLOWING.some((key) => isGiven(piece[key]));
  return !isNew && id === undefined;
}
