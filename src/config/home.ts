import { userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Env } from "./types.js";

/**
 * The home folder: `$BELAY_HOME`, else `$CODEX_HOME`, else `.belay` in the user's own; relative ones start at `cwd`.
 * An empty variable counts as unset. Undefined when nothing names a folder. A leading `~` or `$HOME` that nobody has expanded (no
 * shell reads the files of services) is the user's folder, and never a folder of that name.
 */
export function findHome(env: Env, cwd: string): string | undefined {
  const named = set(env.BELAY_HOME) ?? set(env.CODEX_HOME);
  const below = named === undefined ? "/.belay" : /^(?:~|\$HOME|\$\{HOME\})(\/.*)?$/s.exec(named)?.[0];
  if (named !== undefined && below === undefined) return resolve(cwd, named);
  const user = findUserHome(env);
  return user === undefined ? undefined : join(user, (below ?? "").replace(/^[^/]*/, ""));
}

/** A path of a setting: `~` and `~/` are the user's folder, the rest starts at `folder`. */
export function expandPath(path: string, options: { readonly env: Env; readonly folder: string }): string {
  if (path === "~" || path.startsWith("~/")) {
    const user = findUserHome(options.env);
    if (user !== undefined) return join(user, path.slice(1));
  }
  return resolve(options.folder, path);
}

/** A variable's value, where it holds one. */
export function set(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}

/** The user's own folder; undefined when nothing names one. */
export function findUserHome(env: Env): string | undefined {
  const named = set(env.HOME) ?? set(env.USERPROFILE);
  if (named !== undefined && isAbsolute(named)) return named;
  try {
    return set(userInfo().homedir);
  } catch {
    // The user has no entry in the system's list (as in some containers): then there is no folder.
    return undefined;
  }
}
