import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "./folders.js";

/**
 * Adds a line to a file that several processes append to (made with mode 0600, its folder too), in one write; after a line
 * that was cut, on one of its own. Half a line that a full disk left is taken back. With `sync` it lasts through a power cut.
 * Throws system errors.
 */
export function appendLine(path: string, line: string, { sync = false }: { readonly sync?: boolean } = {}): void {
  makeFolder(dirname(path));
  const fd = openSync(path, "a+", 0o600);
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.from(`${endsWhole({ fd, size }) ? "" : "\n"}${line}\n`);
    const written = writeSync(fd, bytes);
    if (written < bytes.length) writeRest(fd, { bytes, written, size });
    if (sync) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The system says why it took a part only when the rest is tried. */
function writeRest(
  fd: number,
  { bytes, written, size }: { readonly bytes: Buffer; readonly written: number; readonly size: number },
): void {
  let at = written;
  try {
    while (at < bytes.length) at += writeSync(fd, bytes, at);
  } catch (error) {
    // Only our own: where another process has added something by now, readers pass over the torn line.
    if (fstatSync(fd).size === size + at) ftruncateSync(fd, size);
    throw error;
  }
}

/** Whether a file ends with a line feed; true for an empty one. */
export function endsWhole({ fd, size }: { readonly fd: number; readonly size: number }): boolean {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}

/** Writes all of it where the file stands: a disk that is nearly full takes a part, and the next write then says why. */
export function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
