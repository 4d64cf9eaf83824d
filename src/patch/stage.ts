import { setImmediate as nextTurn } from "node:timers/promises";
import { errorCode, type FileOps, type FileStat } from "./file-ops.js";
import { LateReader, named } from "./late.js";
import type { PlannedStep } from "./planned.js";
import { pathOf, type Site, type Staged } from "./steps.js";
import { Syncs } from "./syncs.js";

/** A link can't be made here, but something else can. */
const NO_LINKS = new Set(["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EXDEV", "ENOSYS"]);

/** Steps whose files are read before the first of them is written: to do the same thing again goes faster than to change about. */
const TOGETHER = 16;

/**
 * Writes the new content of every step, and what it can be undone by, beside its file, synced to the disk; the files
 * themselves stay as they are. Throws system errors; what was staged until then is the caller's to discard.
 */
export async function stageSteps(
  site: Site,
  steps: readonly PlannedStep[],
  signal: AbortSignal,
): Promise<readonly Staged[] | "cancelled" | "unfit"> {
  const syncs = new Syncs(site.ops, steps.length);
  const reader = new LateReader(site);
  const staged: Staged[] = [];
  let rested = performance.now();
  try {
    for (let from = 0; from < steps.length; from += TOGETHER) {
      const ready = reader.read(steps.slice(from, from + TOGETHER));
      if (ready === undefined) return "unfit";
      for (const step of ready) {
        if (signal.aborted) return "cancelled";
        staged.push(await stageStep(site, step, { at: staged.length, syncs }));
        if (performance.now() - rested <= 20) continue;
        await nextTurn();
        rested = performance.now();
      }
    }
    await syncs.done();
  } finally {
    syncs.close();
  }
  return staged;
}

interface Staging {
  readonly at: number;
  readonly syncs: Syncs;
}

async function stageStep(site: Site, step: PlannedStep, staging: Staging): Promise<Staged> {
  const { ops } = site;
  const { at } = staging;
  try {
    const fresh = pathOf(site, step, at, "new");
    const old = pathOf(site, step, at, "old");
    const file = pathOf(site, step, "file");
    if (step.kind === "delete") {
      if (linked(ops, file, old)) return { now: "", backup: "link" };
      ops.close(ops.create(fresh, 0o600));
      return { now: "", backup: "rename" };
    }
    const now = moved(site, step, fresh) ?? (await writeNew(site, step, staging));
    if (step.kind === "inplace") {
      await writeFile(site, step, { ...staging, suffix: "old", mode: 0o600, parts: [step.old!] });
      return { now, backup: "copy" };
    }
    if (linked(ops, step.kind === "create" ? fresh : file, old)) return { now, backup: "link" };
    if (step.kind === "create") ops.close(ops.create(old, 0o600));
    return { now, backup: "rename" };
  } catch (error) {
    throw named(step, error);
  }
}

/** The version of a file that moves as it is, by a link to it; undefined when it has to be copied. */
function moved(site: Site, step: PlannedStep, fresh: string): string | undefined {
  if (step.linkFrom === undefined) return undefined;
  const source = site.folders.at(step.linkFrom.folder, step.linkFrom.name);
  return linked(site.ops, source, fresh) ? site.ops.lstat(fresh)?.version : undefined;
}

/** The version of the file written. */
function writeNew(site: Site, step: PlannedStep, staging: Staging): Promise<string> {
  const { attributes, pieces } = step;
  const mode = attributes === undefined ? 0o666 : attributes.mode & 0o777;
  return writeFile(site, step, {
    ...staging,
    suffix: "new",
    mode,
    attributes,
    parts: pieces.map(({ bytes }) => bytes),
  });
}

interface Writing extends Staging {
  readonly suffix: "new" | "old";
  readonly mode: number;
  readonly attributes?: PlannedStep["attributes"] | undefined;
  readonly parts: readonly Buffer[];
}

async function writeFile(site: Site, step: PlannedStep, writing: Writing): Promise<string> {
  const { at, syncs, suffix, mode, attributes, parts } = writing;
  const { ops } = site;
  const path = () => pathOf(site, step, at, suffix);
  const fd = ops.create(path(), mode);
  let stat: FileStat;
  try {
    await ops.write(fd, parts);
    stat = ops.stat(fd);
    if (attributes !== undefined) giveAttributes(ops, fd, { stat, attributes });
  } catch (error) {
    // The descriptor is ours until it is taken over.
    ops.close(fd);
    throw error;
  }
  syncs.add(fd, stat.device, path);
  return stat.version;
}

interface Giving {
  readonly stat: FileStat;
  readonly attributes: NonNullable<PlannedStep["attributes"]>;
}

function giveAttributes(ops: FileOps, fd: number, { stat, attributes }: Giving): void {
  const foreign = stat.uid !== attributes.uid || stat.gid !== attributes.gid;
  if (foreign) giveTo(ops, fd, attributes);
  // Changing the owner may take mode bits away.
  if (foreign || stat.mode !== attributes.mode) ops.chmod(fd, attributes.mode);
}

function giveTo(ops: FileOps, fd: number, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  try {
    ops.chown(fd, uid, gid);
  } catch (error) {
    // Only root may give files away; a moved file then is ours.
    if (errorCode(error) !== "EPERM") throw error;
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
