import * as fs from "node:fs";
import { promisify } from "node:util";
import { messageOf } from "../base/index.js";
import { flushFileSystem } from "./flush.js";

/** What a path is, links not followed. */
export interface FileStat {
  readonly kind: "file" | "folder" | "link" | "other";
  readonly device: string;
  /** Device and inode: the same for all names of one file. */
  readonly inode: string;
  /** Changes with the inode, the size and the time of the last write. */
  readonly version: string;
  /** Nanoseconds; changes with everything, a new hard link too. */
  readonly changed: bigint;
  readonly modifiedMs: number;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
}

/**
 * Every file operation of this room, so that tests can make any of them fail. They throw system errors (`code`).
 * Those that are over in microseconds on a local disk are synchronous: a patch of a thousand files makes many of them.
 */
export interface FileOps {
  /** Undefined when nothing is there. */
  lstat(path: string): FileStat | undefined;
  stat(fd: number): FileStat;
  realpath(path: string): string;
  readlink(path: string): string;
  list(path: string): string[];
  writable(path: string): boolean;
  openFolder(path: string): number;
  /** Opens a regular file for reading or overwriting; a link or a device is an error. */
  open(path: string, access: "read" | "write"): { readonly fd: number; readonly stat: FileStat };
  /** Makes a file that was not there. */
  create(path: string, mode: number): number;
  append(path: string): number;
  /** Up to `size` bytes from the current position on. */
  read(fd: number, size: number): Promise<Buffer>;
  /** Fills the buffer from the current position on, as far as there is something to read; how many bytes there were. */
  readInto(fd: number, room: Buffer): number;
  /** From the current position on. */
  write(fd: number, parts: readonly Buffer[]): Promise<void>;
  truncate(fd: number, size: number): void;
  chmod(fd: number, mode: number): void;
  chown(fd: number, uid: number, gid: number): void;
  sync(fd: number): Promise<void>;
  /**
   * Has the whole file system of an open file written out. True: whatever was written there since the file was opened is on
   * the disk. False: it may not be; `sync` tells. Never rejects.
   */
  flush(fd: number): Promise<boolean>;
  close(fd: number): void;
  link(from: string, to: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** The same, in the thread pool: freeing a file may wait for the disk, and several wait at a time. */
  remove(path: string): Promise<void>;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
}

/** Up to this many bytes are read and written on the spot; more goes through the thread pool. */
const ON_THE_SPOT = 1024 * 1024;

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY, W_OK } = fs.constants;
const fsync = promisify(fs.fsync);
const unlinkAsync = promisify(fs.unlink);
const readAsync = promisify(fs.read);
const writeAsync = promisify(fs.write);

/** The real file system. */
export const nodeFileOps: FileOps = {
  lstat(path) {
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : toFileStat(stat);
  },
  stat: (fd) => toFileStat(fs.fstatSync(fd, { bigint: true })),
  realpath: (path) => fs.realpathSync.native(path),
  readlink: (path) => fs.readlinkSync(path),
  list: (path) => fs.readdirSync(path),
  writable(path) {
    try {
      fs.accessSync(path, W_OK);
      return true;
    } catch {
      // The answer of `access` is its error.
      return false;
    }
  },
  openFolder: (path) => fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
  open(path, access) {
    const fd = fs.openSync(path, (access === "read" ? O_RDONLY : O_WRONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const stat = toFileStat(fs.fstatSync(fd, { bigint: true }));
    if (stat.kind === "file") return { fd, stat };
    fs.closeSync(fd);
    throw Object.assign(new Error(`not a regular file: ${path}`), { code: "EINVAL" });
  },
  create: (path, mode) => fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode),
  append: (path) => fs.openSync(path, O_WRONLY | fs.constants.O_APPEND | O_NOFOLLOW),
  async read(fd, size) {
    const bytes = bufferFor(size);
    if (size <= ON_THE_SPOT) return bytes.subarray(0, fill(fd, bytes));
    let at = 0;
    while (at < size) {
      const { bytesRead } = await readAsync(fd, bytes, at, size - at, null);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  },
  readInto: fill,
  async write(fd, parts) {
    for (const part of parts.length === 1 ? parts : gathered(parts)) {
      for (let at = 0; at < part.length; ) {
        const length = part.length - at;
        // What was gathered has to be written before the next is: never across a wait.
        at +=
          length <= ON_THE_SPOT
            ? fs.writeSync(fd, part, at, length)
            : (await writeAsync(fd, part, at, length, null)).bytesWritten;
      }
    }
  },
  truncate: (fd, size) => fs.ftruncateSync(fd, size),
  chmod: (fd, mode) => fs.fchmodSync(fd, mode),
  chown: (fd, uid, gid) => fs.fchownSync(fd, uid, gid),
  sync: (fd) => fsync(fd),
  flush: flushFileSystem,
  close: (fd) => fs.closeSync(fd),
  link: (from, to) => fs.linkSync(from, to),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  remove: (path) => unlinkAsync(path),
  mkdir: (path, mode) => fs.mkdirSync(path, { mode }),
  rmdir: (path) => fs.rmdirSync(path),
};

/** The system's name for an error (`ENOENT`), or undefined. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of its path is a file, not a folder",
  EISDIR: "is a folder",
  ELOOP: "symbolic links lead in a circle, or a link stands where a file stood",
  ENAMETOOLONG: "the name is too long",
  EBUSY: "the file is in use",
  EEXIST: "something is already there",
};

/** What went wrong, for a person: known system errors in words, others as they are. */
export function errorText(error: unknown): string {
  const code = errorCode(error);
  if (code !== undefined && WORDS[code] !== undefined) return WORDS[code];
  return messageOf(error);
}

function toFileStat(stat: fs.BigIntStats): FileStat {
  const kind = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
  const device = `${stat.dev}`;
  const inode = `${device}:${stat.ino}`;
  return {
    kind,
    device,
    inode,
    version: `${inode}:${stat.size}:${stat.mtimeNs}`,
    changed: stat.ctimeNs,
    modifiedMs: Number(stat.mtimeMs),
    size: Number(stat.size),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    links: Number(stat.nlink),
  };
}

function fill(fd: number, room: Buffer): number {
  let at = 0;
  while (at < room.length) {
    const count = fs.readSync(fd, room, at, room.length - at, null);
    if (count === 0) break;
    at += count;
  }
  return at;
}

/** Many small files are read into few large buffers: a buffer of its own for each costs more than reading it. */
const SLAB = 1024 * 1024;
let slab: Buffer | undefined;
let slabUsed = 0;

function bufferFor(size: number): Buffer {
  if (size > SLAB / 8) return Buffer.allocUnsafeSlow(size);
  if (slab === undefined || slabUsed + size > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB);
    slabUsed = 0;
  }
  const part = slab.subarray(slabUsed, slabUsed + size);
  slabUsed += size;
  return part;
}

/** One buffer in which small parts are put together, as each file is written on the spot. */
let desk: Buffer | undefined;

/**
 * The same bytes in fewer parts: small ones are joined up to the size written on the spot, large ones stay as they are.
 * A part is good until the next is asked for.
 */
function* gathered(parts: readonly Buffer[]): Generator<Buffer> {
  desk ??= Buffer.allocUnsafeSlow(ON_THE_SPOT);
  let used = 0;
  for (const part of parts) {
    if (used + part.length > ON_THE_SPOT) {
      if (used > 0) yield desk.subarray(0, used);
      used = 0;
    }
    if (part.length > ON_THE_SPOT) yield part;
    else {
      part.copy(desk, used);
      used += part.length;
    }
  }
  if (used > 0) yield desk.subarray(0, used);
}
