import { edited } from "./edit.js";
import { errorText } from "./file-ops.js";
import { quote } from "./patch.js";
import type { PlannedStep } from "./planned.js";
import { pathOf, type Site } from "./steps.js";
import { isFresh, MAX_LATE } from "./tree.js";

/** Reads files whose hunks were left to be placed when they are staged. What it reads takes no new memory from one time to the next. */
export class LateReader {
  readonly #site: Site;
  /** For what one file holds, and for what several will hold; made when they are needed. */
  #rooms: { readonly old: Buffer; readonly now: Buffer } | undefined;
  /** Bytes of `now` that are taken. */
  #taken = 0;

  constructor(site: Site) {
    this.#site = site;
  }

  /**
   * The steps with what their files will hold, good until the next call; undefined when one has to be planned in full. Throws
   * system errors.
   */
  read(steps: readonly PlannedStep[]): readonly PlannedStep[] | undefined {
    this.#taken = 0;
    const ready: PlannedStep[] = [];
    for (const planned of steps) {
      const step = planned.late === undefined ? planned : this.#readOne(planned);
      if (step === undefined) return undefined;
      ready.push(step);
    }
    return ready;
  }

  #readOne(step: PlannedStep): PlannedStep | undefined {
    const { ops } = this.#site;
    try {
      const { fd, stat } = ops.open(pathOf(this.#site, step, "file"), "read");
      try {
        if (stat.version !== step.was || stat.changed !== step.changed || isFresh(stat)) return undefined;
        this.#rooms ??= { old: Buffer.allocUnsafeSlow(MAX_LATE), now: Buffer.allocUnsafeSlow(MAX_LATE) };
        const { old: room, now } = this.#rooms;
        const old = room.subarray(0, ops.readInto(fd, room.subarray(0, stat.size)));
        const edits = step.late!(old);
        // A file that stays as it is is not written.
        if (edits === undefined || edits.length === 0) return undefined;
        const bytes = edited(old, edits, now.subarray(this.#taken));
        if (bytes.buffer === now.buffer) this.#taken += bytes.length;
        // The next file is read over this one.
        return { ...step, pieces: [{ bytes }], ...(step.kind === "inplace" ? { old: Buffer.from(old) } : {}) };
      } finally {
        ops.close(fd);
      }
    } catch (error) {
      throw named(step, error);
    }
  }
}

/** An error with the file it was met at. */
export function named({ real }: PlannedStep, error: unknown): Error {
  return new Error(`${quote(real)}: ${errorText(error)}`, { cause: error });
}
