import { join } from "node:path";
import { type Owner, ownProcess } from "../base/index.js";
import { errorCode, errorText, type FileOps, nodeFileOps } from "./file-ops.js";
import { Folders, MOVED } from "./folders.js";
import { type JournalState, journalName, parseJournalName, readJournal } from "./journal.js";
import { mayRun } from "./owner.js";
import {
  carryOut,
  discard,
  removeFolders,
  type Site,
  type Step,
  type StepEnd,
  syncFolders,
  type Task,
  takeBack,
  tasksOf,
} from "./steps.js";

/** What became of a patch that a killed process left. */
export interface RecoveredPatch {
  readonly id: string;
  /**
   * `finished`: all its files are new. `undone`: all are old. `failed`: neither could be reached, the next start tries
   * again. `refused`: the journal is none that this program wrote; it was renamed to `*.refused`, and nothing else done.
   */
  readonly outcome: "finished" | "undone" | "failed" | "refused";
  /** Real paths of the patch's files. */
  readonly files: readonly string[];
  /** Those that someone has changed since, or whose folder is elsewhere now: left as they are. */
  readonly kept: readonly string[];
  readonly message?: string;
}

export interface RecoverOptions {
  readonly ops?: FileOps;
  /** Whether a journal's process may still be at work, given the journal's age in ms. */
  readonly alive?: (owner: Owner, ageMs: number) => boolean;
}

/** Patches taken up in one go; the rest waits for the next start. */
const MAX_PATCHES = 1000;

/**
 * Ends what killed processes left in the journal folder: a patch past its commit is finished, any other is undone, and
 * its temporary files are removed. Patches of living processes are left alone. Several processes may do this at a time:
 * each patch goes to one of them.
 */
export async function recoverPatches(
  journal: string,
  { ops = nodeFileOps, alive = mayRun }: RecoverOptions = {},
): Promise<RecoveredPatch[]> {
  const recovered: RecoveredPatch[] = [];
  const names = journalFiles(journal, ops);
  if (typeof names === "string") return [{ id: "", outcome: "failed", files: [journal], kept: [], message: names }];
  for (const name of names.slice(0, MAX_PATCHES)) {
    const parsed = parseJournalName(name);
    if (parsed === undefined) continue;
    const path = join(journal, name);
    try {
      const age = Date.now() - (ops.lstat(path)?.modifiedMs ?? Date.now());
      if (alive(parsed.owner, age)) continue;
      const ours = join(journal, journalName(parsed.id, ownProcess()));
      ops.rename(path, ours);
      recovered.push(...(await recoverOne(ours, parsed.id, ops)));
    } catch (error) {
      // Gone: another process was faster. Else it is told, and the other patches get their turn.
      if (errorCode(error) === "ENOENT") continue;
      recovered.push({ id: parsed.id, outcome: "failed", files: [], kept: [], message: errorText(error) });
    }
  }
  return recovered;
}

/** The names in the journal folder, or why they can't be had. */
function journalFiles(journal: string, ops: FileOps): readonly string[] | string {
  try {
    return ops.list(journal);
  } catch (error) {
    // No folder: no patch was ever applied. Anything else is for people to mend.
    return errorCode(error) === "ENOENT" ? [] : errorText(error);
  }
}

async function recoverOne(path: string, id: string, ops: FileOps): Promise<RecoveredPatch[]> {
  const state = await readJournal(path, id, ops);
  if (state === "empty") {
    ops.unlink(path);
    return [];
  }
  if (state === undefined) {
    ops.rename(path, `${path}.refused`);
    return [{ id, outcome: "refused", files: [], kept: [], message: "not a journal of this program" }];
  }
  const folders = new Folders(ops);
  const files = state.steps.map(fileOf);
  try {
    const site = { ops, folders, id };
    const end = await settle(site, state, path);
    await syncFolders(site, state.steps);
    ops.unlink(path);
    return [{ id, files, ...end }];
  } catch (error) {
    // The journal stays under this process's name; a later process takes it up again.
    return [{ id, outcome: "failed", files, kept: [], message: errorText(error) }];
  } finally {
    folders.close();
  }
}

type End = Pick<RecoveredPatch, "outcome" | "kept">;

async function settle(site: Site, state: JournalState, path: string): Promise<End> {
  const { steps, staged } = state;
  if (staged.length === 0) {
    for (const [at, step] of steps.entries()) await still(() => discard(site, step, at));
    removeFolders(site, state.folders);
    return { outcome: "undone", kept: [] };
  }
  const tasks = tasksOf(steps, staged);
  if (state.state === "committed") {
    const kept = await each(tasks, (task) => carryOut(site, task));
    if (kept.changed.length === 0) {
      for (const { step, at } of tasks) await still(() => discard(site, step, at));
      return { outcome: "finished", kept: kept.gone };
    }
    await recordUndo(site.ops, path);
  }
  const kept = await each([...tasks].reverse(), (task) => takeBack(site, task));
  removeFolders(site, state.folders);
  return { outcome: "undone", kept: [...kept.changed, ...kept.gone].reverse() };
}

async function each(
  tasks: readonly Task[],
  act: (task: Task) => Promise<StepEnd>,
): Promise<{ readonly changed: readonly string[]; readonly gone: readonly string[] }> {
  const changed: string[] = [];
  const gone: string[] = [];
  for (const task of tasks) {
    const end = await still(() => act(task));
    if (end === "changed") changed.push(fileOf(task.step));
    if (end === "gone") gone.push(fileOf(task.step));
  }
  return { changed, gone };
}

/** Does something in a step's folder, which may be gone or moved since: then nothing is done. */
async function still<T>(act: () => T | Promise<T>): Promise<T | "gone"> {
  try {
    return await act();
  } catch (error) {
    const code = errorCode(error);
    // Whoever took the folder away has all that was in it.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === MOVED) return "gone";
    throw error;
  }
}

async function recordUndo(ops: FileOps, path: string): Promise<void> {
  const fd = ops.append(path);
  try {
    await ops.write(fd, [Buffer.from(`${JSON.stringify({ state: "undoing" })}\n`)]);
    await ops.sync(fd);
  } finally {
    ops.close(fd);
  }
}

function fileOf({ folder, name }: Step): string {
  return join(folder, name);
}
