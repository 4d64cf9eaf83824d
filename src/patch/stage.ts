import { setImmediate as nextTurn } from "node:timers/promises";
import { errorCode, errorText, type FileOps } from "./file-ops.js";
import { quote } from "./patch.js";
import type { PlannedStep } from "./planned.js";
import { pathOf, type Site, type Staged } from "./steps.js";

/** Files synced, and so held open, at a time. */
const BATCH = 512;
/** Fewer files are synced faster one by one. */
const WORTH_FLUSHING = 32;
/** A link can't be made here, but something else can. */
const NO_LINKS = new Set(["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EXDEV", "ENOSYS"]);

/**
 * Writes the new content of every step, and what it can be undone by, beside its file, synced to the disk; the files
 * themselves stay as they are. Throws system errors; what was staged until then is the caller's to discard.
 */
export async function stageSteps(
  site: Site,
  steps: readonly PlannedStep[],
  signal: AbortSignal,
): Promise<readonly Staged[] | "cancelled"> {
  const syncs = new SyncPool(site.ops);
  const staged: Staged[] = [];
  let rested = performance.now();
  try {
    for (const [at, step] of steps.entries()) {
      if (signal.aborted) return "cancelled";
      staged.push(await stageStep(site, step, { at, syncs }));
      if (performance.now() - rested > 20) {
        await nextTurn();
        rested = performance.now();
      }
    }
  } finally {
    await syncs.settle();
  }
  syncs.check();
  return staged;
}

interface Staging {
  readonly at: number;
  readonly syncs: SyncPool;
}

async function stageStep(site: Site, step: PlannedStep, { at, syncs }: Staging): Promise<Staged> {
  const { ops } = site;
  try {
    const fresh = pathOf(site, step, at, "new");
    const old = pathOf(site, step, at, "old");
    const file = pathOf(site, step, "file");
    if (step.kind === "delete") {
      if (linked(ops, file, old)) return { now: "", backup: "link" };
      ops.close(ops.create(fresh, 0o600));
      return { now: "", backup: "rename" };
    }
    const now = moved(site, step, fresh) ?? (await writeNew(ops, fresh, { step, syncs }));
    if (step.kind === "inplace") {
      await syncs.add(await written(ops, ops.create(old, 0o600), [step.old!]));
      return { now, backup: "copy" };
    }
    if (linked(ops, step.kind === "create" ? fresh : file, old)) return { now, backup: "link" };
    if (step.kind === "create") ops.close(ops.create(old, 0o600));
    return { now, backup: "rename" };
  } catch (error) {
    // Named here, where it is known which file it was.
    throw new Error(`${quote(step.real)}: ${errorText(error)}`, { cause: error });
  }
}

/** The version of a file that moves as it is, by a link to it; undefined when it has to be copied. */
function moved(site: Site, step: PlannedStep, fresh: string): string | undefined {
  if (step.linkFrom === undefined) return undefined;
  const source = site.folders.at(step.linkFrom.folder, step.linkFrom.name);
  return linked(site.ops, source, fresh) ? site.ops.lstat(fresh)?.version : undefined;
}

async function writeNew(
  ops: FileOps,
  path: string,
  { step, syncs }: { readonly step: PlannedStep; readonly syncs: SyncPool },
): Promise<string> {
  const { attributes, pieces } = step;
  const fd = await written(
    ops,
    ops.create(path, attributes === undefined ? 0o666 : attributes.mode & 0o777),
    pieces.map(({ bytes }) => bytes),
  );
  let version: string;
  try {
    const stat = ops.stat(fd);
    version = stat.version;
    if (attributes !== undefined) {
      const foreign = stat.uid !== attributes.uid || stat.gid !== attributes.gid;
      if (foreign) giveTo(ops, fd, attributes);
      // Changing the owner may take mode bits away.
      if (foreign || stat.mode !== attributes.mode) ops.chmod(fd, attributes.mode);
    }
  } catch (error) {
    // The descriptor is ours until the pool has it.
    ops.close(fd);
    throw error;
  }
  await syncs.add(fd);
  return version;
}

function giveTo(ops: FileOps, fd: number, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  try {
    ops.chown(fd, uid, gid);
  } catch (error) {
    // Only root may give files away; a moved file then is ours.
    if (errorCode(error) !== "EPERM") throw error;
  }
}

async function written(ops: FileOps, fd: number, parts: readonly Buffer[]): Promise<number> {
  try {
    await ops.write(fd, parts);
    return fd;
  } catch (error) {
    // The caller gets no descriptor to close.
    ops.close(fd);
    throw error;
  }
}

function linked(ops: FileOps, from: string, to: string): boolean {
  try {
    ops.link(from, to);
    return true;
  } catch (error) {
    if (NO_LINKS.has(errorCode(error) ?? "")) return false;
    throw error;
  }
}

/**
 * Syncs files and closes them, a batch at a time. A disk takes as long for the sync of one file as for that of all: before
 * a larger batch the system is asked to write out everything, and the sync of each file then finds it done.
 */
class SyncPool {
  readonly #ops: FileOps;
  #batch: number[] = [];
  #error: unknown;

  constructor(ops: FileOps) {
    this.#ops = ops;
  }

  /** Takes the descriptor over; waits only while a batch is full. */
  async add(fd: number): Promise<void> {
    this.#batch.push(fd);
    if (this.#batch.length >= BATCH) await this.settle();
  }

  /** Waits for all; never throws. */
  async settle(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length >= WORTH_FLUSHING) await this.#ops.flush(batch[0]!);
    await Promise.all(batch.map((fd) => this.#sync(fd)));
  }

  /** Throws the first error of a sync. */
  check(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  async #sync(fd: number): Promise<void> {
    try {
      await this.#ops.sync(fd);
    } catch (error) {
      // Kept for `check`: the other files are synced and closed all the same.
      this.#error ??= error;
    }
    try {
      this.#ops.close(fd);
    } catch (error) {
      // The same.
      this.#error ??= error;
    }
  }
}
