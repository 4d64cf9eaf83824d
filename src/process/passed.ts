import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "./temporary.js";

/** Contents that have a file without a name, with the descriptor that keeps it; a program passes on only a few. */
const kept = new Map<string, number>();
const MOST_KEPT = 16;

/** The code of the error where a temporary folder can't be had anywhere. */
export const NO_FOLDER = "NO_TEMPORARY_FOLDER";

/**
 * Opens contents as descriptors to read from, each at its start, one set per program started; the caller closes them.
 * The contents lie in temporary files that are unlinked at once. Throws when there is no place for them.
 */
export function openPassed(contents: readonly Uint8Array[]): number[] {
  const opened: number[] = [];
  try {
    // Opened anew through /proc: two readers of one descriptor would share their place in it.
    for (const one of contents) opened.push(openSync(`/proc/self/fd/${keep(one)}`, "r"));
    return opened;
  } catch (error) {
    // Rethrown: the descriptors must not stay open.
    closePassed(opened);
    throw error;
  }
}

export function closePassed(descriptors: readonly number[]): void {
  for (const one of descriptors) closeSync(one);
}

function keep(content: Uint8Array): number {
  const key = Buffer.from(content).toString("base64");
  const found = kept.get(key);
  if (found !== undefined) return found;
  const [oldest] = kept;
  if (kept.size >= MOST_KEPT && oldest !== undefined) {
    closeSync(oldest[1]);
    kept.delete(oldest[0]);
  }
  const descriptor = storedIn(content);
  kept.set(key, descriptor);
  return descriptor;
}

function storedIn(content: Uint8Array): number {
  let failure: unknown;
  for (const folder of temporaryFolders("belay-passed-", "any")) {
    try {
      const path = join(folder, "content");
      writeFileSync(path, content, { mode: 0o600 });
      return openSync(path, "r");
    } catch (error) {
      // Full: the next folder may be on another disk.
      failure = error;
    }
  }
  throw failure ?? Object.assign(new Error("no temporary folder can be written"), { code: NO_FOLDER });
}
