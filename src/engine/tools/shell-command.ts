import { existsSync } from "node:fs";
import { basename } from "node:path";

/** Shells whose `-c` takes a script we can hand over as it is. */
const KNOWN_SHELLS = new Set(["bash", "zsh", "sh", "dash", "ksh"]);
/** Shells that understand `-l` together with `-c`. */
const LOGIN_SHELLS = new Set(["bash", "zsh", "ksh"]);

/** The user's own shell when it is one of the usual ones, else bash, else sh. */
export function userShell(env: Readonly<Record<string, string>>): string {
  const own = env.SHELL;
  if (own !== undefined && KNOWN_SHELLS.has(basename(own)) && existsSync(own)) return own;
  return existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
}

/** The argv that runs a script; a login shell reads the user's profile first. */
export function scriptArgv(shell: string, script: string, options: { readonly login: boolean }): string[] {
  return [shell, options.login && LOGIN_SHELLS.has(basename(shell)) ? "-lc" : "-c", script];
}

/** Programs that only read and print, whatever their arguments (options that write or run things are excluded below). */
const READERS = new Set(
  "basename cat cut date dirname du echo false file grep head id ls nl pwd realpath sleep stat tail true uname wc which whoami".split(
    " ",
  ),
);

/** Script text without anything a shell would interpret but blanks between words. */
const PLAIN_SCRIPT = /^[A-Za-z0-9 _./:=@%+,-]+$/;

/**
 * Whether a command is known to change nothing, so that it may run beside others. A decision about order, not about
 * safety: it only has to be right about what it accepts.
 */
export function isReadingCommand(argv: readonly string[]): boolean {
  const script = scriptOf(argv);
  const words = script === undefined ? argv : plainWords(script);
  const [program, ...args] = words ?? [];
  if (program === undefined || !READERS.has(program)) return false;
  return program !== "date" || !args.some((arg) => arg.startsWith("-s") || arg.startsWith("--set"));
}

/** The script of a command that is a shell run with `-c` or `-lc` and nothing else. */
export function scriptOf([shell = "", option, script, ...more]: readonly string[]): string | undefined {
  if (script === undefined || more.length > 0 || !KNOWN_SHELLS.has(basename(shell))) return undefined;
  return option === "-lc" || option === "-c" ? script : undefined;
}

/** The words of a script that has nothing else: nothing quoted, expanded, redirected or joined. */
export function plainWords(script: string): string[] | undefined {
  return PLAIN_SCRIPT.test(script) ? script.split(" ").filter((word) => word !== "") : undefined;
}
