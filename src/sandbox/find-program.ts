import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Place } from "./types.js";
import { findFolder, isInside } from "./writable-roots.js";

/** A program from PATH, but none that the project brings along. */
export function findProgram(name: string, place: Place, env: Readonly<Record<string, string>>): string | undefined {
  const cwd = findFolder(place.cwd);
  const own = cwd.ok && cwd.path !== "/" ? [cwd.path] : [];
  for (const folder of (env.PATH ?? "").split(":").filter(isAbsolute)) {
    const path = join(folder, name);
    if (isProgram(path) && !isInside(realpathSync(path), own) && !isInside(path, own)) return path;
  }
  return undefined;
}

/** Whether a file is there that we may run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not for us.
    return false;
  }
}
