import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeFolder } from "../base/index.js";
import type { Env } from "./git.js";
import { checkpointsFolder, TREES } from "./journal.js";
import type { Placed } from "./keep.js";
import { type LiveFile, type Origin, readLive } from "./live.js";
import type { ObjectStore } from "./objects.js";
import { repoAbove } from "./repo.js";
import type { Folder } from "./tree.js";

/** What an earlier process knew of folders: as a beginning for a look, which finds what is different by now. */
export interface KeptTree {
  readonly trees: Map<string, Folder>;
  /** Files whose content has to be kept again. */
  readonly unkept: Placed[];
  readonly origin: Origin | undefined;
}

interface Place {
  readonly home: string;
  readonly roots: readonly string[];
}

/** Reads what an earlier process left of these folders; undefined when there is nothing of use. */
export function readKeptTree(
  place: Place,
  { store, env }: { readonly store: ObjectStore; readonly env: Env },
): KeptTree | undefined {
  const path = pathOf(place);
  const read = readLive(path, place.roots, env);
  if (read === undefined) return undefined;
  const { trees, stamp, isBloated } = read;
  const unkept: Placed[] = [];
  for (const [root, folder] of trees) {
    if (folder.repo?.workTree !== repoAbove(root, env)?.workTree) return undefined;
    refit(folder, root, { store, unkept });
  }
  return { trees, unkept, origin: isBloated ? undefined : { path, stamp } };
}

/** Leaves a tree to whoever looks at the folders next. Throws system errors. */
export function keepTree(place: Place, live: LiveFile, trees: ReadonlyMap<string, Folder>): void {
  makeFolder(join(checkpointsFolder(place.home), TREES));
  live.handOver(trees, pathOf(place));
}

function pathOf({ home, roots }: Place): string {
  const name = createHash("sha256").update(JSON.stringify(roots)).digest("hex").slice(0, 32);
  return join(checkpointsFolder(home), TREES, `${name}.jsonl`);
}

/** Forgets what may have become another matter: what is ignored, and contents that were not kept or were cleaned up. */
function refit(
  folder: Folder,
  path: string,
  keeping: { readonly store: ObjectStore; readonly unkept: Placed[] },
): void {
  for (const [name, node] of folder.children) {
    const at = `${path}/${name}`;
    if (node.kind === "ignored" || (node.kind === "folder" && node.ignored !== undefined)) {
      folder.children.delete(name);
      folder.listed = undefined;
      folder.unsaved = true;
    } else if (node.kind === "folder") refit(node, at, keeping);
    else if (node.kind === "file" && !isKept(node.content, keeping.store)) {
      node.content = "";
      folder.unsaved = true;
      keeping.unkept.push({ path: at, leaf: node });
    }
  }
}

function isKept(content: string, store: ObjectStore): boolean {
  return content.startsWith("git:") || (content.startsWith("sha:") && store.has(content.slice("sha:".length)));
}
