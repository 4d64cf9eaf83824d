import type { Stats } from "node:fs";
import { lookAt } from "./capture.js";
import type { Env } from "./git.js";
import { Ignored } from "./ignored.js";
import { Repo } from "./repo.js";
import { isSame, isUnnamable, namesOf, specialLeaf, UNNAMABLE } from "./sighting.js";
import { type Difference, type Folder, folderFrom, type Leaf, leafFrom, type Node } from "./tree.js";
import type { Budget, Pace } from "./types.js";

export interface ScanOptions {
  readonly budget: Budget;
  readonly pace: Pace;
  readonly env: Env;
  readonly now: () => number;
  readonly signal: AbortSignal | undefined;
  /** Folders that are passed over, absolute. */
  readonly hidden: ReadonlySet<string>;
  /** When the scan before began, Unix ms; minus infinity when there was none, or it is not known. */
  readonly since: number;
  /** When this one began, Unix ms. */
  readonly from: number;
  /** Folder for a git repository of our own. */
  readonly neutralGitDir: string;
}

/** What a scan found against the one before. */
export interface Scan {
  readonly differences: readonly Difference[];
  /** Files whose content is not kept anywhere yet. */
  readonly unkept: readonly { readonly path: string; readonly leaf: Leaf }[];
  /** The youngest change seen, Unix ms. */
  readonly newest: number;
  /** Files and folders. */
  readonly entries: number;
}

const OVER_BUDGET = "none:git ignores it, and it is over the budget for what is ignored";

/** There is more than the budget allows to look at. */
export class TooMuch extends Error {}

/**
 * Looks at all below a folder and brings it up to date in place: names, kinds, sizes, modes and times, no contents. What is
 * called `.git` is passed over, symbolic links are not followed. Throws `TooMuch`, and the signal's reason.
 */
export async function scanFolder(root: Folder, path: string, options: ScanOptions): Promise<Scan> {
  return new Walk(root, path, options).run();
}

interface Visit {
  readonly folder: Folder;
  readonly path: string;
}

/** `names`: what is in the folder, when that may have changed. */
interface Listed extends Visit {
  readonly names: ReadonlySet<string> | undefined;
}

class Walk {
  readonly #options: ScanOptions;
  readonly #differences: Difference[] = [];
  readonly #unkept: { path: string; leaf: Leaf }[] = [];
  readonly #stack: Visit[] = [];
  /** Folders whose files are still to be looked at. */
  readonly #waiting: Listed[] = [];
  readonly #root: Folder;
  readonly #path: string;
  readonly #ignored: Ignored;
  #entries = 0;
  #newest = 0;

  constructor(root: Folder, path: string, options: ScanOptions) {
    this.#root = root;
    this.#path = path;
    this.#options = options;
    this.#ignored = new Ignored(root, options);
  }

  async run(): Promise<Scan> {
    const root = this.#root;
    const { repo } = root;
    const stat = lookAt(this.#path);
    if (typeof stat !== "object" || !stat.isDirectory()) {
      this.#lose();
      return this.#found();
    }
    if (root.isGone) this.#differences.push({ path: this.#path, before: undefined, after: root, repo });
    root.isGone = false;
    this.#update(root, stat, this.#path);
    repo?.refresh();
    // Git lists what it ignores while its index is read, and looks at its files while we look at folders.
    const isFirst = this.#options.since === Number.NEGATIVE_INFINITY;
    const asking = [
      root.blind ? repo?.load(this.#options.signal) : this.#askForChanged(repo),
      isFirst && root.listed === undefined ? this.#ignored.find(repo) : undefined,
    ];
    const settled = Promise.allSettled(asking);
    try {
      if (root.blind) await Promise.all(asking);
      this.#stack.push({ folder: root, path: this.#path });
      await this.#visitFolders();
      await Promise.all(asking);
      await this.#visitFiles();
    } finally {
      // Nothing of a look goes on behind its end, however it ended.
      await settled;
      repo?.forgetChanged();
    }
    return this.#found();
  }

  async #askForChanged(repo: Repo | undefined): Promise<void> {
    const { budget, neutralGitDir, since, signal } = this.#options;
    if (repo !== undefined && repo.size >= budget.askGitFrom) await repo.findChanged(neutralGitDir, { since, signal });
  }

  #found(): Scan {
    return { differences: this.#differences, unkept: this.#unkept, newest: this.#newest, entries: this.#entries };
  }

  /** The folder itself was taken away, or is a folder no more. */
  #lose(): void {
    const root = this.#root;
    if (root.isGone) return;
    this.#differences.push({ path: this.#path, before: root, after: undefined, repo: root.repo });
    for (const [name, known] of root.children) this.#forget({ folder: root, path: this.#path }, name, known);
    root.listed = undefined;
    root.isGone = true;
  }

  /** The folders that are known, and the names in them; their files are left to wait. */
  async #visitFolders(): Promise<void> {
    const { pace } = this.#options;
    for (let visit = this.#stack.pop(); visit !== undefined; visit = this.#stack.pop()) {
      const { folder, path } = visit;
      const listed = { folder, path, names: namesOf(folder, path, this.#options.now()) };
      if (listed.names?.has(".git") === true) await this.#openNested(visit);
      for (const [name, known] of folder.children) {
        if (known.kind === "folder") await this.#visitOne(listed, name, known);
      }
      this.#waiting.push(listed);
      if (pace.due()) await pace.rest();
    }
  }

  async #visitFiles(): Promise<void> {
    const { pace } = this.#options;
    for (let visit = this.#waiting.pop(); visit !== undefined; visit = this.#waiting.pop()) {
      const { folder, names } = visit;
      if (names !== undefined || !this.#isQuiet(folder)) await this.#visitEach(visit);
      // What is new may be folders.
      if (this.#stack.length > 0) await this.#visitFolders();
      if (pace.due()) await pace.rest();
    }
  }

  /** True when git has just said that nothing happened to the files of the folder, of which no other is known. */
  #isQuiet({ repo, prefix, children }: Folder): boolean {
    if (repo?.isQuiet(prefix) !== true) return false;
    const { reading } = repo;
    let [files, newest] = [0, 0];
    for (const known of children.values()) {
      if (known.kind === "folder") continue;
      if (known.kind !== "file" || known.vouched !== reading) return false;
      files += 1;
      if (known.ctime > newest) newest = known.ctime;
    }
    this.#count(files, newest);
    return true;
  }

  async #visitEach(visit: Listed): Promise<void> {
    const { folder, names } = visit;
    const { repo, prefix, blind } = folder;
    for (const [name, known] of folder.children) {
      if (known.kind === "folder") continue;
      if (known.kind === "file" && repo?.isAsked === true && !repo.isLoaded) await repo.load(this.#options.signal);
      if (known.kind === "file" && repo?.vouchesFor(prefix, name, known) === true) this.#count(1, known.ctime);
      else await this.#visitOne(visit, name, known);
    }
    for (const name of names ?? []) if (!folder.children.has(name)) await this.#add(visit, name);
    if (blind && names !== undefined) folder.blind = false;
  }

  async #visitOne(visit: Listed, name: string, known: Node): Promise<void> {
    const at = `${visit.path}/${name}`;
    const isListed = visit.names?.has(name) !== false;
    const stat = isListed ? lookAt(at) : undefined;
    if (stat === "hidden" || (stat === undefined && isListed && isUnnamable(name))) return;
    if (stat === undefined) this.#forget(visit, name, known);
    else if (known.kind === "folder" && stat.isDirectory()) this.#enter(known, stat, at);
    else if (isSame(known, stat)) {
      this.#count(1, stat.ctimeMs);
      if (known.kind === "file" && known.isUnsure === true) await this.#makeSure(visit, name, { known, stat });
    } else await this.#replace(visit, name, { known, stat });
  }

  /** Of a file that was read from disk: what git had of it may be gone since. */
  async #makeSure(visit: Visit, name: string, { known, stat }: { known: Leaf; stat: Stats }): Promise<void> {
    const { folder, path } = visit;
    const oid = await this.#oidOf(folder, name, stat);
    known.isUnsure = false;
    if (known.content === `git:${oid}`) return;
    known.content = "";
    folder.unsaved = true;
    this.#unkept.push({ path: `${path}/${name}`, leaf: known });
  }

  /** A repository in the folder, which has its own index and its own rules. */
  async #openNested({ folder, path }: Visit): Promise<void> {
    if (folder.ignored !== undefined || folder.repo?.workTree === path) return;
    const nested = Repo.at(path, this.#options.env);
    if (nested === undefined) return;
    folder.repo = nested;
    folder.prefix = "";
    nested.refresh();
  }

  #enter(folder: Folder, stat: Stats, path: string): void {
    this.#update(folder, stat, path);
    this.#stack.push({ folder, path });
  }

  #update(folder: Folder, stat: Stats, path: string): void {
    const mode = stat.mode & 0o7777;
    if (mode !== folder.mode) {
      if (!folder.blind) {
        const before = { ...folder, children: new Map() };
        this.#differences.push({ path, before, after: { ...before, mode }, repo: folder.repo });
      }
      folder.unsaved = true;
    }
    folder.mode = mode;
    folder.mtime = stat.mtimeMs;
    folder.ctime = stat.ctimeMs;
    folder.ino = stat.ino;
    this.#count(1, stat.ctimeMs);
  }

  #count(entries: number, newest: number): void {
    if (newest > this.#newest) this.#newest = newest;
    this.#entries += entries;
    if (this.#entries > this.#options.budget.entries) {
      throw new TooMuch(`there are more than ${this.#options.budget.entries} files and folders`);
    }
  }

  #forget({ folder, path }: Visit, name: string, known: Node): void {
    folder.children.delete(name);
    folder.unsaved = true;
    const gone = (node: Node, at: string, repo: Repo | undefined): void => {
      this.#differences.push({ path: at, before: node, after: undefined, repo });
      if (node.kind === "folder") for (const [below, child] of node.children) gone(child, `${at}/${below}`, node.repo);
    };
    gone(known, `${path}/${name}`, folder.repo);
  }

  async #replace(visit: Visit, name: string, { known, stat }: { known: Node; stat: Stats }): Promise<void> {
    const path = `${visit.path}/${name}`;
    if (known.kind === "folder" || stat.isDirectory() || known.kind === "ignored") {
      this.#forget(visit, name, known);
      return this.#add(visit, name);
    }
    const leaf = await this.#leaf(visit, name, stat);
    visit.folder.children.set(name, leaf);
    visit.folder.unsaved = true;
    this.#differences.push({ path, before: known, after: leaf, repo: visit.folder.repo });
  }

  async #add(visit: Visit, name: string): Promise<void> {
    const { folder, path } = visit;
    const at = `${path}/${name}`;
    if (name === ".git" || this.#options.hidden.has(at)) return;
    const stat = lookAt(at);
    if (stat === "hidden" || (stat === undefined && !isUnnamable(name))) return;
    const node = stat === undefined ? UNNAMABLE : await this.#newNode(visit, name, stat);
    folder.children.set(name, node);
    folder.unsaved = true;
    if (!folder.blind) this.#differences.push({ path: at, before: undefined, after: node, repo: folder.repo });
    if (node.kind === "folder") this.#stack.push({ folder: node, path: at });
  }

  async #newNode(visit: Visit, name: string, stat: Stats): Promise<Node> {
    const { folder, path } = visit;
    this.#count(1, stat.ctimeMs);
    let allowance = folder.ignored;
    if (allowance !== undefined) {
      allowance.entries -= 1;
      allowance.bytes -= stat.isDirectory() ? 0 : stat.size;
      if (allowance.entries < 0 || allowance.bytes < 0) return leafFrom(stat, "ignored", OVER_BUDGET);
    } else if (await this.#ignored.has(folder, name)) {
      if (!stat.isDirectory()) {
        return this.#ignored.fits(stat) ? this.#leaf(visit, name, stat) : leafFrom(stat, "ignored", OVER_BUDGET);
      }
      allowance = this.#ignored.measure(`${path}/${name}`);
      if (allowance === undefined) return leafFrom(stat, "ignored", OVER_BUDGET);
    }
    if (!stat.isDirectory()) return this.#leaf(visit, name, stat);
    const { repo, blind } = folder;
    return folderFrom(stat, { repo, prefix: `${folder.prefix}${name}/`, ignored: allowance, blind });
  }

  async #leaf({ folder, path }: Visit, name: string, stat: Stats): Promise<Leaf> {
    const at = `${path}/${name}`;
    this.#newest = Math.max(this.#newest, stat.ctimeMs);
    const special = specialLeaf(at, stat);
    if (special !== undefined) return special;
    const oid = await this.#oidOf(folder, name, stat);
    const leaf = leafFrom(stat, "file", oid === undefined ? "" : `git:${oid}`);
    if (oid === undefined) this.#unkept.push({ path: at, leaf });
    else folder.repo?.vouchForNew(`${folder.prefix}${name}`, leaf, this.#options.from);
    return leaf;
  }

  async #oidOf({ repo, prefix }: Folder, name: string, stat: Stats): Promise<string | undefined> {
    if (repo?.isLoaded === false) await repo.load(this.#options.signal);
    return repo?.oidOf(`${prefix}${name}`, stat);
  }
}
