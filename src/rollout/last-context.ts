import { closeSync } from "node:fs";
import type { TurnContext } from "../protocol/index.js";
import type { ReadLine } from "./decode.js";
import { type Damage, openSession, readBackward } from "./lineage.js";

/** Lines from the end that are looked at: the last turn may have been a long one. */
const LINES = 20_000;

/** What the last turn of a session ran with. Throws system errors, and the signal's reason. */
export async function readLastContext(
  path: string,
  { home, signal }: { readonly home: string; readonly signal: AbortSignal },
): Promise<TurnContext | undefined> {
  const session = openSession(path);
  const damage: Damage = { skipped: [], missingBlobs: 0, missingBase: undefined };
  let context: TurnContext | undefined;
  let count = 0;
  try {
    const take = ({ line: { item } }: ReadLine) => {
      if (item.type === "turn_context") context = item.payload;
      count += 1;
      return context === undefined && count < LINES;
    };
    await readBackward(session, { home, signal, damage, take });
  } finally {
    closeSync(session.fd);
  }
  return context;
}
