import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { appendLine } from "../base/index.js";

/** The file is Codex's: a line a renaming, the last one for an id counts. */
const FILE = "session_index.jsonl";
const LIMIT = 16 * 1024 * 1024;

/** The names that people gave to sessions, by id. */
export function readNames(home: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of linesOf(join(home, FILE))) {
    try {
      const { id, thread_name: name } = JSON.parse(line) as { readonly id?: unknown; readonly thread_name?: unknown };
      if (typeof id !== "string" || typeof name !== "string") continue;
      if (name === "") names.delete(id);
      else names.set(id, name);
    } catch {
      // A torn line names nothing.
    }
  }
  return names;
}

/** Gives a session a name; "" takes it away. Throws system errors. */
export function writeName(
  home: string,
  named: { readonly id: string; readonly name: string; readonly now: number },
): void {
  const line = { id: named.id, thread_name: named.name, updated_at: new Date(named.now).toISOString() };
  appendLine(join(home, FILE), JSON.stringify(line));
}

function linesOf(path: string): string[] {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? LIMIT) >= LIMIT) return [];
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    // Not to be read: then nothing has a name.
    return [];
  }
}
