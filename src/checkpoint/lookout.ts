import type { Clock } from "../base/index.js";
import { LiveFile } from "./live.js";
import { TooMuch } from "./scan.js";
import { type LookOptions, type Surroundings, Territory } from "./territory.js";
import type { Difference } from "./tree.js";

/** A look that ended so long ago is as good as a new one, which takes longer than that where it matters, ms. */
const FRESH_MS = 20;

/** Folders that were looked at; `key`: as they were asked for. */
interface Known {
  readonly key: string;
  readonly of: Territory;
  readonly live: LiveFile;
}

/** The folders that the commands of a conversation may write in, one set at a time, and what is known of them. */
export class Lookout {
  readonly #folder: string;
  readonly #around: Surroundings;
  readonly #clock: Clock;
  #known: Known | undefined;
  /** Folders with too much in them, and why. */
  readonly #hopeless = new Map<string, TooMuch>();
  /** When the last look that nobody need repeat ended, monotonic ms. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #liveFiles = 0;

  /** `folder`: of the conversation. */
  constructor(folder: string, around: Surroundings) {
    this.#folder = folder;
    this.#around = around;
    this.#clock = around.clock;
  }

  knows(roots: readonly string[]): boolean {
    return this.#known?.key === JSON.stringify(roots);
  }

  /** The folders as they are now: what the look after the call before has just found, or a new look. Throws as `look`. */
  async current(roots: readonly string[], signal: AbortSignal): Promise<Known> {
    const age = this.#clock.monotonic() - this.#lookedAt;
    return this.#known !== undefined && this.knows(roots) && age < FRESH_MS
      ? this.#known
      : this.look(roots, { signal });
  }

  /** Looks at the folders anew. Throws `TooMuch`, the signal's reason, and system errors. */
  async look(roots: readonly string[], options: LookOptions): Promise<Known> {
    const key = JSON.stringify(roots);
    const hopeless = this.#hopeless.get(key);
    if (hopeless !== undefined) throw hopeless;
    if (this.#known !== undefined && this.#known.key !== key) this.leave();
    const known = this.#known;
    this.#known = undefined;
    let of = known?.of;
    try {
      of ??= Territory.open(roots, this.#around);
      await of.look(options);
    } catch (error) {
      // Half looked at, it would tell lies: the next time begins anew.
      known?.live.discard();
      if (error instanceof TooMuch) this.#hopeless.set(key, error);
      throw error;
    }
    if (options.ahead !== true) this.#lookedAt = this.#clock.monotonic();
    this.#known = { key, of, live: known?.live ?? this.#newLive() };
    return this.#known;
  }

  /** What is different in folders since the last look at them. Throws as `look`. */
  async differences(territory: Territory, options: LookOptions): Promise<Difference[]> {
    try {
      const differences = await territory.look(options);
      this.#lookedAt = this.#clock.monotonic();
      return differences;
    } catch (error) {
      // As in `look`.
      if (this.#known?.of === territory) this.#known = undefined;
      throw error;
    }
  }

  /** Has done with the folders; what is known of them is left to the next process where it was dear. Throws system errors. */
  leave(): void {
    const known = this.#known;
    this.#known = undefined;
    if (known === undefined) return;
    try {
      known.of.keep(known.live);
    } finally {
      known.live.discard();
    }
  }

  #newLive(): LiveFile {
    this.#liveFiles += 1;
    return new LiveFile(this.#folder, `live-${this.#clock.now()}-${this.#liveFiles}.jsonl`);
  }
}
