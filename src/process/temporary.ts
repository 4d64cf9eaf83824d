import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the temporary folder (TMPDIR) is full, read-only or not there. The first is memory on Linux. */
const OTHERS = ["/dev/shm", "/tmp", "/var/tmp"];

/**
 * Private folders (0700), one after the other until the caller has what it wanted of one; each is removed with all in it
 * when the loop leaves it. Where none can be made, there is no round.
 */
export function* temporaryFolders(prefix: string): Generator<string, void, undefined> {
  for (const parent of new Set([tmpdir(), ...OTHERS])) {
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
