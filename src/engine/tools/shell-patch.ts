import { resolve } from "node:path";
import { scriptOf } from "./shell-command.js";

const NAMES = new Set(["apply_patch", "applypatch"]);

/** `cd DIR &&` in front; the folder is a plain or quoted word without anything the shell would expand. */
const CHANGE_FOLDER = /^cd\s+(?:'([^']*)'|"([^"$`\\]*)"|([A-Za-z0-9_./@%+,:=-]+))\s*&&\s*/;
const HEREDOC = /^(?:apply_patch|applypatch)\s*<<-?\s*(['"]?)([A-Za-z_]\w*)\1[ \t]*\n([\s\S]*?)\n[ \t]*\2\s*$/;
const QUOTED = /^(?:apply_patch|applypatch)\s+'([^']*)'\s*$/;

/** A patch that a model handed to a shell. */
export interface ShellPatch {
  readonly text: string;
  /** The folder its paths are relative to. */
  readonly cwd: string;
}

/**
 * Finds the patch in a command that does nothing but apply one (`apply_patch <<EOF …`, also after `cd DIR &&`), so that it
 * runs inside, with the same care as the tool. Anything else about the script, and it is an ordinary command.
 */
export function shellPatch(argv: readonly string[], cwd: string): ShellPatch | undefined {
  const [program = "", patch = ""] = argv;
  if (NAMES.has(program) && argv.length === 2) return { text: patch, cwd };
  const trimmed = scriptOf(argv)?.trim();
  if (trimmed === undefined) return undefined;
  const change = CHANGE_FOLDER.exec(trimmed);
  const rest = change === null ? trimmed : trimmed.slice(change[0].length);
  const text = HEREDOC.exec(rest)?.[3] ?? QUOTED.exec(rest)?.[1];
  if (text === undefined) return undefined;
  return { text, cwd: change === null ? cwd : resolve(cwd, change[1] ?? change[2] ?? change[3] ?? ".") };
}
