import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../base/index.js";
import type { Pace } from "./types.js";

/** The longest that work on files keeps the event loop, ms. */
const SLICE_MS = 4;

/** Work in slices, so that a stop, a stream or a screen need not wait for it. `rest` throws the signal's reason once it is aborted. */
export function paced(clock: Clock, signal: AbortSignal | undefined): Pace {
  let since = clock.monotonic();
  return {
    due: () => clock.monotonic() - since > SLICE_MS,
    rest: async () => {
      await nextTurn();
      signal?.throwIfAborted();
      since = clock.monotonic();
    },
  };
}
