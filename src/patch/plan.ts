import { resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileChange } from "../protocol/index.js";
import { describeChanges, type PlannedFile } from "./diff.js";
import { changing, type Edit, editsOf, joined, spliced } from "./edit.js";
import { errorText, type FileOps, nodeFileOps } from "./file-ops.js";
import { Finder } from "./finder.js";
import { placeHunks } from "./match.js";
import { type Hunk, type Patch, quote, type Refusal, refuse, type Section } from "./patch.js";
import { type PlannedStep, plannedFiles, plannedSteps } from "./planned.js";
import { openText } from "./text.js";
import { type Node, Tree } from "./tree.js";

/** What a patch will do, checked against the files as they are; nothing has been written. */
export interface PatchPlan {
  /** Real absolute paths of all that will be written, made, moved or deleted, each once; for `insideRoots`. */
  readonly paths: readonly string[];
  /** "Success. Updated the following files:\nA x\nM y\nD z\n": added, changed, deleted; paths as written in the patch. */
  readonly summary: string;
  /** What to show for approval, keyed by absolute path; empty with `describe: "nothing"`. */
  readonly changes: Readonly<Record<string, FileChange>>;
  /** Every file that will differ, with old and new content; none with `place: "late"`. */
  readonly files: readonly PlannedFile[];
  readonly steps: readonly PlannedStep[];
}

export interface PlanOptions {
  /** Absolute; relative paths of the patch start there. */
  readonly cwd: string;
  /** Whether a real path may be written; the plan is refused when one may not. All may, by default. */
  readonly allowed?: (realPath: string) => boolean;
  /** Once aborted, the plan is refused. */
  readonly signal?: AbortSignal;
  /** Diffs take a while on large files; who doesn't show them leaves them out. Default "changes". */
  readonly describe?: "changes" | "nothing";
  /**
   * `late`: hunks are placed when their file is staged, where nothing else depends on it; so each file is read once, and what it
   * holds is not kept. Nothing can be described then, and `applyPlan` may find a plan `unfit`. Default "now".
   */
  readonly place?: "now" | "late";
  readonly ops?: FileOps;
}

/**
 * Works out a patch on the files as they are, section after section, each seeing what those before it did.
 * An existing file is overwritten by an add or a move onto it; folders are never replaced or deleted.
 */
export async function planPatch(
  patch: Patch,
  { cwd, allowed = () => true, signal, describe = "changes", place = "now", ops = nodeFileOps }: PlanOptions,
): Promise<{ readonly ok: true; readonly plan: PatchPlan } | Refusal> {
  const tree = new Tree(ops);
  const folder = resolve(cwd);
  let rested = performance.now();
  for (const section of patch.sections) {
    const waits = place === "late" && planLate(tree, folder, section);
    const wrong = waits ? undefined : await planSection(tree, folder, section);
    if (wrong !== undefined) return refuse(`${section.type} ${quote(section.path)}: ${wrong.message}`);
    // Long patches leave room for others, and for the signal.
    if (performance.now() - rested > 20) {
      await nextTurn();
      rested = performance.now();
    }
    if (signal?.aborted === true) return refuse("the patch was cancelled; no file was changed");
  }
  const wrong = tree.conflict();
  if (wrong !== undefined) return wrong;
  const steps = plannedSteps(tree.nodes());
  for (const node of tree.nodes()) {
    if (allowed(node.real)) continue;
    return refuse(`${quote(node.path)} leads to ${quote(node.real)}, which is outside the folders that may be written`);
  }
  const readOnly = steps.find(({ kind, real }) => (kind === "write" || kind === "inplace") && !ops.writable(real));
  if (readOnly !== undefined) return refuse(`${quote(readOnly.real)} may not be written: permission denied`);
  const paths = [...new Set(tree.nodes().map((node) => node.real))];
  const files = place === "now" ? plannedFiles(tree.nodes()) : [];
  const changes = describe === "changes" ? await describeChanges(files) : {};
  return { ok: true, plan: { paths, summary: summaryOf(patch), changes, files, steps } };
}

async function planSection(tree: Tree, cwd: string, section: Section): Promise<Refusal | undefined> {
  try {
    if (section.type === "delete") return await planDelete(tree, cwd, section.path);
    if (section.type === "update") return await planUpdate(tree, cwd, section);
    const place = await tree.node(target(cwd, section.path), "follow");
    if (!place.ok) return place;
    const bytes = Buffer.from(section.content, "utf8");
    place.node.content = { pieces: bytes.length === 0 ? [] : [{ bytes }], source: place.node };
    return undefined;
  } catch (error) {
    // A file that can't be read refuses the patch; nothing was written yet.
    return refuse(errorText(error));
  }
}

/** True when the section can wait. */
function planLate(tree: Tree, cwd: string, section: Section): boolean {
  if (section.type !== "update" || section.moveTo !== undefined || section.hunks.length === 0) return false;
  const node = tree.unread(target(cwd, section.path));
  if (node === undefined) return false;
  const late = (old: Buffer): readonly Edit[] | undefined => {
    try {
      const made = editsFor(old, section.hunks);
      return made.ok ? changing(old, made.edits) : undefined;
    } catch {
      // Why it can't be done, a plan in full tells.
      return undefined;
    }
  };
  node.content = { pieces: [], source: node, late };
  return true;
}

/** The edits that hunks come to in a file. */
function editsFor(bytes: Buffer, hunks: readonly Hunk[]): ReturnType<typeof editsOf> {
  const opened = openText(bytes);
  if (!opened.ok) return opened;
  const placed = placeHunks(new Finder(opened.text), hunks);
  return placed.ok ? editsOf(opened.text, placed.placements) : placed;
}

async function planDelete(tree: Tree, cwd: string, path: string): Promise<Refusal | undefined> {
  const place = await tree.node(target(cwd, path), "keep");
  if (!place.ok) return place;
  if (place.node.content === undefined) return absent(place.node);
  place.node.content = undefined;
  place.node.gone = "deleted by this patch";
  return undefined;
}

async function planUpdate(
  tree: Tree,
  cwd: string,
  section: Extract<Section, { type: "update" }>,
): Promise<Refusal | undefined> {
  const found = await tree.node(target(cwd, section.path), "follow");
  if (!found.ok) return found;
  const { node } = found;
  if (node.content === undefined) return absent(node);
  if (section.hunks.length > 0) {
    const edits = editsFor(joined(node.content.pieces), section.hunks);
    if (!edits.ok) return edits;
    node.content = { pieces: spliced(node.content.pieces, edits.edits), source: node.content.source };
  }
  if (section.moveTo === undefined) return undefined;
  if (found.linked)
    return refuse("it is a symbolic link, and moving one is not defined; delete it, and add what should be");
  const to = await tree.node(target(cwd, section.moveTo), "follow");
  if (!to.ok) return refuse(`move to ${quote(section.moveTo)}: ${to.message}`);
  if (to.node !== node) tree.move(node, to.node);
  return undefined;
}

function absent(node: Node): Refusal {
  return refuse(node.gone === undefined ? "no such file" : `it was ${node.gone}`);
}

/** A part of a path that says where to go, in place of a name. */
const STEP = /(?:^|\/)\.{0,2}(?:\/|$)/;

function target(cwd: string, path: string): string {
  // To resolve a path takes as long as to read a file; most need nothing resolved.
  if (!STEP.test(path) && cwd.length > 1) return `${cwd}/${path}`;
  // A path that ends with a slash means a folder; the tree then refuses it.
  return path.endsWith("/") ? `${resolve(cwd, path)}/` : resolve(cwd, path);
}

function summaryOf(patch: Patch): string {
  const lines = { A: new Set<string>(), M: new Set<string>(), D: new Set<string>() };
  for (const section of patch.sections) {
    if (section.type === "add") lines.A.add(section.path);
    else if (section.type === "delete") lines.D.add(section.path);
    else lines.M.add(section.moveTo ?? section.path);
  }
  const list = (mark: "A" | "M" | "D") => [...lines[mark]].map((path) => `${mark} ${path}\n`).join("");
  return `Success. Updated the following files:\n${list("A")}${list("M")}${list("D")}`;
}
