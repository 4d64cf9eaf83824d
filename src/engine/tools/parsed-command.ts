import { basename } from "node:path";

/** What a command does, for front ends that show "read a.ts" instead of a command line; tags as in Codex's `parsed_cmd`. */
export type ParsedCommand = Record<string, unknown>;

/** Script text that holds only words: nothing quoted, expanded, redirected or joined. */
const WORDS_ONLY = /^[A-Za-z0-9 _./:=@%+,-]+$/;

/** Reads simple commands; whatever it does not surely understand is `Unknown`, which is always a right answer. */
export function parseCommand(argv: readonly string[]): ParsedCommand[] {
  const isScript = argv.length === 3 && (argv[1] === "-lc" || argv[1] === "-c");
  const text = isScript ? (argv[2] ?? "") : argv.join(" ");
  if (!WORDS_ONLY.test(text)) return [{ Unknown: { cmd: text } }];
  return [known(text, isScript ? text.split(" ").filter((word) => word !== "") : argv)];
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
