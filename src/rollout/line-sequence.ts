import type { ReadLine } from "./decode.js";
import type { Damage } from "./lineage.js";

/** Lines of a session as they come backwards, put in order: one that is there twice counts once. */
export class LineSequence {
  readonly #lines: ReadLine[] = [];
  readonly #damage: Damage;
  /** Lines without ordinals. */
  readonly #seen = new Set<string>();
  #lowest: number | undefined;

  /** `damage` is told of doubles. */
  constructor(damage: Damage) {
    this.#damage = damage;
  }

  keep(read: ReadLine): void {
    this.#lines.push(read);
  }

  /** Oldest first; by their ordinals, should a power cut have mixed them up. To be called once. */
  inOrder(): { readonly lines: readonly ReadLine[]; readonly reordered: boolean } {
    const lines = this.#lines.reverse();
    const ordinals = lines.map(({ line }) => line.ordinal);
    const mixed = ordinals.some((ordinal, at) => at > 0 && (ordinal ?? 0) < (ordinals[at - 1] ?? 0));
    if (!mixed || ordinals.includes(undefined)) return { lines, reordered: false };
    return { lines: lines.toSorted((a, b) => a.line.ordinal! - b.line.ordinal!), reordered: true };
  }

  /** Lines come backwards, so an ordinal below all others is new; one that is not may be. */
  isDouble({ line, start, end }: ReadLine): boolean {
    const { ordinal, timestamp, item } = line;
    if (ordinal !== undefined && (this.#lowest === undefined || ordinal < this.#lowest)) {
      this.#lowest = ordinal;
      return false;
    }
    const text = `${timestamp} ${JSON.stringify(item.payload)}`;
    const double =
      ordinal === undefined
        ? this.#seen.has(text)
        : this.#lines.some((other) => other.line.ordinal === ordinal && isSame(other.line.item.payload, item.payload));
    if (double) this.#damage.skipped.push({ at: start, bytes: end - start, why: "duplicated" });
    else if (ordinal === undefined) this.#seen.add(text);
    return double;
  }
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
