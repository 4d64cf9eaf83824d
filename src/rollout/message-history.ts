import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { appendLine } from "../base/index.js";

/** One text a user sent, as history.jsonl keeps it; `ts` is Unix time in seconds. */
export interface HistoryEntry {
  readonly session_id: string;
  readonly ts: number;
  readonly text: string;
}

/** The file's identity (its inode) and number of lines; zeros when there is none. */
export interface HistoryLog {
  readonly logId: number;
  readonly count: number;
}

/** Adds a text to history.jsonl (made with mode 0600); one write a line, so that processes do not mix. */
export function appendHistory(home: string, entry: HistoryEntry): void {
  appendLine(pathOf(home), JSON.stringify(entry));
}

export function historyLog(home: string): HistoryLog {
  try {
    return { logId: statSync(pathOf(home)).ino, count: linesOf(home).length };
  } catch {
    // No file yet, or none that can be read: there is no history then.
    return { logId: 0, count: 0 };
  }
}

/** The entry at `offset` (from 0) of the log with that id; undefined when there is no such entry or log. */
export function historyEntry(
  home: string,
  at: { readonly logId: number; readonly offset: number },
): HistoryEntry | undefined {
  if (historyLog(home).logId !== at.logId || at.logId === 0) return undefined;
  const line = linesOf(home)[at.offset];
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line) as HistoryEntry;
  } catch {
    // A torn line is no entry.
    return undefined;
  }
}

function pathOf(home: string): string {
  return join(home, "history.jsonl");
}

function linesOf(home: string): string[] {
  const lines = readFileSync(pathOf(home), "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
