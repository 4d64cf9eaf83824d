import { readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { appendLine } from "../base/index.js";
import type { CheckpointRecord } from "./records.js";

/** A journal larger than this is not read, bytes. */
const MAX_BYTES = 512 * 1024 * 1024;
const TYPES = new Set<unknown>(["turn", "call", "changes", "turn_end", "undo", "undone"]);

/** In the folder of checkpoints, beside those of conversations: trees of large folders, left by the last process that knew them. */
export const TREES = "trees";
/** The same: marks of undos under way. */
export const UNDER_WAY = "undoing";
const OWN_FOLDERS = new Set<string>(["objects", "git", TREES, UNDER_WAY]);

/** Where checkpoints are in a home folder. */
export function checkpointsFolder(home: string): string {
  return join(home, "checkpoints");
}

/** The folder of one conversation's checkpoints. */
export function conversationFolder(home: string, conversation: string): string {
  return join(checkpointsFolder(home), conversation);
}

/** The conversations that have a folder of checkpoints. Throws system errors, but for a folder that is not there. */
export function conversationsIn(home: string): string[] {
  try {
    return readdirSync(checkpointsFolder(home), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !OWN_FOLDERS.has(entry.name))
      .map(({ name }) => name);
  } catch (error) {
    // No folder: nothing was ever changed.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The records of one conversation, appended one write a line. */
export class Journal {
  readonly folder: string;
  readonly #path: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#path = join(folder, "journal.jsonl");
  }

  /** Appends; with `sync` it lasts through a power cut. Throws system errors. */
  append(record: CheckpointRecord, { sync = false }: { readonly sync?: boolean } = {}): void {
    appendLine(this.#path, JSON.stringify(record), { sync });
  }

  /** All that is whole; lines that are not are passed over. Empty when there is no journal. */
  read(): CheckpointRecord[] {
    let text: string;
    try {
      if (statSync(this.#path).size > MAX_BYTES) return [];
      text = readFileSync(this.#path, "utf8");
    } catch {
      // No journal: nothing was ever changed.
      return [];
    }
    return text.split("\n").flatMap((line) => {
      const record = parse(line);
      return record === undefined ? [] : [record];
    });
  }
}

function parse(line: string): CheckpointRecord | undefined {
  if (line === "") return undefined;
  try {
    const value = JSON.parse(line) as CheckpointRecord | null;
    if (value === null || !TYPES.has(value.type)) return undefined;
    return "changes" in value && !(Array.isArray(value.changes) && value.changes.every(isChange)) ? undefined : value;
  } catch {
    // Torn, or zeros: the lines around it are whole.
    return undefined;
  }
}

function isChange(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { path, before, after } = value as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || path.includes("\0") || !isAbsolute(path) || resolve(path) !== path) return false;
  return isState(before) && isState(after);
}

function isState(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  const { kind, mode, target } = value as Readonly<Record<string, unknown>>;
  if (kind === "link") return typeof target === "string" && !target.includes("\0");
  return kind === "uncovered" || ((kind === "file" || kind === "folder") && typeof mode === "number");
}
