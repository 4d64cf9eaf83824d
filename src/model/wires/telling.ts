import { isBlankJson, isCutJson, isRepetition, isWholeJson, toldOnce } from "./json-text.js";

/**
 * One text as a server tells it: in outline (what an item had when it was announced), in pieces, and whole, in any order
 * and as often as it likes. It counts once, and as the fullest of what was told.
 */
export class Telling {
  #outline = "";
  #pieces = "";
  /** The latest pieces: joined in bulk, so that the many small ones are not kept alive one by one. */
  #latest = "";
  /** The different wholes, bounded: there are no more ways to tell one. */
  readonly #wholes: string[] = [];
  /** What tells pieces of one number apart. */
  #marks = new Marks();
  #lastNumber = Number.NEGATIVE_INFINITY;
  /** Pieces passed over as repetitions: given back once the numbers turn out to say nothing. */
  #passedOver = "";
  #numbersLie = false;

  /** Some whole was told. */
  get done(): boolean {
    return this.#wholes.length > 0;
  }

  get empty(): boolean {
    return this.#told() === "" && this.#outline === "" && this.#wholes.every((whole) => whole === "");
  }

  /** Adds a piece; false when it is one that came before. `number` is the event's own, if it has one that can be trusted. */
  add(piece: string, number: number | undefined): boolean {
    if (number !== undefined && this.#isRepeat(piece, number)) return false;
    this.#join(piece);
    return true;
  }

  outline(text: string): void {
    if (text.length > this.#outline.length) this.#outline = text;
  }

  whole(text: string): void {
    if (this.#wholes.length < WHOLES_LIMIT && !this.#wholes.includes(text)) this.#wholes.push(text);
  }

  /** As plain text. */
  text(): string {
    const whole = longest(this.#wholes);
    const pieces = this.#told();
    if (whole !== "") return fuller(whole, pieces);
    if (this.#outline === "") return pieces;
    if (mayBeSame(this.#outline, pieces)) return fuller(this.#outline, pieces);
    return this.#outline + pieces;
  }

  /** As the JSON text of a call's arguments. `cut`: only pieces came, and their end did not. */
  json(): { readonly text: string; readonly cut: boolean } {
    const all = this.#told();
    const pieces = toldOnce(all);
    const told = this.#wholes.map(toldOnce).filter((text) => !isBlankJson(text));
    const whole = longest(told.filter(isWholeJson));
    if (whole !== "") return { text: whole, cut: false };
    const candidates = [pieces, toldOnce(this.#outline), toldOnce(this.#outline + all)];
    const found = candidates.find((text) => !isBlankJson(text) && isWholeJson(text));
    if (found !== undefined) return { text: found, cut: false };
    const broken = longest(told);
    if (broken !== "") return { text: fuller(broken, all), cut: false };
    const rest = isBlankJson(pieces) ? this.#outline : pieces;
    return isBlankJson(rest) ? { text: "{}", cut: false } : { text: rest, cut: isCutJson(rest) };
  }

  /** All pieces. */
  #told(): string {
    return this.#pieces + this.#latest;
  }

  #join(piece: string): void {
    this.#latest += piece;
    if (this.#latest.length < JOINED_LENGTH) return;
    // Asking for a character makes one text of the pieces.
    this.#latest.charCodeAt(0);
    this.#pieces += this.#latest;
    this.#latest = "";
  }

  #isRepeat(piece: string, number: number): boolean {
    if (this.#numbersLie) return false;
    const mark = markOf(piece);
    const known = number > this.#lastNumber ? undefined : this.#marks.get(number);
    if (known === undefined) {
      if (number > this.#lastNumber) this.#lastNumber = number;
      this.#marks.set(number, mark);
      return false;
    }
    if (known === mark) {
      this.#passedOver += piece;
      return true;
    }
    this.#numbersLie = true;
    this.#join(this.#passedOver);
    this.#passedOver = "";
    this.#marks = new Marks();
    return false;
  }
}

/** Marks by the numbers of events: those in a row, as nearly all are, in a list, which costs a fraction of a map. */
class Marks {
  readonly #row: number[] = [];
  readonly #others = new Map<number, number>();
  #first: number | undefined;

  get(number: number): number | undefined {
    return this.#row[number - (this.#first ?? 0)] ?? this.#others.get(number);
  }

  set(number: number, mark: number): void {
    this.#first ??= number;
    if (number - this.#first === this.#row.length) this.#row.push(mark);
    else this.#others.set(number, mark);
  }
}

const WHOLES_LIMIT = 8;
const JOINED_LENGTH = 1024;
/** Longer texts are compared by their beginning alone, characters. */
const SEARCHED_LIMIT = 1024 * 1024;

/** A number that two different pieces hardly share. */
function markOf(piece: string): number {
  let mark = piece.length;
  for (let n = 0; n < piece.length; n += 1) mark = (Math.imul(mark, 31) + piece.charCodeAt(n)) & MARK_BITS;
  return mark;
}

/** What a small integer holds. */
const MARK_BITS = 0x3fffffff;

function longest(texts: readonly string[]): string {
  return texts.reduce((best, text) => (text.length > best.length ? text : best), "");
}

/** The whole, or its pieces where they go truly beyond it: not by telling it again. */
export function fuller(whole: string, pieces: string): string {
  const beyond = pieces.length > whole.length && pieces.startsWith(whole);
  return beyond && !isRepetition(pieces.slice(whole.length), whole) ? pieces : whole;
}

/** Whether two texts can be tellings of one: one holds the other, in order, with gaps or repetitions between. */
export function mayBeSame(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length > SEARCHED_LIMIT) return long.startsWith(short);
  let at = 0;
  for (let n = 0; n < long.length && at < short.length; n += 1) if (long[n] === short[at]) at += 1;
  return at === short.length;
}
