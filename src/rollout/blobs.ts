import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { makeFolder, writeWhole } from "../base/index.js";
import type { BlobRef } from "../protocol/index.js";

/** The largest blob that is read back, bytes. */
const READ_LIMIT = 64 * 1024 * 1024;

const NAME = /^[0-9a-f]{64}$/;

/** One blob as it lies on disk. */
export interface StoredBlob {
  readonly sha256: string;
  readonly path: string;
  readonly bytes: number;
  /** Unix ms. */
  readonly changedAt: number;
}

/** Texts of all sessions by their SHA-256, each stored once, in `session_blobs/` of the home folder. */
export class BlobStore {
  readonly #folder: string;

  constructor(home: string) {
    this.#folder = join(home, "session_blobs");
  }

  /** Stores a text unless it is there (`again`); on disk when this returns. Throws system errors. */
  put(text: string): Omit<BlobRef, "at"> & { readonly again: boolean } {
    const bytes = Buffer.from(text);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const path = this.pathOf(sha256);
    const again = sizeOf(path) === bytes.length;
    if (!again) this.#write(path, bytes);
    return { sha256, bytes: bytes.length, again };
  }

  /** The text, when it is there and is what its name says. */
  get({ sha256, bytes }: Omit<BlobRef, "at">): string | undefined {
    const path = this.pathOf(sha256);
    if (bytes > READ_LIMIT || sizeOf(path) !== bytes) return undefined;
    try {
      const found = readFileSync(path);
      return createHash("sha256").update(found).digest("hex") === sha256 ? found.toString("utf8") : undefined;
    } catch {
      // Gone or not readable: the line then stands with what it says itself.
      return undefined;
    }
  }

  pathOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  all(): StoredBlob[] {
    return namesIn(this.#folder).flatMap((part) =>
      namesIn(join(this.#folder, part)).flatMap((sha256) => {
        const path = join(this.#folder, part, sha256);
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat === undefined || !NAME.test(sha256)
          ? []
          : [{ sha256, path, bytes: stat.size, changedAt: stat.mtimeMs }];
      }),
    );
  }

  /** A name of its own first, then the right one: nobody ever sees half a blob under a blob's name. */
  #write(path: string, bytes: Buffer): void {
    makeFolder(join(path, ".."));
    const own = `${path}.${process.pid}`;
    const fd = openSync(own, "w", 0o600);
    try {
      writeWhole(fd, bytes);
      fdatasyncSync(fd);
    } catch (error) {
      unlinkSync(own);
      throw error;
    } finally {
      closeSync(fd);
    }
    renameSync(own, path);
  }
}

function sizeOf(path: string): number | undefined {
  return existsSync(path) ? statSync(path, { throwIfNoEntry: false })?.size : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No such folder: there is nothing in it.
    return [];
  }
}
