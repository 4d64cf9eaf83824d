import { fuller, mayBeSame, Telling } from "./telling.js";

/** A part of what a model says: `text`, or the words of a `refusal`. */
export interface Part {
  readonly type: "text" | "refusal";
  readonly text: string;
}

/** The most parts that are kept apart; what comes beyond belongs to the last. */
const PARTS_LIMIT = 512;

interface Entry {
  readonly type: Part["type"];
  readonly place: number;
  readonly telling: Telling;
}

/**
 * The parts of a message, of a summary or of thoughts: told part by part (in pieces or whole), and as a list by the item.
 * Both count as one; see `Telling` for which.
 */
export class Content {
  readonly #entries: Entry[] = [];
  /** The one the last piece went to. */
  #last: Entry | undefined;
  #outline: readonly Part[] = [];
  #whole: readonly Part[] = [];
  /** The item told its list, be it an empty one. */
  #told = false;

  /** An item, or some part of it, was told whole. */
  get done(): boolean {
    return this.#told || this.#entries.some((entry) => entry.telling.done);
  }

  /** Adds a piece; false when it came before. `place` is the part's number among its siblings, where the server says. */
  add(
    type: Part["type"],
    piece: string,
    where: { readonly place: number | undefined; readonly number: number | undefined },
  ) {
    const { place } = where;
    let entry = this.#last;
    if (entry === undefined || entry.type !== type || (place !== undefined && place !== entry.place)) {
      entry = this.#find(type, place) ?? this.#open(type, place);
    } else if (place === undefined && entry.telling.done) entry = this.#open(type, undefined);
    this.#last = entry;
    return entry.telling.add(piece, where.number);
  }

  /** A part is told whole. */
  part(part: Part, place: number | undefined): void {
    let entry = this.#find(part.type, place);
    const another = entry?.telling.done === true && place === undefined && !mayBeSame(entry.telling.text(), part.text);
    if (entry === undefined || another) entry = this.#open(part.type, place);
    entry.telling.whole(part.text);
  }

  /** What the item had when it was announced. */
  outline(parts: readonly Part[]): void {
    if (lengthOf(parts) > lengthOf(this.#outline)) this.#outline = parts;
  }

  /** The item's own list; the fullest of several counts. */
  whole(parts: readonly Part[]): void {
    this.#told = true;
    if (lengthOf(parts) > lengthOf(this.#whole)) this.#whole = parts;
  }

  parts(): readonly Part[] {
    const streamed = this.#streamed();
    const told = joined(streamed);
    const whole = joined(this.#whole);
    if (whole !== "") return fuller(whole, told) === whole ? this.#whole : streamed;
    const outline = joined(this.#outline);
    if (told === "") return this.#outline;
    if (outline === "") return streamed;
    if (mayBeSame(outline, told)) return fuller(outline, told) === outline ? this.#outline : streamed;
    return continued(this.#outline, streamed);
  }

  text(): string {
    return joined(this.parts());
  }

  #streamed(): Part[] {
    const inOrder = [...this.#entries].sort((a, b) => a.place - b.place);
    const texts = inOrder.map(({ type, telling }) => ({ type, text: telling.text(), done: telling.done }));
    return texts.filter(({ text }, n) => text !== "" && !repeats(texts, n)).map(({ type, text }) => ({ type, text }));
  }

  #find(type: Part["type"], place: number | undefined): Entry | undefined {
    return this.#entries.findLast((entry) => entry.type === type && (place === undefined || entry.place === place));
  }

  #open(type: Part["type"], place: number | undefined): Entry {
    const full =
      this.#entries.length >= PARTS_LIMIT ? this.#entries.findLast((entry) => entry.type === type) : undefined;
    if (full !== undefined) return full;
    const next = this.#entries.reduce((most, entry) => Math.max(most, entry.place + 1), 0);
    const entry = { type, place: place ?? next, telling: new Telling() };
    this.#entries.push(entry);
    return entry;
  }
}

/** Pieces behind a part that was told whole, and that say it again. */
function repeats(texts: readonly { readonly text: string; readonly done: boolean }[], n: number): boolean {
  const { text, done } = texts[n] as { text: string; done: boolean };
  return !done && texts.slice(0, n).some((before) => before.done && before.text === text);
}

/** Pieces behind an announcement that goes on with them. */
function continued(outline: readonly Part[], [first, ...rest]: readonly Part[]): readonly Part[] {
  const last = outline.at(-1);
  if (last === undefined || first === undefined || last.type !== first.type) {
    return [...outline, ...(first === undefined ? [] : [first]), ...rest];
  }
  return [...outline.slice(0, -1), { type: last.type, text: last.text + first.text }, ...rest];
}

function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.text.length, 0);
}

function joined(parts: readonly Part[]): string {
  return parts.map((part) => part.text).join("");
}
