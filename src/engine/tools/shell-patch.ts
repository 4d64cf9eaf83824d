import { resolve } from "node:path";
import { leadingFolder, shellScript } from "../../rules/index.js";

const NAMES = new Set(["apply_patch", "applypatch"]);

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
 * runs inside, with the same care as the tool. Anything else about the script, and it is an ordinary command. `shell`: the
 * user's own.
 */
export function shellPatch(
  { argv, cwd }: { readonly argv: readonly string[]; readonly cwd: string },
  shell: string,
): ShellPatch | undefined {
  const [program = "", patch = ""] = argv;
  if (NAMES.has(program) && argv.length === 2) return { text: patch, cwd };
  const script = shellScript(argv, shell)?.script;
  if (script === undefined) return undefined;
  const leading = leadingFolder(script);
  const rest = (leading?.rest ?? script).trim();
  const text = HEREDOC.exec(rest)?.[3] ?? QUOTED.exec(rest)?.[1];
  return text === undefined ? undefined : { text, cwd: resolve(cwd, leading?.folder ?? ".") };
}
