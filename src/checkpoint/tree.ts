import type { Stats } from "node:fs";
import type { Repo } from "./repo.js";
import type { State } from "./types.js";

/**
 * Where the bytes of a file are: `sha:` in the object store, `git:` in the repository of its folder, `link:` the target
 * itself, `none:` nowhere, and why; "" not kept yet.
 */
export type Content = "" | `${"sha" | "git" | "link" | "none"}:${string}`;

/** A path that is no folder to us, as it was last seen. `uncovered`: not looked into; `ignored`: the same, by git's rules. */
export interface Leaf {
  readonly kind: "file" | "link" | "uncovered" | "ignored";
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly ino: number;
  content: Content;
  /** Which content of git's index was found to have this very file (`Repo.reading`). */
  vouched?: string | undefined;
  /** Read from disk: whether git still has its content is to be found out. */
  isUnsure?: boolean;
}

/** A folder as it was last seen, with all below it. */
export interface Folder {
  readonly kind: "folder";
  mode: number;
  mtime: number;
  ctime: number;
  ino: number;
  readonly children: Map<string, Node>;
  /** The times at which its names were read, and when that was, Unix ms; undefined: not yet. */
  listed: { readonly mtime: number; readonly ctime: number; readonly at: number } | undefined;
  /** Nothing is known of what is in it, so that what is found is no change. */
  blind: boolean;
  repo: Repo | undefined;
  /** Its path in the repository, "" or ending with "/". */
  prefix: string;
  /** Of a folder that git ignores, and all below it: what is left of its budget. */
  readonly ignored: Allowance | undefined;
  /** Not on disk yet as it is now. */
  unsaved: boolean;
  /** Of a root that was there and is not. */
  isGone: boolean;
}

export interface Allowance {
  entries: number;
  bytes: number;
}

export type Node = Leaf | Folder;

/** What a scan found of one path; undefined where nothing was, or is. Folders stand for themselves, without what is in them. */
export interface Difference {
  readonly path: string;
  readonly before: Node | undefined;
  readonly after: Node | undefined;
  /** The one its folder belongs to. */
  readonly repo: Repo | undefined;
}

export function folderFrom(stat: Stats, place: Pick<Folder, "repo" | "prefix" | "ignored" | "blind">): Folder {
  return {
    kind: "folder",
    mode: stat.mode & 0o7777,
    mtime: stat.mtimeMs,
    ctime: stat.ctimeMs,
    ino: stat.ino,
    children: new Map(),
    listed: undefined,
    ...place,
    unsaved: true,
    isGone: false,
  };
}

export function leafFrom(stat: Stats, kind: Leaf["kind"], content: Content): Leaf {
  const { mode, size, mtimeMs, ctimeMs, ino } = stat;
  return { kind, mode: mode & 0o7777, size, mtime: mtimeMs, ctime: ctimeMs, ino, content };
}

/** What is put on record of a node; contents that git alone has must have been brought over before. */
export function stateOf(node: Node | undefined): State | null {
  if (node === undefined) return null;
  if (node.kind === "folder") return { kind: "folder", mode: node.mode };
  const [place, rest] = [
    node.content.slice(0, node.content.indexOf(":")),
    node.content.slice(node.content.indexOf(":") + 1),
  ];
  if (node.kind === "uncovered") return { kind: "uncovered", why: rest };
  if (node.kind === "ignored") return { kind: "uncovered", why: rest, ignored: true };
  if (node.kind === "link") return { kind: "link", target: rest };
  const { mode, size, mtime, ctime, ino } = node;
  const kept = place === "sha" ? { sha: rest } : { why: place === "none" ? rest : "its content was not kept" };
  return { kind: "file", mode, size, ino, mtime, ctime, ...kept };
}
