import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Parser, Tree } from "web-tree-sitter";

/** Put in by the build: the folder of the built program, which has the files of packages beside it. */
declare const BELAY_FOLDER: string | undefined;

/** The longest script that is parsed, in UTF-16 units. */
export const MAX_SCRIPT = 16 * 1024;

/**
 * The CPU time that one parse may take, µs. Scripts in good order need a few thousand; what is none (`a=(a=(a=(...`) may cost
 * seconds, in which nothing else of this program would happen. CPU time, because a verdict must not depend on how busy the
 * machine is.
 */
const MAX_CPU_US = 100_000;

let parser: Promise<Parser> | undefined;

/**
 * The syntax tree of a bash script of at most MAX_SCRIPT units; the caller deletes it. The grammar is loaded at the first
 * call, some 25 ms. Undefined when the parser gives up; throws when its files are missing (a broken installation).
 */
export async function parseTree(script: string): Promise<Tree | undefined> {
  parser ??= load();
  const loaded = await parser;
  try {
    const start = process.cpuUsage();
    const isTooMuch = () => process.cpuUsage(start).user > MAX_CPU_US;
    const tree = loaded.parse(script, null, { progressCallback: isTooMuch });
    if (tree === null) loaded.reset();
    return tree ?? undefined;
  } catch {
    // The parser's machine ran into a wall of its own (memory): what can't be parsed is not understood. Start anew next time.
    parser = undefined;
    return undefined;
  }
}

async function load(): Promise<Parser> {
  const { Parser, Language } = await import("web-tree-sitter");
  await Parser.init({ wasmBinary: read("web-tree-sitter/web-tree-sitter.wasm") });
  const bash = new Parser();
  bash.setLanguage(await Language.load(read("tree-sitter-bash/tree-sitter-bash.wasm")));
  return bash;
}

/** A file of a package: beside the built program, else where the package is installed. */
function read(file: string): Uint8Array {
  const isBuilt = typeof BELAY_FOLDER === "string";
  return readFileSync(isBuilt ? join(BELAY_FOLDER, basename(file)) : fileURLToPath(import.meta.resolve(file)));
}
