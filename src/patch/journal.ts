import { basename, dirname, join, resolve } from "node:path";
import { type Owner, ownProcess, systemRandom } from "../base/index.js";
import { errorText, type FileOps } from "./file-ops.js";
import { quote } from "./patch.js";
import { PathResolver } from "./paths.js";
import { removeIfThere, type Staged, type Step } from "./steps.js";

/** What is written before anything else: which steps a patch has, and which folders it makes. */
export interface Header {
  readonly steps: readonly Step[];
  readonly folders: readonly string[];
}

/** A journal as found: how far its patch came. */
export interface JournalState extends Header {
  readonly id: string;
  readonly state: "staging" | "committed" | "undoing";
  /** One for each step; empty while staging. */
  readonly staged: readonly Staged[];
}

/** A journal larger than this is not read. */
const MAX_BYTES = 256 * 1024 * 1024;
const NAME = /^([0-9a-f]{16})~(\d{1,10})-(\d{1,20})-([0-9a-z]{1,8})-(\d{1,20})\.patch$/;
const VERSION = /^\d+:\d+:\d+:-?\d+$/;

/**
 * The record of one patch while it is applied: `<id>~<process>.patch` in the journal folder, JSON lines, each synced
 * before what it announces is done. The owner stands in the name, so that taking over from a dead one is a single rename.
 */
export class Journal {
  readonly id: string;
  readonly #ops: FileOps;
  readonly #path: string;
  readonly #fd: number;

  private constructor(ops: FileOps, id: string, path: string, fd: number) {
    this.#ops = ops;
    this.id = id;
    this.#path = path;
    this.#fd = fd;
  }

  /** Starts a journal; the folder is made when missing (0700). Throws system errors. */
  static async start(folder: string, header: Header, ops: FileOps): Promise<Journal> {
    const id = Buffer.from(systemRandom(8)).toString("hex");
    const path = join(folder, journalName(id, ownProcess()));
    const fd = createJournal(path, ops);
    const journal = new Journal(ops, id, path, fd);
    try {
      await journal.#write({ v: 1, ...header });
      await journal.#syncFolder(folder);
    } catch (error) {
      // Nothing was staged: a journal that can't be written is taken away again, if it can.
      journal.end("remove");
      throw error;
    }
    return journal;
  }

  /** From here on the patch is finished after a crash. */
  commit(staged: readonly Staged[]): Promise<void> {
    return this.#write({ state: "committed", staged });
  }

  /** From here on the patch is undone after a crash. */
  undo(): Promise<void> {
    return this.#write({ state: "undoing" });
  }

  /** Closes the file, and removes it when nothing is left to do. */
  end(how: "remove" | "leave"): void {
    try {
      this.#ops.close(this.#fd);
      if (how === "remove") removeIfThere(this.#ops, this.#path);
    } catch {
      // What a journal that stays behind says is done already; the next start removes it.
    }
  }

  async #write(record: unknown): Promise<void> {
    try {
      await this.#ops.write(this.#fd, [Buffer.from(`${JSON.stringify(record)}\n`)]);
      await this.#ops.sync(this.#fd);
    } catch (error) {
      throw journalError(this.#path, error);
    }
  }

  async #syncFolder(folder: string): Promise<void> {
    const fd = this.#ops.openFolder(folder);
    try {
      await this.#ops.sync(fd);
    } finally {
      this.#ops.close(fd);
    }
  }
}

export function journalName(id: string, { pid, start, boot, space }: Owner): string {
  return `${id}~${pid}-${start}-${boot}-${space}.patch`;
}

/** The id and the owner in a journal's name; undefined for other files. */
export function parseJournalName(path: string): { readonly id: string; readonly owner: Owner } | undefined {
  const match = NAME.exec(basename(path));
  if (match === null) return undefined;
  const [, id, pid, start, boot, space] = match;
  return { id: id!, owner: { pid: Number(pid), start: start!, boot: boot!, space: space! } };
}

/**
 * Reads a journal. `empty`: its first line was never finished, so that nothing was done. Undefined: it can't be one of
 * ours: not a private file of this user, or its content breaks the form.
 */
export async function readJournal(path: string, id: string, ops: FileOps): Promise<JournalState | "empty" | undefined> {
  const { fd, stat } = ops.open(path, "read");
  let text: string;
  try {
    if (stat.size > MAX_BYTES || (stat.mode & 0o022) !== 0) return undefined;
    if (process.geteuid !== undefined && stat.uid !== process.geteuid()) return undefined;
    text = (await ops.read(fd, stat.size)).toString("utf8");
  } finally {
    ops.close(fd);
  }
  const records = text.split("\n").slice(0, -1).map(parseRecord);
  if (records.length === 0) return "empty";
  const header = records[0];
  if (header === undefined || header.v !== 1 || !isSteps(header.steps) || !isFolders(header.folders, header.steps)) {
    return undefined;
  }
  const { steps, folders } = header;
  let found: JournalState = { id, steps, folders, state: "staging", staged: [] };
  for (const record of records.slice(1)) {
    if (record?.state === "committed" && isStaged(record.staged, steps)) {
      found = { ...found, state: "committed", staged: record.staged };
    } else if (record?.state === "undoing") found = { ...found, state: "undoing" };
    else return undefined;
  }
  return found;
}

function parseRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not ours: the reader refuses the journal.
    return undefined;
  }
}

function isSteps(value: unknown): value is readonly Step[] {
  return Array.isArray(value) && value.every(isStep);
}

function isStep(value: unknown): value is Step {
  if (typeof value !== "object" || value === null) return false;
  const { kind, folder, name, was } = value as Record<string, unknown>;
  if (kind !== "create" && kind !== "write" && kind !== "inplace" && kind !== "delete") return false;
  if (!isRealPath(folder) || typeof name !== "string" || name.includes("\0")) return false;
  if (name === "" || name === "." || name === ".." || name.includes("/")) return false;
  return kind === "create" ? was === undefined : typeof was === "string" && VERSION.test(was);
}

/** Folders that lead to a step's file; others are none of ours. */
function isFolders(value: unknown, steps: readonly Step[]): value is readonly string[] {
  if (!Array.isArray(value)) return false;
  const leading = new Set<unknown>();
  for (const step of steps) {
    for (let folder = step.folder; !leading.has(folder); folder = dirname(folder)) leading.add(folder);
  }
  return value.every((folder) => isRealPath(folder) && leading.has(folder));
}

function isRealPath(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0") && value.startsWith("/") && resolve(value) === value;
}

function isStaged(value: unknown, steps: readonly Step[]): value is readonly Staged[] {
  return Array.isArray(value) && value.length === steps.length && value.every(isStagedOne);
}

function isStagedOne(value: unknown): value is Staged {
  if (typeof value !== "object" || value === null) return false;
  const { now, backup } = value as Record<string, unknown>;
  if (backup !== "link" && backup !== "rename" && backup !== "copy") return false;
  return typeof now === "string" && (now === "" || VERSION.test(now));
}

function createJournal(path: string, ops: FileOps): number {
  try {
    makeFolder(dirname(path), ops);
    return ops.create(path, 0o600);
  } catch (error) {
    throw journalError(path, error);
  }
}

/** Names the folder: it is in the home folder, often on another disk than the files that people look at first. */
function journalError(path: string, error: unknown): Error {
  return new Error(`the journal of patches in ${quote(dirname(path))}: ${errorText(error)}`, { cause: error });
}

function makeFolder(path: string, ops: FileOps): void {
  const folder = new PathResolver(ops).folder(path);
  if (!folder.ok) throw new Error(folder.message);
  for (const missing of folder.missing) {
    try {
      ops.mkdir(missing, 0o700);
    } catch (error) {
      // Another process made it first.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
