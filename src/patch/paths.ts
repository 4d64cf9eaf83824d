import { basename, dirname, join, resolve, sep } from "node:path";
import { errorCode, errorText, type FileOps, type FileStat, nodeFileOps } from "./file-ops.js";
import { quote, type Refusal, refuse } from "./patch.js";

/** Where a path of a patch really leads. */
export interface Place {
  readonly ok: true;
  /** The folder's real path; it may still have to be made. */
  readonly folder: string;
  readonly name: string;
  /** Folder and name: no part of it is a symbolic link, but the last where links were not followed. */
  readonly real: string;
  /** Folders that have to be made for it, outermost first. */
  readonly missing: readonly string[];
  /** What stands there. */
  readonly stat?: FileStat;
  /** The path's last part is a symbolic link (that was followed, or not). */
  readonly linked: boolean;
}

type Folder = { readonly ok: true; readonly real: string; readonly missing: readonly string[] } | Refusal;

/** Resolves paths against the file system; each folder is looked up once in the life of a resolver. */
export class PathResolver {
  readonly #ops: FileOps;
  readonly #folders = new Map<string, Folder>();

  constructor(ops: FileOps) {
    this.#ops = ops;
  }

  /** `path` is absolute and has no `..`. A link at its end is followed, or is itself the place. */
  resolve(path: string, links: "follow" | "keep"): Place | Refusal {
    try {
      return this.#resolve(path, links);
    } catch (error) {
      // A path that can't be looked up (too long, no permission) is the patch's problem, not ours.
      return refuse(`${quote(path)}: ${errorText(error)}`);
    }
  }

  /** The real path of a folder, or what it will be once the missing parts are made. */
  folder(path: string): Folder {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const found = this.#folder(path);
    this.#folders.set(path, found);
    return found;
  }

  #resolve(path: string, links: "follow" | "keep"): Place | Refusal {
    const folder = this.folder(dirname(path));
    if (!folder.ok) return folder;
    const name = basename(path);
    if (name === "") return refuse(`${quote(path)} is a folder`);
    // As `join` makes it, of two parts that need nothing made of them.
    const real = folder.real.endsWith("/") ? folder.real + name : `${folder.real}/${name}`;
    const stat = this.#ops.lstat(real);
    const place = {
      ok: true,
      folder: folder.real,
      name,
      real,
      missing: folder.missing,
      linked: stat?.kind === "link",
    } as const;
    if (stat === undefined) return place;
    if (stat.kind !== "link" || links === "keep") return { ...place, stat };
    const target = this.#realpath(real);
    if (target === undefined) return refuse(`${quote(path)} is a symbolic link that leads nowhere`);
    const there = this.#ops.lstat(target);
    const led = { ...place, folder: dirname(target), name: basename(target), real: target };
    return there === undefined ? led : { ...led, stat: there };
  }

  #folder(path: string): Folder {
    const real = this.#realpath(path);
    if (real !== undefined) {
      if (this.#ops.lstat(real)?.kind === "folder") return { ok: true, real, missing: [] };
      return refuse(`${quote(path)} is not a folder`);
    }
    if (this.#ops.lstat(path) !== undefined) return refuse(`${quote(path)} is a symbolic link that leads nowhere`);
    const parent = this.folder(dirname(path));
    if (!parent.ok) return parent;
    const made = join(parent.real, basename(path));
    return { ok: true, real: made, missing: [...parent.missing, made] };
  }

  #realpath(path: string): string | undefined {
    try {
      return this.#ops.realpath(path);
    } catch (error) {
      // Not there is an answer; anything else is the caller's.
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** The real paths of roots, for `insideRoots`; a root that isn't there counts as where it would be made. */
export function realRoots(roots: readonly string[], ops: FileOps = nodeFileOps): string[] {
  const resolver = new PathResolver(ops);
  const real: string[] = [];
  for (const root of roots) {
    try {
      const folder = resolver.folder(root);
      if (folder.ok) real.push(folder.real);
    } catch {
      // A root that can't be looked up allows nothing.
    }
  }
  return real;
}

/** Whether all the real paths (`PatchPlan.paths`) are real roots or below one. A path with `..` in it is not. */
export function insideRoots(realPaths: string | readonly string[], roots: readonly string[]): boolean {
  const paths = typeof realPaths === "string" ? [realPaths] : realPaths;
  return paths.every(
    (path) =>
      resolve(path) === path &&
      roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)),
  );
}
