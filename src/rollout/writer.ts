import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Clock, makeFolder } from "../base/index.js";
import type { RolloutItem } from "../protocol/index.js";

const syncToDisk = promisify(fdatasync);

/**
 * Appends to one session file, one write a line; the file comes into being with the first line. What fails (a full disk,
 * a read-only home) is kept as `failure` and stops the recording, never the conversation.
 */
export class RolloutWriter {
  readonly path: string;
  readonly #clock: Clock;
  #fd: number | undefined;
  #failure: string | undefined;

  constructor(init: { readonly home: string; readonly id: string; readonly clock: Clock }) {
    this.#clock = init.clock;
    this.path = rolloutPath(init.home, init.id, new Date(init.clock.now()));
  }

  /** Why this conversation is not being recorded any more. */
  get failure(): string | undefined {
    return this.#failure;
  }

  append(items: readonly RolloutItem[]): void {
    if (this.#failure !== undefined) return;
    try {
      this.#fd ??= create(this.path);
      const timestamp = new Date(this.#clock.now()).toISOString();
      for (const item of items) writeWhole(this.#fd, `${JSON.stringify({ timestamp, ...item })}\n`);
    } catch (error) {
      // The disk's state is not the turn's: recording stops, and the conversation says so.
      this.#failure = (error as Error).message;
    }
  }

  /** Resolves when all that was appended is on disk. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined || this.#fd === undefined) return;
    try {
      await syncToDisk(this.#fd);
    } catch (error) {
      // As in `append`.
      this.#failure = (error as Error).message;
    }
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    this.#failure ??= "the conversation is closed";
  }
}

/** `sessions/YYYY/MM/DD/rollout-YYYY-MM-DDThh-mm-ss-<id>.jsonl` in the home folder, in UTC. */
export function rolloutPath(home: string, id: string, time: Date): string {
  const [day = "", clock = ""] = time.toISOString().slice(0, 19).split("T");
  return join(home, "sessions", ...day.split("-"), `rollout-${day}T${clock.replaceAll(":", "-")}-${id}.jsonl`);
}

function create(path: string): number {
  makeFolder(dirname(path));
  return openSync(path, "ax", 0o600);
}

function writeWhole(fd: number, line: string): void {
  const bytes = Buffer.from(line);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
