import { basename, dirname } from "node:path";

/** Shells whose `-c` takes a script in the grammar that is read here. */
const SHELLS = new Set(["bash", "zsh", "sh", "dash", "ksh"]);

/** Where a system has its programs: what stands in them is what its name says. */
const SYSTEM_FOLDERS = new Set(["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]);

/** Script text without anything a shell would interpret but blanks between words. */
const PLAIN_SCRIPT = /^[A-Za-z0-9 _./:=@%+,-]+$/;

/** What bash or zsh takes for its own where a command's name stands. */
const RESERVED = new Set(
  "if then else elif fi for in case esac while until do done function select time coproc repeat foreach end nocorrect noglob namespace { } ! [[ ]]".split(
    " ",
  ),
);

/** A script that a shell was asked to run. */
export interface ShellScript {
  readonly script: string;
  /** zsh gives more characters a meaning than the others. */
  readonly zsh: boolean;
}

/** Whether a program's name is that of a shell, whatever folder it is in. */
export function isShell(program: string): boolean {
  return SHELLS.has(basename(program));
}

/** Whether a path is one that only the system's owner puts programs at; a bare name is looked for in PATH, and is not. */
export function isSystemProgram(program: string): boolean {
  return SYSTEM_FOLDERS.has(dirname(program));
}

/**
 * The script of a command that is a shell run with `-c` or `-lc` and nothing else. The shell is called by its bare name, is
 * one of the system's, or is `own`: a `./bash` of the project is any program.
 */
export function shellScript(
  [shell = "", option, script, ...more]: readonly string[],
  own?: string,
): ShellScript | undefined {
  if (script === undefined || more.length > 0 || (option !== "-lc" && option !== "-c")) return undefined;
  if (!isShell(shell)) return undefined;
  if (shell.includes("/") && shell !== own && !isSystemProgram(shell)) return undefined;
  return { script, zsh: basename(shell) === "zsh" };
}

/**
 * The words of a script that is one command and has nothing else: nothing quoted, expanded, redirected, assigned or joined.
 * Undefined for all others, which may still be plain: `parseScript` knows more, and costs more.
 */
export function plainWords(script: string): string[] | undefined {
  if (!PLAIN_SCRIPT.test(script)) return undefined;
  const words = script.split(" ").filter((word) => word !== "");
  const [name] = words;
  if (name === undefined || !isCommandName(name)) return undefined;
  return words.some((word) => word.startsWith("=")) ? undefined : words;
}

/** A name that a shell looks up as a command: no keyword, no assignment, nothing quoted or expanded. */
export function isCommandName(word: string): boolean {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(word) && !RESERVED.has(word);
}

/** Whether a text reads as what it is: nothing in it that people don't see. Tabs and line feeds may be there. */
export function isHonest(text: string): boolean {
  return /^[\x20-\x7e\t\n]*$/.test(text) || !hasUnseen(text);
}

/** The patterns are made when they are needed: large classes of characters cost time at the start. */
function hasUnseen(text: string): boolean {
  // Control characters, formats (bidi, zero width), blanks that are none to a shell, private and unassigned characters.
  const unseen = /[^\x20-\x7e\t\n\p{L}\p{M}\p{N}\p{P}\p{S}]/u;
  // Letters, symbols and marks that show as nothing.
  const fillers = /\u115f|\u1160|\u2800|\u3164|\uffa0|\u034f|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/u;
  return unseen.test(text) || fillers.test(text);
}
