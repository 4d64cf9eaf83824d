import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Memory on Linux, and of each confined command its own, whatever else it may write: none can reach what lies in ours. */
const PRIVATE = "/dev/shm";
/** Where that is full, read-only or not there, besides the temporary folder (TMPDIR). */
const OTHERS = ["/tmp", "/var/tmp"];

/**
 * Folders (0700), one after the other until the caller has what it wanted of one; each is removed with all in it
 * when the loop leaves it. Where none can be made, there is no round. `private`: only where no confined command could put
 * something else in the place of what lies there for a moment; `any`: there first.
 */
export function* temporaryFolders(prefix: string, where: "private" | "any"): Generator<string, void, undefined> {
  for (const parent of new Set([PRIVATE, ...(where === "any" ? [tmpdir(), ...OTHERS] : [])])) {
    const folder = makeIn(parent, prefix);
    if (folder === undefined) continue;
    try {
      yield folder;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function makeIn(parent: string, prefix: string): string | undefined {
  try {
    return mkdtempSync(join(parent, prefix));
  } catch {
    // Full, read-only, not there: the next one may do.
    return undefined;
  }
}
