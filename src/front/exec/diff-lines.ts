import type { FileChange } from "../../protocol/index.js";
import { type Style, sanitise } from "../host/index.js";
import { excerptLines, linesOf, shortenLine } from "./format.js";
import { shortPath } from "./paths.js";

/** Lines of one file, and characters of one line, that are shown. */
const FILE_LINES = 200;
const LINE_CHARACTERS = 400;

/** The changes of a patch: `A path`, `D path`, `M path`, each followed by its lines, coloured by their sign. */
export function describePatch(
  changes: Readonly<Record<string, FileChange>>,
  options: { readonly style: Style; readonly cwd: string },
): string {
  const { style, cwd } = options;
  return Object.entries(changes)
    .flatMap(([path, change]) => [
      style.bold(`${titleOf(path, change, cwd)}`),
      ...excerptLines(linesOf(sanitise(textOf(change))), FILE_LINES).map((line) =>
        colourLine(shortenLine(line, LINE_CHARACTERS), style),
      ),
    ])
    .join("\n");
}

function titleOf(path: string, change: FileChange, cwd: string): string {
  const name = sanitise(shortPath(path, cwd));
  if (change === "delete") return `D ${name}`;
  if ("add" in change) return `A ${name}`;
  const { move_path: to } = change.update;
  return to === null ? `M ${name}` : `M ${name} -> ${sanitise(shortPath(to, cwd))}`;
}

function textOf(change: FileChange): string {
  if (change === "delete") return "";
  if ("update" in change) return change.update.unified_diff;
  return linesOf(change.add.content)
    .map((line) => `+${line}`)
    .join("\n");
}

function colourLine(line: string, style: Style): string {
  if (line.startsWith("+")) return style.green(line);
  if (line.startsWith("-")) return style.red(line);
  return line.startsWith("@@") ? style.cyan(line) : line;
}
