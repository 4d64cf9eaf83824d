import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { appendLine } from "../base/index.js";
import type { UndoRecord } from "./records.js";

/** What a conversation's model has yet to be told of an undo. */
export interface UndoWord {
  readonly id: string;
  readonly turn: string;
  /** Only this call of the turn. */
  readonly call?: string | undefined;
  /** An undo was taken back. */
  readonly redo: boolean;
  /** Absolute paths, the first of them; `count`: all. */
  readonly files: readonly string[];
  readonly count: number;
}

/** Files named to the model at most. */
const NAMED = 50;
const LEFT = "untold.jsonl";
/** Under this name while they are told: what is left meanwhile is for the next time. */
const TAKEN = "telling.jsonl";

/** Leaves word of an undo in a conversation's folder. Throws system errors. */
export function leaveWord(folder: string, { id, turn, call, of, changes }: UndoRecord): void {
  const files = changes.slice(0, NAMED).map(({ path }) => path);
  const word: UndoWord = { id, turn, call, redo: of !== undefined, files, count: changes.length };
  appendLine(join(folder, LEFT), JSON.stringify(word));
}

/** Whether there is anything to tell, also what a killed process was about to. */
export function hasWords(folder: string): boolean {
  return existsSync(join(folder, LEFT)) || existsSync(join(folder, TAKEN));
}

/** Takes the words, each undo's once; they are there again at the next time unless `done` says that they are told. Throws system errors. */
export function takeWords(folder: string): { readonly words: readonly UndoWord[]; readonly done: () => void } {
  const taken = join(folder, TAKEN);
  if (!existsSync(taken)) renameSync(join(folder, LEFT), taken);
  const words = new Map<string, UndoWord>();
  for (const line of readFileSync(taken, "utf8").split("\n")) {
    const word = parse(line);
    if (word !== undefined) words.set(word.id, word);
  }
  return { words: [...words.values()], done: () => rmSync(taken, { force: true }) };
}

function parse(line: string): UndoWord | undefined {
  try {
    const word = JSON.parse(line) as UndoWord | null;
    return word !== null && Array.isArray(word.files) ? word : undefined;
  } catch {
    // Empty, or torn by a crash: the undo itself is on record.
    return undefined;
  }
}
