import {
  closeSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { type Clock, makeFolder } from "../base/index.js";
import { isCall, isCallOutput, type ResponseItem } from "../protocol/index.js";
import { BlobStore } from "./blobs.js";
import { encodeLine, type RolloutRecord } from "./encode.js";
import { rolloutPath } from "./paths.js";
import type { WriteStart } from "./restore.js";

/** What is kept for another try when the disk takes nothing, characters. Past this the record has a gap. */
const KEPT_LIMIT = 16 * 1024 * 1024;

/** What a writer asks of the system; tests put failing ones in. Like their namesakes of node:fs. */
export interface FileSystem {
  open(path: string, flags: string, mode: number): number;
  write(fd: number, bytes: Uint8Array, offset: number): number;
  size(fd: number): number;
  truncate(fd: number, size: number): void;
  sync(fd: number): Promise<void>;
  close(fd: number): void;
}

const NODE_FILES: FileSystem = {
  open: openSync,
  write: (fd, bytes, offset) => writeSync(fd, bytes, offset),
  size: (fd) => fstatSync(fd).size,
  truncate: ftruncateSync,
  sync: promisify(fdatasync),
  close: closeSync,
};

interface Init {
  readonly home: string;
  readonly clock: Clock;
  readonly files?: FileSystem;
}

/**
 * Appends to one session file, one write a line; a new file comes into being with its first line. What the disk does not take
 * (full, read-only, gone) is kept and tried again with each later line, so that a record has no gap when space is made; the
 * conversation goes on meanwhile, and `failure` says why.
 */
export class RolloutWriter {
  readonly path: string;
  readonly #clock: Clock;
  readonly #files: FileSystem;
  readonly #blobs: BlobStore;
  readonly #isNew: boolean;
  #fd: number | undefined;
  #ordinal: number | undefined;
  /** Bytes of the file up to the last whole line. */
  #size: number;
  #torn: boolean;
  #waiting: string[] = [];
  #waitingLength = 0;
  #failure: string | undefined;
  #closed = false;
  #gone = false;
  readonly #open = new Set<string>();

  private constructor({ home, clock, files = NODE_FILES }: Init, start: WriteStart, isNew: boolean) {
    this.path = start.path;
    this.#clock = clock;
    this.#files = files;
    this.#blobs = new BlobStore(home);
    this.#ordinal = start.nextOrdinal;
    this.#size = start.size;
    this.#torn = start.torn;
    this.#isNew = isNew;
  }

  /** For a new session; `firstOrdinal` is above 0 for a fork. */
  static create(init: Init & { readonly id: string; readonly firstOrdinal?: number }): RolloutWriter {
    const path = rolloutPath(init.home, init.id, new Date(init.clock.now()));
    return new RolloutWriter(init, { path, nextOrdinal: init.firstOrdinal ?? 0, torn: false, size: 0 }, true);
  }

  /** Goes on with a file; one that ends in the middle of a line gets a line feed first. */
  static continue(init: Init & { readonly start: WriteStart }): RolloutWriter {
    return new RolloutWriter(init, init.start, false);
  }

  /** Why lines are not on disk at this moment. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The file was removed: nothing that is written reaches anybody, and nothing is taken any more. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** Of the next line. */
  get nextOrdinal(): number | undefined {
    return this.#ordinal;
  }

  /** Throws, and does not take the record, on an output without its call or a second call of one id: such a record would be a bug. */
  append(records: readonly RolloutRecord[]): void {
    if (this.#closed || this.#gone) return;
    for (const record of records) {
      if (record.type === "response_item") this.#pair(record.payload);
      else if (record.type === "compacted") this.#open.clear();
      this.#enqueue(
        encodeLine(record, {
          timestamp: new Date(this.#clock.now()).toISOString(),
          ordinal: this.#ordinal,
          store: (text) => this.#blobs.put(text),
        }),
      );
      if (this.#ordinal !== undefined) this.#ordinal += 1;
      this.#drain();
    }
  }

  /** Resolves when all that was appended is on disk, or can't be brought there now. */
  async flush(): Promise<void> {
    if (this.#closed || this.#gone) return;
    this.#drain();
    if (this.#fd === undefined || this.#failure !== undefined) return;
    try {
      await this.#files.sync(this.#fd);
      if (statSync(this.path, { throwIfNoEntry: false }) !== undefined) return;
      this.#gone = true;
      this.#failure = `${this.path} is gone`;
    } catch (error) {
      // The disk's state is not the turn's: whoever asks is told by `failure`.
      this.#failure = (error as Error).message;
    }
  }

  /** A new file that not one line could be written to goes again. */
  close(): void {
    if (this.#closed) return;
    this.#drain();
    this.#closed = true;
    if (this.#fd === undefined) return;
    this.#files.close(this.#fd);
    this.#fd = undefined;
    if (this.#isNew && this.#size === 0) removeIfThere(this.path);
  }

  #pair(item: ResponseItem): void {
    if (isCall(item)) {
      if (this.#open.has(item.call_id)) throw new Error(`call ${item.call_id} is on record and has no output yet`);
      this.#open.add(item.call_id);
    } else if (isCallOutput(item) && !this.#open.delete(item.call_id)) {
      throw new Error(`output for ${item.call_id}, which is no call on record`);
    }
  }

  /** The calls that the record leaves open; their outputs come next. */
  expect(callIds: readonly string[]): void {
    for (const id of callIds) this.#open.add(id);
  }

  #enqueue(line: string): void {
    if (this.#waitingLength + line.length > KEPT_LIMIT) return;
    this.#waiting.push(line);
    this.#waitingLength += line.length;
  }

  #drain(): void {
    try {
      for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
        this.#write(line);
        this.#waiting.shift();
        this.#waitingLength -= line.length;
        this.#failure = undefined;
      }
    } catch (error) {
      // As in `flush`. The line stays where it is, for the next try.
      this.#failure = (error as Error).message;
    }
  }

  #write(line: string): void {
    this.#fd ??= this.#begin();
    const wasTorn = this.#torn;
    const bytes = Buffer.from(wasTorn ? `\n${line}` : line);
    try {
      for (let at = 0; at < bytes.length; ) at += this.#files.write(this.#fd, bytes, at);
      this.#size += bytes.length;
      this.#torn = false;
    } catch (error) {
      this.#torn = !this.#takeBack(this.#fd, bytes.length) || wasTorn;
      throw error;
    }
  }

  /** Half a line would stand in the way of the next one. True when none is left. */
  #takeBack(fd: number, length: number): boolean {
    try {
      const written = this.#files.size(fd) - this.#size;
      // More than that would be somebody else's.
      if (written >= length || written < 0) return false;
      this.#files.truncate(fd, this.#size);
      return true;
    } catch {
      // Then the next line starts on one of its own.
      return false;
    }
  }

  #begin(): number {
    if (!this.#isNew) return this.#files.open(this.path, "a", 0o600);
    const folder = dirname(this.path);
    makeFolder(folder);
    const fd = this.#files.open(this.path, "ax", 0o600);
    syncFolder(folder);
    return fd;
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone with its folder; or it stays, and lists pass it over.
  }
}

/** The name of a new file is on disk only when its folder is. */
function syncFolder(path: string): void {
  try {
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Some file systems can't sync a folder: then the name is as safe as they make it.
  }
}
