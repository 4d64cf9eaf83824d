import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "./git.js";
import { Repo } from "./repo.js";
import type { Allowance, Content, Folder, Leaf, Node } from "./tree.js";

type Row = readonly [string, string, number, number, number, number, number, Content];

/** A folder as a line of the file; it stands for all that was said of the folder before. */
interface Line {
  readonly path: string;
  readonly mode: number;
  readonly prefix: string;
  readonly workTree?: string;
  readonly ignored?: Allowance;
  readonly rows: readonly Row[];
}

const KINDS = { file: "f", link: "l", uncovered: "u", ignored: "i" } as const;
const KIND_OF: Readonly<Record<string, Leaf["kind"]>> = { f: "file", l: "link", u: "uncovered", i: "ignored" };
const BATCH = 256;

/**
 * The tree as it was before the call that runs, on disk: what a killed process leaves, so that what its last call changed
 * can still be found out. Folders are appended when they change.
 */
export class LiveFile {
  /** In its conversation's folder. */
  readonly name: string;
  readonly #path: string;
  #fd: number | undefined;

  constructor(folder: string, name: string) {
    this.name = name;
    this.#path = join(folder, name);
  }

  /** Appends what is not on disk yet. Throws system errors. */
  save(roots: ReadonlyMap<string, Folder>): void {
    this.#fd ??= openSync(this.#path, "w", 0o600);
    let lines: string[] = [];
    const flush = (): void => {
      const bytes = Buffer.from(lines.join(""));
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd!, bytes, at);
      lines = [];
    };
    const walk = (folder: Folder, path: string): void => {
      if (folder.unsaved) {
        lines.push(`${JSON.stringify(lineOf(folder, path))}\n`);
        folder.unsaved = false;
        if (lines.length >= BATCH) flush();
      }
      for (const [name, child] of folder.children) if (child.kind === "folder") walk(child, `${path}/${name}`);
    };
    for (const [path, root] of roots) walk(root, path);
    if (lines.length > 0) flush();
  }

  /** Closes and removes it: nothing of it is needed any more. */
  discard(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.#path, { force: true });
  }
}

/** The tree of a live file, by its roots; undefined when it is not there or not whole. */
export function readLive(path: string, roots: readonly string[], env: Env): Map<string, Folder> | undefined {
  const lines = new Map<string, Line>();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // Never written, or taken away: then what happened can't be known.
    return undefined;
  }
  for (const line of text.split("\n").slice(0, -1)) {
    try {
      const folder = JSON.parse(line) as Line;
      lines.set(folder.path, folder);
    } catch {
      // Zeros or a torn line in the middle: it can't be told what is missing.
      return undefined;
    }
  }
  const repos = new Map<string, Repo | undefined>();
  const trees = new Map<string, Folder>();
  for (const root of roots) {
    const line = lines.get(root);
    if (line === undefined) return undefined;
    trees.set(root, folderOf(line, { lines, repos, env }));
  }
  return trees;
}

interface Source {
  readonly lines: ReadonlyMap<string, Line>;
  readonly repos: Map<string, Repo | undefined>;
  readonly env: Env;
}

function lineOf(folder: Folder, path: string): Line {
  const rows = [...folder.children].map(([name, node]): Row => {
    if (node.kind === "folder") return [name, "d", 0, 0, 0, 0, 0, ""];
    return [name, KINDS[node.kind], node.mode, node.size, node.mtime, node.ctime, node.ino, node.content];
  });
  const { mode, prefix, repo, ignored } = folder;
  return {
    path,
    mode,
    prefix,
    ...(repo === undefined ? {} : { workTree: repo.workTree }),
    ...(ignored === undefined ? {} : { ignored }),
    rows,
  };
}

function folderOf(line: Line, source: Source): Folder {
  const children = new Map<string, Node>();
  for (const row of line.rows) {
    const [name, kind, mode, size, mtime, ctime, ino, content] = row;
    const below = kind === "d" ? source.lines.get(`${line.path}/${name}`) : undefined;
    if (kind !== "d")
      children.set(name, { kind: KIND_OF[kind] ?? "uncovered", mode, size, mtime, ctime, ino, content });
    else if (below !== undefined) children.set(name, folderOf(below, source));
  }
  const { mode, prefix, workTree, ignored } = line;
  if (workTree !== undefined && !source.repos.has(workTree)) source.repos.set(workTree, Repo.at(workTree, source.env));
  return {
    kind: "folder",
    mode,
    mtime: 0,
    ctime: 0,
    ino: 0,
    children,
    listed: undefined,
    blind: false,
    repo: workTree === undefined ? undefined : source.repos.get(workTree),
    prefix,
    ignored,
    unsaved: false,
    isGone: false,
  };
}
