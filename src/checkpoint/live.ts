import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, type Stats } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../base/index.js";
import type { Env } from "./git.js";
import { Repo } from "./repo.js";
import type { Allowance, Content, Folder, Leaf, Node } from "./tree.js";

/** The last: git's index, as the line has it, was found to have this very file. */
type Row = readonly [string, string, number, number, number, number, number, Content, 1?];

/** A folder as a line of the file; it stands for all that was said of the folder before. */
interface Line {
  readonly path: string;
  readonly mode: number;
  readonly prefix: string;
  readonly workTree?: string;
  /** `Repo.reading` of the repository. */
  readonly index?: string;
  readonly ignored?: Allowance;
  readonly listed?: Folder["listed"];
  readonly rows: readonly Row[];
}

/** A file that was read, to be gone on with; `stamp` tells whether it is still that one. */
export interface Origin {
  readonly path: string;
  readonly stamp: string;
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

  /** Appends what is not on disk yet, at first to `origin`, where that is still there for the taking. Throws system errors. */
  save(roots: ReadonlyMap<string, Folder>, origin?: Origin): void {
    const isWhole = this.#fd === undefined && !this.#adopt(origin);
    this.#fd ??= openSync(this.#path, "w", 0o600);
    let lines: string[] = [];
    const flush = (): void => {
      writeWhole(this.#fd!, Buffer.from(lines.join("")));
      lines = [];
    };
    const walk = (folder: Folder, path: string): void => {
      if (folder.unsaved || isWhole) {
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
    this.#close();
    rmSync(this.#path, { force: true });
  }

  /** Puts it, brought up to date, where another process may go on with it; nothing is done when it was never written. Throws system errors. */
  handOver(roots: ReadonlyMap<string, Folder>, path: string): void {
    if (this.#fd === undefined) return;
    this.save(roots);
    this.#close();
    renameSync(this.#path, path);
  }

  #adopt(origin: Origin | undefined): boolean {
    if (origin === undefined) return false;
    try {
      renameSync(origin.path, this.#path);
      const fd = openSync(this.#path, "a", 0o600);
      if (stampOf(fstatSync(fd)) === origin.stamp) this.#fd = fd;
      else closeSync(fd);
    } catch {
      // Another process has taken it meanwhile: then it is written anew.
    }
    return this.#fd !== undefined;
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** The tree of a live file. */
export interface ReadLive {
  /** By its roots. */
  readonly trees: Map<string, Folder>;
  readonly stamp: string;
  /** More than half of it is of no use any more. */
  readonly isBloated: boolean;
}

/** The tree of a live file; undefined when it is not there or not whole. */
export function readLive(path: string, roots: readonly string[], env: Env): ReadLive | undefined {
  const read = readText(path);
  if (read === undefined) return undefined;
  const lines = new Map<string, Line>();
  const texts = read.text.split("\n").slice(0, -1);
  for (const text of texts) {
    try {
      const folder = JSON.parse(text) as Line;
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
  return { trees, stamp: read.stamp, isBloated: texts.length > 2 * lines.size };
}

function readText(path: string): { readonly text: string; readonly stamp: string } | undefined {
  try {
    const fd = openSync(path, "r");
    try {
      return { text: readFileSync(fd, "utf8"), stamp: stampOf(fstatSync(fd)) };
    } finally {
      closeSync(fd);
    }
  } catch {
    // Never written, or taken away: then what happened can't be known.
    return undefined;
  }
}

function stampOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino}:${size}:${mtimeMs}`;
}

interface Source {
  readonly lines: ReadonlyMap<string, Line>;
  readonly repos: Map<string, Repo | undefined>;
  readonly env: Env;
}

function lineOf(folder: Folder, path: string): Line {
  const { mode, prefix, repo, ignored, listed } = folder;
  const index = repo?.reading;
  const rows = [...folder.children].map(([name, node]): Row => {
    if (node.kind === "folder") return [name, "d", 0, 0, 0, 0, 0, ""];
    const row = [name, KINDS[node.kind], node.mode, node.size, node.mtime, node.ctime, node.ino, node.content] as const;
    return index !== undefined && node.vouched === index ? [...row, 1] : row;
  });
  return {
    path,
    mode,
    prefix,
    ...(repo === undefined ? {} : { workTree: repo.workTree }),
    ...(index === undefined ? {} : { index }),
    ...(ignored === undefined ? {} : { ignored }),
    ...(listed === undefined ? {} : { listed }),
    rows,
  };
}

function folderOf(line: Line, source: Source): Folder {
  const children = new Map<string, Node>();
  const { mode, prefix, workTree, index, ignored, listed } = line;
  const repo = workTree === undefined ? undefined : repoAt(workTree, source);
  for (const row of line.rows) {
    const [name, kind] = row;
    const below = kind === "d" ? source.lines.get(`${line.path}/${name}`) : undefined;
    if (kind !== "d")
      children.set(name, leafOf(row, index !== undefined && index === repo?.reading ? index : undefined));
    else if (below !== undefined) children.set(name, folderOf(below, source));
  }
  return {
    kind: "folder",
    mode,
    mtime: 0,
    ctime: 0,
    ino: 0,
    children,
    listed,
    blind: false,
    repo,
    prefix,
    ignored,
    unsaved: false,
    isGone: false,
  };
}

/** `index`: git's, when it is still as the line has it. */
function leafOf([, kind, mode, size, mtime, ctime, ino, content, isVouched]: Row, index: string | undefined): Leaf {
  const leaf: Leaf = { kind: KIND_OF[kind] ?? "uncovered", mode, size, mtime, ctime, ino, content };
  if (!content.startsWith("git:")) return leaf;
  if (isVouched === 1 && index !== undefined) leaf.vouched = index;
  else leaf.isUnsure = true;
  return leaf;
}

function repoAt(workTree: string, { repos, env }: Source): Repo | undefined {
  if (!repos.has(workTree)) {
    const repo = Repo.at(workTree, env);
    repo?.refresh();
    repos.set(workTree, repo);
  }
  return repos.get(workTree);
}
