import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync } from "node:fs";

/** `missing`: there is nothing of that name. `refused`: there is, but it can't be read; `why` completes "PATH: ". */
export type FileRead =
  | { readonly type: "read"; readonly bytes: Buffer; readonly more: boolean }
  | { readonly type: "missing" }
  | { readonly type: "refused"; readonly why: string };

const CHUNK = 64 * 1024;

/**
 * Reads at most `limit` bytes of a regular file, through symbolic links; `more` says that it goes on after them.
 * Never waits: a FIFO, a device, a socket or a folder is refused before it is opened.
 */
export function readRegularFile(path: string, limit: number): FileRead {
  let fd: number | undefined;
  try {
    const before = statSync(path, { throwIfNoEntry: false });
    if (before === undefined) return isLink(path) ? { type: "refused", why: "links to nothing" } : { type: "missing" };
    if (!before.isFile())
      return { type: "refused", why: before.isDirectory() ? "is a folder" : "is not a regular file" };
    // O_NONBLOCK: should a FIFO have taken the file's place since, opening it still does not wait. Windows has none.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!fstatSync(fd).isFile()) return { type: "refused", why: "is not a regular file" };
    const bytes = readUpTo(fd, limit + 1);
    return { type: "read", bytes: bytes.subarray(0, limit), more: bytes.length > limit };
  } catch (error) {
    // The system refused (permission, a loop of links, a file where a folder should be): an outcome like the others.
    return { type: "refused", why: reasonOf(error) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** A system error for people; its code, where it is none of the usual. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ELOOP") return "is a loop of symbolic links";
  if (code === "ENOTDIR") return "a part of its path is not a folder";
  if (code === "ENOENT") return "does not exist";
  if (code === "ENAMETOOLONG") return "its path is too long";
  return `cannot be read (${code ?? String(error)})`;
}

/** The size that the system tells is not asked: files of /proc have none. */
function readUpTo(fd: number, limit: number): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < limit) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, limit - total));
    const count = readSync(fd, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return Buffer.concat(chunks);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
