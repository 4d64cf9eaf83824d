import { closeSync } from "node:fs";
import type { RolloutLine, SessionMeta } from "../protocol/index.js";
import { LineSequence } from "./line-sequence.js";
import { type Damage, openSession, readBackward } from "./lineage.js";

/** All that a session file says, the oldest first, with what it was forked from. */
export interface WholeRecord {
  readonly meta: SessionMeta | undefined;
  readonly lines: readonly RolloutLine[];
  readonly damage: Damage;
  /** Lines that came in another order than they were written in. */
  readonly reordered: boolean;
}

/**
 * Reads the whole of a session, events for other readers as well, and mends what can be mended. Undefined for a record of
 * more than `limit` bytes. Throws system errors, and the signal's reason.
 */
export async function readRecord(
  path: string,
  { home, signal, limit }: { readonly home: string; readonly signal: AbortSignal; readonly limit: number },
): Promise<WholeRecord | undefined> {
  const session = openSession(path);
  const damage: Damage = { skipped: [], missingBlobs: 0, missingBase: undefined };
  const sequence = new LineSequence(damage);
  let bytes = 0;
  try {
    if (session.size > limit) return undefined;
    await readBackward(session, {
      home,
      signal,
      damage,
      wanted: "all",
      take: (read) => {
        bytes += read.end - read.start;
        // Lines of Codex 0.23 carry no time: two equal ones may well be two.
        if (read.line.timestamp === "" || !sequence.isDouble(read)) sequence.keep(read);
        return bytes <= limit;
      },
    });
  } finally {
    closeSync(session.fd);
  }
  if (bytes > limit) return undefined;
  damage.skipped.reverse();
  const { lines, reordered } = sequence.inOrder();
  return { meta: session.meta, lines: lines.map(({ line }) => line), damage, reordered };
}
