import { resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileChange } from "../protocol/index.js";
import { describeChanges, type PlannedFile } from "./diff.js";
import { editsOf, joined, spliced } from "./edit.js";
import { errorText, type FileOps, nodeFileOps } from "./file-ops.js";
import { Finder } from "./finder.js";
import { placeHunks } from "./match.js";
import { type Patch, quote, type Refusal, refuse, type Section } from "./patch.js";
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
  /** Every file that will differ, with old and new content. */
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
  readonly ops?: FileOps;
}

/**
 * Works out a patch on the files as they are, section after section, each seeing what those before it did.
 * An existing file is overwritten by an add or a move onto it; folders are never replaced or deleted.
 */
export async function planPatch(
  patch: Patch,
  { cwd, allowed = () => true, signal, describe = "changes", ops = nodeFileOps }: PlanOptions,
): Promise<{ readonly ok: true; readonly plan: PatchPlan } | Refusal> {
  const tree = new Tree(ops);
  let rested = performance.now();
  for (const section of patch.sections) {
    const wrong = await planSection(tree, cwd, section);
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
  const files = plannedFiles(tree.nodes());
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
    const opened = openText(joined(node.content.pieces));
    if (!opened.ok) return opened;
    const placed = placeHunks(new Finder(opened.text), section.hunks);
    if (!placed.ok) return placed;
    const edits = editsOf(opened.text, placed.placements);
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

function target(cwd: string, path: string): string {
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
