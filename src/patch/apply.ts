import { basename, dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errorCode, errorText, type FileOps, nodeFileOps } from "./file-ops.js";
import { AT_A_TIME, Folders } from "./folders.js";
import { Journal } from "./journal.js";
import { quote } from "./patch.js";
import type { PlannedStep } from "./planned.js";
import { stageSteps } from "./stage.js";
import {
  carryOutFirst,
  discard,
  leftovers,
  pathOf,
  removeFolders,
  type Site,
  type Staged,
  type Step,
  syncFolders,
  type Task,
  takeBack,
  tasksOf,
} from "./steps.js";

/**
 * Why a plan was not applied. `cancelled`, `changed` (a file is not what it was when planned), `unfit` (only of a plan with
 * `place: "late"`: what was left for later can't be done, or not that way; planned with "now" it will be known) and `failed`: no
 * file is other than before. `stuck`: some could not be put back; the message names them, and the next `recoverPatches` tries again.
 */
export interface ApplyFailure {
  readonly ok: false;
  readonly kind: "cancelled" | "changed" | "unfit" | "failed" | "stuck";
  readonly message: string;
}

export interface ApplyOptions {
  /** Honoured until the commit: then nothing is changed. After it the patch completes. */
  readonly signal: AbortSignal;
  /** Folder of the journals, made when missing; the same one goes to `recoverPatches`. */
  readonly journal: string;
  readonly ops?: FileOps;
}

/** Applies all of a plan, or nothing. Expects `recoverPatches` at the next start to end what a kill has cut. */
export async function applyPlan(
  plan: { readonly steps: readonly PlannedStep[] },
  { signal, journal, ops = nodeFileOps }: ApplyOptions,
): Promise<{ readonly ok: true } | ApplyFailure> {
  if (signal.aborted) return cancelled();
  const { steps } = plan;
  if (steps.length === 0) return { ok: true };
  const folders = new Folders(ops);
  try {
    const changed = await firstChanged(steps, { ops, folders, signal });
    if (changed !== undefined) return changed;
    const missing = [...new Set(steps.flatMap((step) => step.missing))];
    const listed = steps.map(({ kind, folder, name, was }) => ({
      kind,
      folder,
      name,
      ...(was === undefined ? {} : { was }),
    }));
    const log = await Journal.start(journal, { steps: listed, folders: missing }, ops);
    return await applySteps({ steps, missing, log, signal, site: { ops, folders, id: log.id } });
  } catch (error) {
    // Nothing was staged yet: what failed is a look at the files, or the journal's making.
    return failed(error);
  } finally {
    closeQuietly(folders);
  }
}

interface Work {
  readonly steps: readonly PlannedStep[];
  readonly missing: readonly string[];
  readonly log: Journal;
  readonly signal: AbortSignal;
  readonly site: Site;
}

async function applySteps(work: Work): Promise<{ readonly ok: true } | ApplyFailure> {
  const { steps, log, signal, site, missing } = work;
  const made: string[] = [];
  let staged: readonly Staged[] | ApplyFailure;
  try {
    for (const folder of missing) if (makeFolder(site, folder)) made.push(folder);
    const result = await stageSteps(site, steps, signal);
    if (result === "cancelled" || signal.aborted) staged = cancelled();
    else if (result === "unfit") staged = unfit();
    else {
      await log.commit(result);
      staged = result;
    }
  } catch (error) {
    // Full disk, no permission: nothing has happened to the files themselves.
    await unstage(work, made);
    return failed(error);
  }
  if ("ok" in staged) {
    await unstage(work, made);
    return staged;
  }
  const tasks = tasksOf(steps, staged);
  const failure = await commit(site, tasks);
  if (failure !== undefined) return rollBack(work, tasks, { failure, made });
  await syncFolders(site, work.steps);
  log.end((await clearDone(site, tasks)) ? "remove" : "leave");
  return { ok: true };
}

async function commit(site: Site, tasks: readonly Task[]): Promise<ApplyFailure | undefined> {
  for (const task of tasks) {
    try {
      if ((await carryOutFirst(site, task)) === "changed") return changedFile(task.step);
    } catch (error) {
      // One file that can't be written takes all others back.
      return failed(error, task.step);
    }
  }
  return undefined;
}

async function rollBack(
  work: Work,
  tasks: readonly Task[],
  { failure, made }: { readonly failure: ApplyFailure; readonly made: readonly string[] },
): Promise<ApplyFailure> {
  const { log, site } = work;
  const left: string[] = [];
  try {
    await log.undo();
  } catch (error) {
    // Going back is still the best; only a kill within the next moments would find the wrong word in the journal.
    left.push(`the journal (${errorText(error)})`);
  }
  const files: string[] = [];
  for (const task of [...tasks].reverse()) {
    try {
      await takeBack(site, task);
    } catch (error) {
      // The others go back all the same; the journal stays for the next start.
      files.push(`${quote(`${task.step.folder}/${task.step.name}`)} (${errorText(error)})`);
    }
  }
  removeFolders(site, made);
  await syncFolders(site, work.steps);
  log.end(files.length > 0 ? "leave" : "remove");
  if (files.length === 0) return failure;
  return {
    ok: false,
    kind: "stuck",
    message: `${failure.message}; not put back yet: ${[...files, ...left].join(", ")}`,
  };
}

async function unstage({ log, site, steps }: Work, made: readonly string[]): Promise<void> {
  try {
    await log.undo();
  } catch {
    // Without the word the journal says "staging", or a commit of which nothing is carried out once its files are gone.
  }
  const clean = clearStaged(site, steps);
  removeFolders(site, made);
  log.end(clean ? "remove" : "leave");
}

/** Removes the patch's own files after its commit; false when one could not be. */
async function clearDone(site: Site, tasks: readonly Task[]): Promise<boolean> {
  let clean = true;
  const rest = tasks.values();
  const clear = async (): Promise<void> => {
    for (const task of rest) {
      try {
        for (const path of leftovers(site, task)) await site.ops.remove(path);
      } catch {
        // The patch is done; what stays is left to the next start.
        clean = false;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, clear));
  return clean;
}

/** Removes the patch's own files after a failed staging; false when one could not be. */
function clearStaged(site: Site, steps: readonly Step[]): boolean {
  let clean = true;
  for (const [at, step] of steps.entries()) {
    try {
      discard(site, step, at);
    } catch (error) {
      // A folder that never came to be holds none; anything else is left to the next start.
      if (errorCode(error) !== "ENOENT") clean = false;
    }
  }
  return clean;
}

/** True when it was not there. */
function makeFolder({ ops, folders }: Site, folder: string): boolean {
  try {
    ops.mkdir(folders.at(dirname(folder), basename(folder)), 0o777);
    return true;
  } catch (error) {
    // Made by someone else since: then it is theirs, and stays when the patch is undone.
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function firstChanged(
  steps: readonly PlannedStep[],
  { ops, folders, signal }: { readonly ops: FileOps; readonly folders: Folders; readonly signal: AbortSignal },
): Promise<ApplyFailure | undefined> {
  const site = { ops, folders, id: "" };
  const going = new Set(steps.filter(({ kind }) => kind === "delete").map(({ was }) => was));
  let rested = performance.now();
  for (const step of steps) {
    if (signal.aborted) return cancelled();
    // What is read late is looked at then.
    if (step.missing.length > 0 || step.late !== undefined) continue;
    const file = pathOf(site, step, "file");
    const there = ops.lstat(file);
    // A new file may stand where one is deleted whose name differs in case only.
    const same = step.kind === "create" ? there === undefined || going.has(there.version) : there?.version === step.was;
    if (!same || (step.changed !== undefined && there?.changed !== step.changed)) return changedFile(step);
    if (step.compare === true && !(await holds(ops, file, step.old!))) return changedFile(step);
    if (performance.now() - rested > 20) {
      await nextTurn();
      rested = performance.now();
    }
  }
  return undefined;
}

async function holds(ops: FileOps, path: string, bytes: Buffer): Promise<boolean> {
  const { fd, stat } = ops.open(path, "read");
  try {
    return stat.size === bytes.length && (await ops.read(fd, bytes.length)).equals(bytes);
  } finally {
    ops.close(fd);
  }
}

function closeQuietly(folders: Folders): void {
  try {
    folders.close();
  } catch {
    // The outcome stands; a handle that can't be closed changes no file.
  }
}

function cancelled(): ApplyFailure {
  return { ok: false, kind: "cancelled", message: "the patch was cancelled; no file was changed" };
}

function unfit(): ApplyFailure {
  return { ok: false, kind: "unfit", message: "the patch does not fit as it was planned; no file was changed" };
}

function changedFile({ folder, name }: Step): ApplyFailure {
  const message = `${quote(`${folder}/${name}`)} has changed since the patch was worked out; no file was changed`;
  return { ok: false, kind: "changed", message };
}

function failed(error: unknown, step?: Step): ApplyFailure {
  const where = step === undefined ? "" : `${quote(`${step.folder}/${step.name}`)}: `;
  return { ok: false, kind: "failed", message: `${where}${errorText(error)}; no file was changed` };
}
