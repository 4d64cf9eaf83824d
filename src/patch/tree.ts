import { dirname } from "node:path";
import type { Edit, Piece } from "./edit.js";
import type { FileOps, FileStat } from "./file-ops.js";
import { quote, type Refusal, refuse } from "./patch.js";
import { PathResolver, type Place } from "./paths.js";

/** A file on disk when the patch was planned. */
export interface Original {
  readonly stat: FileStat;
  /** Undefined for a symbolic link, for a file too large to hold, and for one that is read late. */
  readonly bytes: Buffer | undefined;
  /** Its times can't tell whether it is written again: its bytes have to be compared. */
  readonly fresh: boolean;
}

/** What a file will hold. */
export interface Content {
  readonly pieces: readonly Piece[];
  /** The file whose old bytes the pieces are cut from; another than where the content will stand after a move. */
  readonly source: Node;
  /** In place of pieces: what makes edits of the old bytes, once they are read; undefined when they are not what it takes. */
  readonly late?: (old: Buffer) => readonly Edit[] | undefined;
}

/** One file while a patch is planned. */
export interface Node {
  readonly folder: string;
  readonly name: string;
  readonly real: string;
  /** Absolute, as the patch first named it: links not resolved. */
  readonly path: string;
  readonly missing: readonly string[];
  original: Original | undefined;
  content: Content | undefined;
  /** Why there is no content: "deleted by this patch". */
  gone?: string;
  movedTo?: Node;
}

/** Bytes a plan holds of all its files together. */
const MAX_HELD = 1024 * 1024 * 1024;
/** Bytes of a file that may be read late. */
export const MAX_LATE = 1024 * 1024;
/** Times kept to the nanosecond move on with the system's clock, every 10 ms at most; twice that, in ms. */
const TICK = 20;
/** File systems keep times no more coarsely than this, in ms. */
const COARSE = 2000;

/** The files a patch names as they will be, step by step; each is read once, when it is first named. */
export class Tree {
  readonly #ops: FileOps;
  readonly #resolver: PathResolver;
  readonly #nodes = new Map<string, Node>();
  #held = 0;

  constructor(ops: FileOps) {
    this.#ops = ops;
    this.#resolver = new PathResolver(ops);
  }

  nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  /** The file at an absolute path; `linked` when its last part is a symbolic link. */
  async node(
    path: string,
    links: "follow" | "keep",
  ): Promise<{ readonly ok: true; readonly node: Node; readonly linked: boolean } | Refusal> {
    if (path.length > 1 && path.endsWith("/")) return refuse("the path names a folder");
    const place = this.#resolver.resolve(path, links);
    if (!place.ok) return place;
    const { real, stat, linked } = place;
    const known = this.#nodes.get(real);
    if (known?.content?.late !== undefined) return refuse("what it will hold is not worked out yet");
    if (known !== undefined) return { ok: true, node: known, linked };
    if (stat?.kind === "folder") return refuse("it is a folder");
    if (stat?.kind === "other") return refuse("it is not a regular file");
    if (stat === undefined) return { ok: true, node: this.#add(path, place, undefined), linked };
    const original = await this.#read(real, stat);
    const { bytes } = original;
    if (bytes === undefined && links === "follow") return refuse("it is too large for a patch");
    const node = this.#add(path, place, original);
    const pieces = bytes === undefined || bytes.length === 0 ? [] : [{ bytes, from: 0 }];
    node.content = { pieces, source: node };
    return { ok: true, node, linked };
  }

  /** A file that can be read as late as when it is written, as nothing but its content will be other; it is given no content. */
  unread(path: string): Node | undefined {
    if (path.endsWith("/")) return undefined;
    const place = this.#resolver.resolve(path, "follow");
    if (!place.ok || this.#nodes.has(place.real)) return undefined;
    const { stat } = place;
    // A fresh one has to be compared.
    if (stat?.kind !== "file" || stat.size > MAX_LATE || isFresh(stat)) return undefined;
    return this.#add(path, place, { stat, bytes: undefined, fresh: false });
  }

  /** The content of one file becomes that of another. */
  move(from: Node, to: Node): void {
    // On a file system that ignores case, `a` and `A` are one file: a move between them is onto nothing.
    if (to.original !== undefined && this.#isAlias(from, to)) to.original = undefined;
    to.content = from.content;
    from.content = undefined;
    from.gone = `moved to ${quote(to.path)} by this patch`;
    from.movedTo = to;
  }

  /** Files that can't be at the same time: one below another, or two names of one file that both change. */
  conflict(): Refusal | undefined {
    const present = this.nodes().filter((node) => node.content !== undefined);
    const inodes = new Map<string, Node>();
    const free = new Set<string>();
    for (const node of present) {
      for (let folder = node.folder; !free.has(folder); folder = dirname(folder)) {
        if (this.#nodes.get(folder)?.content !== undefined) {
          return refuse(`${quote(node.path)} can't be below ${quote(folder)}, which is a file`);
        }
        free.add(folder);
      }
      const inode = node.original?.stat.inode;
      if (inode === undefined) continue;
      const other = inodes.get(inode);
      if (other !== undefined) return refuse(`${quote(node.path)} and ${quote(other.path)} are one file (hard links)`);
      inodes.set(inode, node);
    }
    return undefined;
  }

  /** A file without content so far. */
  #add(path: string, { folder, name, real, missing }: Place, original: Original | undefined): Node {
    const node: Node = { folder, name, real, path, missing, original, content: undefined };
    this.#nodes.set(real, node);
    return node;
  }

  async #read(path: string, stat: FileStat): Promise<Original> {
    if (stat.kind === "link") return { stat, bytes: undefined, fresh: false };
    if (this.#held + stat.size > MAX_HELD) return { stat, bytes: undefined, fresh: false };
    const { fd, stat: opened } = this.#ops.open(path, "read");
    try {
      const bytes = await this.#ops.read(fd, Math.min(opened.size, MAX_HELD - this.#held));
      this.#held += bytes.length;
      return { stat: opened, bytes, fresh: isFresh(opened) };
    } finally {
      this.#ops.close(fd);
    }
  }

  #isAlias(from: Node, to: Node): boolean {
    if (from.original?.stat.inode !== to.original?.stat.inode || from.folder !== to.folder) return false;
    if (from.name.toLowerCase() !== to.name.toLowerCase()) return false;
    return !this.#ops.list(to.folder).includes(to.name);
  }
}

/** Whether a write now could leave the times of the file as they are. The whole milliseconds of coarse ones show. */
export function isFresh({ changed, modifiedMs }: FileStat): boolean {
  const youngest = Math.max(modifiedMs, Number(changed / 1_000_000n));
  return Date.now() - youngest < (changed % 1_000_000n === 0n ? COARSE : TICK);
}
