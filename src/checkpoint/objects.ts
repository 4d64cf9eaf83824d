import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, writeWhole } from "../base/index.js";
import type { Pace, Stamp } from "./types.js";

const { O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

/** Bytes read at a time. */
const CHUNK = 1024 * 1024;
const SHA = /^[0-9a-f]{64}$/;

/** What storing a file came to; `changed`: it was not, or did not stay, the file that was asked for. */
export type Stored =
  | { readonly ok: true; readonly sha: string; readonly size: number }
  | { readonly ok: false; readonly why: "changed" | "gone" | "unreadable" };

/**
 * Contents by their SHA-256, each once: `<folder>/<two digits>/<the rest>`, mode 0600. A content is checked against its
 * name when it is read, so that nothing torn or tampered with is ever put into a user's file.
 */
export class ObjectStore {
  readonly folder: string;
  readonly #known = new Set<string>();

  readonly #now: () => number;

  constructor(folder: string, now: () => number) {
    this.folder = folder;
    this.#now = now;
  }

  /** Whether the content is there; says nothing of its health. */
  has(sha: string): boolean {
    if (this.#known.has(sha)) return true;
    if (!SHA.test(sha) || !fs.existsSync(this.#pathOf(sha))) return false;
    this.#known.add(sha);
    return true;
  }

  /** Keeps bytes; returns their name. Throws system errors. */
  put(bytes: Uint8Array): string {
    const sha = createHash("sha256").update(bytes).digest("hex");
    if (this.#known.has(sha)) return sha;
    if (this.has(sha)) this.#renew(sha);
    if (!this.#known.has(sha)) {
      const temporary = this.#temporary();
      const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600);
      try {
        writeWhole(fd, bytes);
      } finally {
        fs.closeSync(fd);
      }
      this.#adopt(temporary, sha);
    }
    return sha;
  }

  /**
   * Keeps the content of a regular file, which must be the one with that stamp from the first byte to the last. Throws
   * system errors of the store itself (a full disk); what is wrong with the file is a value.
   */
  async putFile(path: string, stamp: Stamp & { readonly size: number }, pace: Pace): Promise<Stored> {
    const opened = openFile(path);
    if (typeof opened === "string") return { ok: false, why: opened };
    try {
      if (!fits(opened, stamp)) return { ok: false, why: "changed" };
      const kept = stamp.size <= CHUNK ? this.#putSmall(opened, stamp.size) : await this.#putLarge(opened, pace);
      if (kept === undefined || !fits(opened, stamp)) return { ok: false, why: "changed" };
      return { ok: true, sha: kept, size: stamp.size };
    } finally {
      fs.closeSync(opened);
    }
  }

  /** The content, checked. Undefined: it is not there, or not what it was. */
  read(sha: string): Buffer | undefined {
    if (!SHA.test(sha)) return undefined;
    try {
      const bytes = fs.readFileSync(this.#pathOf(sha));
      return createHash("sha256").update(bytes).digest("hex") === sha ? bytes : undefined;
    } catch {
      // Removed, or unreadable: the caller says which file can't be brought back.
      return undefined;
    }
  }

  /** The name that the content of a regular file would have; undefined when it can't be read. */
  nameOf(path: string): string | undefined {
    const fd = openFile(path);
    if (typeof fd === "string") return undefined;
    try {
      if (!fs.fstatSync(fd).isFile()) return undefined;
      const hash = createHash("sha256");
      const bytes = Buffer.allocUnsafe(CHUNK);
      for (let count = fs.readSync(fd, bytes); count > 0; count = fs.readSync(fd, bytes)) {
        hash.update(bytes.subarray(0, count));
      }
      return hash.digest("hex");
    } finally {
      fs.closeSync(fd);
    }
  }

  #putSmall(fd: number, size: number): string | undefined {
    const bytes = Buffer.allocUnsafe(size);
    let at = 0;
    while (at < size) {
      const count = fs.readSync(fd, bytes, at, size - at, at);
      if (count === 0) return undefined;
      at += count;
    }
    return this.put(bytes);
  }

  async #putLarge(fd: number, pace: Pace): Promise<string> {
    const temporary = this.#temporary();
    const to = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    const hash = createHash("sha256");
    try {
      const bytes = Buffer.allocUnsafe(CHUNK);
      for (let count = fs.readSync(fd, bytes, 0, CHUNK, 0), at = 0; count > 0; ) {
        const part = bytes.subarray(0, count);
        hash.update(part);
        writeWhole(to, part);
        at += count;
        if (pace.due()) await pace.rest();
        count = fs.readSync(fd, bytes, 0, CHUNK, at);
      }
    } catch (error) {
      // Cut, or a full disk: what was written so far is of no use.
      fs.rmSync(temporary, { force: true });
      throw error;
    } finally {
      fs.closeSync(to);
    }
    const sha = hash.digest("hex");
    this.#adopt(temporary, sha);
    return sha;
  }

  #adopt(temporary: string, sha: string): void {
    makeFolder(dirname(this.#pathOf(sha)));
    fs.renameSync(temporary, this.#pathOf(sha));
    this.#known.add(sha);
  }

  /** What is used again is young again, so that a sweep by another process leaves it. */
  #renew(sha: string): void {
    try {
      const seconds = this.#now() / 1000;
      fs.utimesSync(this.#pathOf(sha), seconds, seconds);
    } catch {
      // Swept in this very moment: forgotten here, so that the next use writes it anew.
      this.#known.delete(sha);
    }
  }

  #temporary(): string {
    makeFolder(this.folder);
    return join(this.folder, `new-${randomBytes(8).toString("hex")}`);
  }

  #pathOf(sha: string): string {
    return join(this.folder, sha.slice(0, 2), sha.slice(2));
  }
}

function openFile(path: string): number | "gone" | "unreadable" {
  try {
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    // What keeps it from being read is the answer.
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : "unreadable";
  }
}

function fits(fd: number, stamp: Stamp & { readonly size: number }): boolean {
  const stat = fs.fstatSync(fd);
  if (!stat.isFile() || stat.size !== stamp.size) return false;
  return stat.ino === stamp.ino && stat.mtimeMs === stamp.mtime && stat.ctimeMs === stamp.ctime;
}
