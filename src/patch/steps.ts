import { basename, dirname } from "node:path";
import { errorCode, type FileOps, type FileStat } from "./file-ops.js";
import { AT_A_TIME, type Folders } from "./folders.js";

/** What happens to one file. `inplace` overwrites the old file's bytes: for one with several names, or another owner. */
export interface Step {
  readonly kind: "create" | "write" | "inplace" | "delete";
  /** Real path. */
  readonly folder: string;
  readonly name: string;
  /** `FileStat.version` of the old file. */
  readonly was?: string;
}

/**
 * What stands next to a staged step's file: `.new`, the new content of version `now` ("" for a delete), and `.old`, by
 * which the step can be undone and which proves, after a crash, that the step was really staged here:
 * `link`: a hard link of the old file (for a create: of the new one); `copy`: a copy of it; `rename`: the file system has
 * no hard links, so the old file itself will be renamed to it (a create has an empty `.old`, a delete an empty `.new`).
 */
export interface Staged {
  readonly now: string;
  readonly backup: "link" | "rename" | "copy";
}

/** Where steps are carried out: `id` names the patch's own files. */
export interface Site {
  readonly ops: FileOps;
  readonly folders: Folders;
  readonly id: string;
}

/** One step of a patch: `at` is its place in the list. */
export interface Task {
  readonly step: Step;
  readonly at: number;
  readonly staged: Staged;
}

export function tasksOf(steps: readonly Step[], staged: readonly Staged[]): Task[] {
  return steps.map((step, at) => ({ step, at, staged: staged[at]! }));
}

/** What a step found: done, or a file that someone else changed, which is left as it is. */
export type StepEnd = "done" | "changed";

/** A path for the step's file, and for the patch's own files beside it. */
export function pathOf(
  { folders, id }: Site,
  step: Step,
  which: number | "file",
  suffix: "new" | "old" = "new",
): string {
  return folders.at(step.folder, which === "file" ? step.name : `.belay-${id}-${which}.${suffix}`);
}

/** Copies the bytes of `.new` or `.old` over a file whose inode stays. */
export async function overwrite(ops: FileOps, from: string, to: string): Promise<void> {
  const source = ops.open(from, "read");
  try {
    const bytes = await ops.read(source.fd, source.stat.size);
    const { fd } = ops.open(to, "write");
    try {
      await ops.write(fd, [bytes]);
      ops.truncate(fd, bytes.length);
      await ops.sync(fd);
    } finally {
      ops.close(fd);
    }
  } finally {
    ops.close(source.fd);
  }
}

/**
 * Carries a staged step out, also when an earlier try was cut at any point: then it goes on, or finds it done.
 * Touches the file only if it is the planned one, and only with `.new` or `.old` beside it.
 */
export async function carryOut(site: Site, task: Task): Promise<StepEnd> {
  const { step, at, staged } = task;
  const { ops } = site;
  const file = pathOf(site, step, "file");
  const fresh = pathOf(site, step, at, "new");
  const old = pathOf(site, step, at, "old");
  const there = ops.lstat(file);
  if (step.kind === "delete") return remove({ ops, file, fresh, old, there, task });
  const next = ops.lstat(fresh);
  if (next === undefined) return "done";
  if (next.kind !== "file") return "changed";
  if (step.kind === "create") {
    if (there === undefined) put(ops, fresh, file, staged);
    else if (there.inode !== next.inode) return "changed";
    else ops.unlink(fresh);
    return "done";
  }
  if (step.kind === "inplace") {
    if (there?.inode !== inodeOf(step.was)) return "changed";
    await overwrite(ops, fresh, file);
    ops.unlink(fresh);
    return "done";
  }
  if (there === undefined ? staged.backup !== "rename" || ops.lstat(old) === undefined : there.version !== step.was) {
    return "changed";
  }
  if (staged.backup === "rename" && there !== undefined) ops.rename(file, old);
  ops.rename(fresh, file);
  return "done";
}

/** The same for a step that was staged a moment ago and never tried: what stands beside its file needs no look. */
export async function carryOutFirst(site: Site, task: Task): Promise<StepEnd> {
  const { step, at, staged } = task;
  if (step.kind !== "write" || staged.backup !== "link") return carryOut(site, task);
  const file = pathOf(site, step, "file");
  if (site.ops.lstat(file)?.version !== step.was) return "changed";
  site.ops.rename(pathOf(site, step, at, "new"), file);
  return "done";
}

/** Takes a step back, from wherever it was cut, and clears away what stands beside its file. */
export async function takeBack(site: Site, task: Task): Promise<StepEnd> {
  const { step, at, staged } = task;
  const { ops } = site;
  const file = pathOf(site, step, "file");
  const old = pathOf(site, step, at, "old");
  const there = ops.lstat(file);
  const backup = ops.lstat(old);
  let end: StepEnd = "done";
  if (backup !== undefined) {
    if (step.kind === "create") {
      const ours = there?.version === staged.now && (staged.backup === "rename" || there.inode === backup.inode);
      if (ours) ops.unlink(file);
      else if (there !== undefined) end = "changed";
    } else if (step.kind === "inplace") {
      if (there?.inode !== inodeOf(step.was)) end = "changed";
      else if (there?.version !== step.was) await overwrite(ops, old, file);
    } else if (there?.inode === backup.inode) {
      if (there.version !== step.was) end = "changed";
    } else if (there === undefined || there.version === staged.now) ops.rename(old, file);
    else end = "changed";
  }
  discard(site, step, at);
  return end;
}

/** Removes the patch's own files beside a step's file. */
export function discard(site: Site, step: Step, at: number): void {
  for (const suffix of ["new", "old"] as const) removeIfThere(site.ops, pathOf(site, step, at, suffix));
}

/** The patch's own files beside a step that was carried out. Known ones only: asking for what isn't there is slow. */
export function leftovers(site: Site, { step, at, staged }: Task): string[] {
  const old = pathOf(site, step, at, "old");
  return step.kind === "delete" && staged.backup === "rename" ? [old, pathOf(site, step, at, "new")] : [old];
}

/** Removes folders the patch made, innermost first, as far as they are empty. */
export function removeFolders({ ops, folders }: Site, made: readonly string[]): void {
  for (const folder of [...made].reverse()) {
    try {
      ops.rmdir(folders.at(dirname(folder), basename(folder)));
    } catch {
      // Not empty: someone has put something there. Not there: never made.
    }
  }
}

/** Makes what happened to the steps' files durable. */
export async function syncFolders({ folders }: Site, steps: readonly Step[]): Promise<void> {
  const changed = [...new Set(steps.map((step) => step.folder))];
  for (let at = 0; at < changed.length; at += AT_A_TIME)
    await Promise.all(changed.slice(at, at + AT_A_TIME).map((folder) => folders.sync(folder)));
}

export function removeIfThere(ops: FileOps, path: string): void {
  try {
    ops.unlink(path);
  } catch (error) {
    // Not there is what is wanted.
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

interface Removal {
  readonly ops: FileOps;
  readonly file: string;
  readonly fresh: string;
  readonly old: string;
  readonly there: FileStat | undefined;
  readonly task: Task;
}

function remove({ ops, file, fresh, old, there, task }: Removal): StepEnd {
  const { step, staged } = task;
  // Gone, or another file since: ours was deleted.
  if (there === undefined || there.inode !== inodeOf(step.was)) return "done";
  if (there.version !== step.was) return "changed";
  if (staged.backup === "link") {
    if (ops.lstat(old)?.inode !== there.inode) return "changed";
    ops.unlink(file);
  } else {
    if (ops.lstat(fresh) === undefined) return "changed";
    ops.rename(file, old);
  }
  return "done";
}

/** Puts a new file in place without replacing one that came there meanwhile, as far as the file system allows. */
function put(ops: FileOps, fresh: string, file: string, staged: Staged): void {
  if (staged.backup === "rename") {
    ops.rename(fresh, file);
    return;
  }
  ops.link(fresh, file);
  ops.unlink(fresh);
}

function inodeOf(version: string | undefined): string | undefined {
  return version?.split(":", 2).join(":");
}
