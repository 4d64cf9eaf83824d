import { argvOf, hasMark, type Mark } from "./marks.js";
import { descendants, idsFrom, sessionOf, startTime } from "./session-members.js";
import type { Kept } from "./types.js";

/**
 * What left the session of a command that has no namespace, as far as it can be found: by the mark in its environment, and
 * by its parents at the moment of `remember`, also when those have ended since. What cleared its environment and was
 * orphaned before nobody finds.
 */
export class Strays {
  readonly #leader: number;
  readonly #mark: Mark | undefined;
  readonly #known = new Map<number, string>();

  /** `leader`: held by whoever asks to `remember`. Without a mark nothing is found. */
  constructor(leader: number, mark: Mark | undefined) {
    this.#leader = leader;
    this.#mark = mark;
  }

  remember(): void {
    if (this.#mark === undefined) return;
    for (const pid of descendants(this.#leader)) {
      const time = startTime(pid);
      if (time !== undefined) this.#known.set(pid, time);
    }
  }

  /** Those that live now. `everywhere`: as of `sessionMembers`. Costs a look at every process since the command's start. */
  living(options: { readonly everywhere: boolean }): Kept[] {
    const mark = this.#mark;
    if (mark === undefined) return [];
    const pids = (idsFrom(this.#leader, options) ?? []).filter(
      (pid) => hasMark(pid, mark) || (this.#known.has(pid) && this.#known.get(pid) === startTime(pid)),
    );
    return pids.filter((pid) => sessionOf(pid) !== this.#leader).map((pid) => ({ pid, argv: argvOf(pid) }));
  }
}
