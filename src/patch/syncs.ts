import type { FileOps } from "./file-ops.js";

/** Fewer files are synced faster one by one. */
const WORTH_FLUSHING = 32;
/** Files synced at a time. */
const BATCH = 32;

/** The files written on one device. */
interface Device {
  readonly held: number[];
  /** Paths of those that were closed. */
  readonly closed: (() => string)[];
}

/**
 * Files on their way to the disk. Few are synced each. Of many, one of each device stays open, on which the whole file system
 * is written out at once: to sync a file takes a disk as long as to sync them all, and to hold more than a few hundred open
 * takes Linux as long as to write them. Where that can't be had, each is opened again and synced.
 */
export class Syncs {
  readonly #ops: FileOps;
  readonly #expected: number;
  readonly #devices = new Map<string, Device>();

  constructor(ops: FileOps, expected: number) {
    this.#ops = ops;
    this.#expected = expected;
  }

  get #many(): boolean {
    return this.#expected >= WORTH_FLUSHING;
  }

  /** Takes the descriptor of a written file over; `device` names its device, `path` is asked for it when it is opened again. */
  add(fd: number, device: string, path: () => string): void {
    const known = this.#devices.get(device);
    if (known === undefined) this.#devices.set(device, { held: [fd], closed: [] });
    else if (!this.#many) known.held.push(fd);
    else {
      known.closed.push(path);
      this.#ops.close(fd);
    }
  }

  /** Resolves when all files are on the disk; rejects with the first system error, and then no sync is under way. */
  async done(): Promise<void> {
    for (const { held, closed } of this.#devices.values()) {
      if (this.#many && (await this.#ops.flush(held[0]!))) continue;
      await all(held.map((fd) => this.#ops.sync(fd)));
      for (let at = 0; at < closed.length; at += BATCH)
        await all(closed.slice(at, at + BATCH).map((path) => this.#syncAgain(path())));
    }
  }

  close(): void {
    const held = [...this.#devices.values()].flatMap((device) => device.held);
    this.#devices.clear();
    for (const fd of held) this.#ops.close(fd);
  }

  async #syncAgain(path: string): Promise<void> {
    const { fd } = this.#ops.open(path, "read");
    try {
      await this.#ops.sync(fd);
    } finally {
      this.#ops.close(fd);
    }
  }
}

/** Waits for all of them, also when one fails. */
async function all(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === "rejected") throw result.reason;
}
