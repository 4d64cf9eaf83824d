import { statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "./folders.js";

export const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Whether something that is done once a day is due; says yes once. `mark` is a file whose time is that of the last yes; `now`
 * in Unix ms. Throws system errors.
 */
export function isDue(mark: string, now: number): boolean {
  const last = statSync(mark, { throwIfNoEntry: false })?.mtimeMs;
  // A clock that was turned back must not put it off for ever.
  if (last !== undefined && Math.abs(now - last) < DAY_MS) return false;
  makeFolder(dirname(mark));
  writeFileSync(mark, "", { mode: 0o600 });
  utimesSync(mark, now / 1000, now / 1000);
  return true;
}
