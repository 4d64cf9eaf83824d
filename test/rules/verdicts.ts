import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judge, type Reading, type RuleSet, readCommand, readRules, type Verdict } from "../../src/rules/index.js";
import type { Expected } from "./command-table.js";

/** A project's folder with a `src` in it, by its real path. */
export function makeFolder(): { readonly path: string; dispose(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "belay-rules-")));
  mkdirSync(join(path, "src"));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

export function homeRules(text: string): Promise<RuleSet> {
  return readRules([{ path: "/home/me/.belay/rules.toml", text, origin: "home" }]);
}

/** What is said of a script in a shell, or of a program with its arguments. */
export async function verdictOf(command: string | readonly string[], set: RuleSet, cwd: string): Promise<Verdict> {
  return judge(await readingOf(command, cwd), set);
}

export function readingOf(command: string | readonly string[], cwd: string): Promise<Reading> {
  return readCommand({ argv: typeof command === "string" ? ["bash", "-lc", command] : command, cwd });
}

/** A verdict in a word. */
export function wordFor({ kind, walled }: Verdict): Expected {
  return kind === "safe" && walled ? "walled" : kind;
}
