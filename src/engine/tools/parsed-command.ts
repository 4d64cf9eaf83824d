import { basename } from "node:path";
import { shellJoin } from "../../base/index.js";
import { plainWords, shellScript } from "../../rules/index.js";

/** What a command does, for front ends that show "read a.ts" instead of a command line; tags as in Codex's `parsed_cmd`. */
export type ParsedCommand = Record<string, unknown>;

/** Reads simple commands; whatever it does not surely understand is `Unknown`, which is always a right answer. `shell`: the user's own. */
export function parseCommand(argv: readonly string[], shell?: string): ParsedCommand[] {
  const script = shellScript(argv, shell)?.script;
  const cmd = script ?? shellJoin(argv);
  const words = plainWords(cmd);
  if (words === undefined) return [{ Unknown: { cmd } }];
  return [known(cmd, script === undefined ? argv : words)];
}

function known(cmd: string, words: readonly string[]): ParsedCommand {
  const [program = "", ...args] = words;
  const operands = args.filter((arg) => !arg.startsWith("-"));
  const [first] = operands;
  if (program === "cat" && operands.length === 1 && first !== undefined)
    return { Read: { cmd, name: basename(first) } };
  if (program === "ls" && operands.length <= 1) return { ListFiles: { cmd, path: first ?? null } };
  if ((program === "rg" || program === "grep") && args.length === operands.length && operands.length <= 2) {
    return { Search: { cmd, query: first ?? null, path: operands[1] ?? null } };
  }
  return { Unknown: { cmd } };
}
