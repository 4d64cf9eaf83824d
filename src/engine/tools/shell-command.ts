import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isShell, plainWords, safetyOf, shellScript } from "../../rules/index.js";

/** Shells that understand `-l` together with `-c`. */
const LOGIN_SHELLS = new Set(["bash", "zsh", "ksh"]);

/** The user's own shell when it is one of the usual ones, else bash, else sh. */
export function userShell(env: Readonly<Record<string, string>>): string {
  const own = env.SHELL;
  if (own !== undefined && isShell(own) && existsSync(own)) return own;
  return existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
}

/** Folders in which a shell that a model names is looked for: nowhere that a project could put one. */
const SHELL_FOLDERS = ["/bin", "/usr/bin", "/usr/local/bin", "/run/current-system/sw/bin", "/opt/homebrew/bin"];

/** The shell a model names, by name or path; undefined when it is none of the usual ones, or not where those are. */
export function namedShell(named: string, env: Readonly<Record<string, string>>): string | undefined {
  if (named === env.SHELL) return userShell(env);
  if (!isShell(named)) return undefined;
  const paths = named.includes("/") ? [named] : SHELL_FOLDERS.map((folder) => join(folder, named));
  return paths.find((path) => SHELL_FOLDERS.includes(dirname(path)) && existsSync(path));
}

/** The argv that runs a script; a login shell reads the user's profile first. */
export function scriptArgv(shell: string, script: string, options: { readonly login: boolean }): string[] {
  return [shell, options.login && LOGIN_SHELLS.has(basename(shell)) ? "-lc" : "-c", script];
}

/**
 * Whether a command is known to change nothing, so that it may run beside others. A decision about order, made at once:
 * scripts of more than one plain command count as no.
 */
export function isReadingCommand(argv: readonly string[]): boolean {
  const source = shellScript(argv);
  const words = source === undefined ? argv : plainWords(source.script);
  return words !== undefined && safetyOf(words) !== undefined;
}
