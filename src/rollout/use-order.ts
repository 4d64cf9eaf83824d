import { closeSync, openSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../base/index.js";

/**
 * Puts a session behind all others in the order of use, which is that of the files' times, also where the clock was turned
 * back since another was used: its time is then that of the other, and a bit. A clock that is wrong by more than a day is
 * not made up for, lest one mistake hold for ever. `now` in Unix ms.
 */
export function noteUse(path: string, { home, now }: { readonly home: string; readonly now: number }): void {
  const mark = join(home, "session_locks", ".used");
  try {
    const last = statSync(mark, { throwIfNoEntry: false })?.mtimeMs;
    if (last === undefined) closeSync(openSync(mark, "a", 0o600));
    const turnedBack = last !== undefined && last >= now && last - now < DAY_MS;
    const used = (turnedBack ? last + 1 : now) / 1000;
    utimesSync(path, used, used);
    utimesSync(mark, used, used);
  } catch {
    // Gone, or can't be written: nothing more is recorded there, in whatever order.
  }
}
