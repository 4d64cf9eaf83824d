import { existsSync } from "node:fs";
import { basename } from "node:path";
import { isShell, plainWords, safetyOf, shellScript } from "../../rules/index.js";

/** Shells that understand `-l` together with `-c`. */
const LOGIN_SHELLS = new Set(["bash", "zsh", "ksh"]);

/** The user's own shell when it is one of the usual ones, else bash, else sh. */
export function userShell(env: Readonly<Record<string, string>>): string {
  const own = env.SHELL;
  if (own !== undefined && isShell(own) && existsSync(own)) return own;
  return existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
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
