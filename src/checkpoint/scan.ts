import { readdirSync, readlinkSync, type Stats } from "node:fs";
import { lookAt } from "./capture.js";
import type { Env } from "./git.js";
import { Repo } from "./repo.js";
import { type Allowance, type Difference, type Folder, folderFrom, type Leaf, leafFrom, type Node } from "./tree.js";
import type { Budget, Pace } from "./types.js";

/** Times closer to now than this may stay the same over one more change: the system's clock for files ticks slowly. ms. */
export const TICK_MS = 20;
/** Folders of tools, looked at like ignored ones where no git says what is ignored. */
const TOOL_FOLDERS = new Set("node_modules .venv __pycache__ .gradle .cache .tox .mypy_cache .pytest_cache".split(" "));

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
}

const OVER_BUDGET = "none:git ignores it, and it is over the budget for what is ignored";

const UNNAMABLE: Leaf = {
  kind: "uncovered",
  mode: 0,
  size: 0,
  mtime: 0,
  ctime: 0,
  ino: 0,
  content: "none:its name is not UTF-8",
};

/** There is more than the budget allows to look at. */
export class TooMuch extends Error {}

/**
 * Looks at all below a folder and brings it up to date in place: names, kinds, sizes, modes and times, no contents. What is
 * called `.git` is passed over, symbolic links are not followed. Throws `TooMuch`, and the signal's reason.
 */
export async function scanFolder(root: Folder, path: string, options: ScanOptions): Promise<Scan> {
  return new Walk(options).run(root, path);
}

interface Visit {
  readonly folder: Folder;
  readonly path: string;
}

class Walk {
  readonly #options: ScanOptions;
  readonly #differences: Difference[] = [];
  readonly #unkept: { path: string; leaf: Leaf }[] = [];
  readonly #asked = new Set<Repo>();
  readonly #stack: Visit[] = [];
  #root: Folder | undefined;
  #entries = 0;
  #newest = 0;
  #looseIgnored = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  async run(root: Folder, path: string): Promise<Scan> {
    const { budget, pace, signal, since, neutralGitDir } = this.#options;
    const stat = lookAt(path);
    if (typeof stat !== "object" || !stat.isDirectory()) {
      this.#lose(root, path);
      return this.#found();
    }
    if (root.isGone) this.#differences.push({ path, before: undefined, after: root, repo: root.repo });
    root.isGone = false;
    this.#root = root;
    this.#update(root, stat, path);
    // Git lists what it ignores while its index is read.
    await Promise.all([root.repo?.refresh(signal), root.blind ? this.#findIgnored(root.repo) : undefined]);
    if (!root.blind && root.repo !== undefined && root.repo.size >= budget.askGitFrom) {
      await root.repo.findChanged(neutralGitDir, { since, signal });
    }
    this.#stack.push({ folder: root, path });
    for (let visit = this.#stack.pop(); visit !== undefined; visit = this.#stack.pop()) {
      await this.#visit(visit);
      if (pace.due()) await pace.rest();
    }
    root.repo?.forgetChanged();
    return this.#found();
  }

  #found(): Scan {
    return { differences: this.#differences, unkept: this.#unkept, newest: this.#newest };
  }

  /** The folder itself was taken away, or is a folder no more. */
  #lose(root: Folder, path: string): void {
    if (root.isGone) return;
    this.#differences.push({ path, before: root, after: undefined, repo: root.repo });
    for (const [name, known] of root.children) this.#forget({ folder: root, path }, name, known);
    root.listed = undefined;
    root.isGone = true;
  }

  async #visit(visit: Visit): Promise<void> {
    const { folder, path } = visit;
    const names = this.#namesOf(folder, path);
    if (names?.has(".git") === true) await this.#openNested(visit);
    for (const [name, known] of folder.children) {
      if (this.#isVouchedFor(folder, name, known)) continue;
      const at = `${path}/${name}`;
      const stat = names?.has(name) === false ? undefined : lookAt(at);
      if (stat === "hidden" || (stat === undefined && isUnnamable(name) && names?.has(name) !== false)) continue;
      if (stat === undefined) this.#forget(visit, name, known);
      else if (known.kind === "folder" && stat.isDirectory()) this.#enter(known, stat, at);
      else if (isSame(known, stat)) this.#count(stat);
      else await this.#replace(visit, name, { known, stat });
    }
    const { blind } = folder;
    for (const name of names ?? []) if (!folder.children.has(name)) await this.#add(visit, name);
    if (blind && names !== undefined) folder.blind = false;
  }

  #isVouchedFor({ repo, prefix }: Folder, name: string, known: Node): boolean {
    if (known.kind !== "file" || repo?.vouchesFor(prefix, name, known) !== true) return false;
    this.#countOne(known.ctime);
    return true;
  }

  /** A repository in the folder, which has its own index and its own rules. */
  async #openNested({ folder, path }: Visit): Promise<void> {
    if (folder.ignored !== undefined || folder.repo?.workTree === path) return;
    const nested = Repo.at(path, this.#options.env);
    if (nested === undefined) return;
    folder.repo = nested;
    folder.prefix = "";
    await nested.refresh(this.#options.signal);
  }

  /** The names in a folder; undefined when they can't have changed since they were read. */
  #namesOf(folder: Folder, path: string): Set<string> | undefined {
    const { listed, mtime, ctime } = folder;
    const at = this.#options.now();
    if (listed?.mtime === mtime && listed.ctime === ctime && listed.at - Math.max(mtime, ctime) > TICK_MS) {
      return undefined;
    }
    try {
      const names = new Set(readdirSync(path));
      folder.listed = { mtime, ctime, at };
      return names;
    } catch {
      // Not readable for us, or gone since: what was known of it stays what is known.
      folder.listed = undefined;
      return undefined;
    }
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
    this.#count(stat);
  }

  #count(stat: Stats): void {
    this.#countOne(stat.ctimeMs);
  }

  #countOne(ctime: number): void {
    if (ctime > this.#newest) this.#newest = ctime;
    this.#entries += 1;
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
    const leaf = this.#leaf(visit, name, stat);
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
    this.#count(stat);
    let allowance = folder.ignored;
    if (allowance !== undefined) {
      allowance.entries -= 1;
      allowance.bytes -= stat.isDirectory() ? 0 : stat.size;
      if (allowance.entries < 0 || allowance.bytes < 0) return leafFrom(stat, "ignored", OVER_BUDGET);
    } else if (await this.#isIgnored(folder, name)) {
      if (!stat.isDirectory()) {
        return this.#fitsLoose(stat) ? this.#leaf(visit, name, stat) : leafFrom(stat, "ignored", OVER_BUDGET);
      }
      allowance = this.#measure(`${path}/${name}`);
      if (allowance === undefined) return leafFrom(stat, "ignored", OVER_BUDGET);
    }
    if (!stat.isDirectory()) return this.#leaf(visit, name, stat);
    const { repo, blind } = folder;
    return folderFrom(stat, { repo, prefix: `${folder.prefix}${name}/`, ignored: allowance, blind });
  }

  async #isIgnored({ repo, prefix }: Folder, name: string): Promise<boolean> {
    await this.#findIgnored(repo);
    if (repo?.knowsIgnored !== true) return TOOL_FOLDERS.has(name);
    return repo.isIgnored(`${prefix}${name}`);
  }

  /** Once a scan. */
  async #findIgnored(repo: Repo | undefined): Promise<void> {
    if (repo === undefined || this.#asked.has(repo)) return;
    this.#asked.add(repo);
    await repo.findIgnored(repo === this.#root?.repo ? this.#root.prefix : "", this.#options.signal);
  }

  #fitsLoose(stat: Stats): boolean {
    const { ignoredEntries, ignoredBytes } = this.#options.budget;
    this.#looseIgnored += 1;
    return this.#looseIgnored <= ignoredEntries && stat.size <= ignoredBytes;
  }

  /** A budget for an ignored folder that fits into it now; what is in it will be taken off. */
  #measure(path: string): Allowance | undefined {
    const { ignoredEntries, ignoredBytes } = this.#options.budget;
    let [entries, bytes] = [ignoredEntries, ignoredBytes];
    const open = [path];
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      let names: string[];
      try {
        names = readdirSync(folder);
      } catch {
        // Not readable: nothing in it can be kept.
        return undefined;
      }
      for (const name of names) {
        const stat = lookAt(`${folder}/${name}`);
        if (stat === undefined || stat === "hidden") continue;
        entries -= 1;
        if (stat.isDirectory()) open.push(`${folder}/${name}`);
        else bytes -= stat.size;
        if (entries < 0 || bytes < 0) return undefined;
      }
    }
    return { entries: ignoredEntries, bytes: ignoredBytes };
  }

  #leaf({ folder, path }: Visit, name: string, stat: Stats): Leaf {
    const at = `${path}/${name}`;
    this.#newest = Math.max(this.#newest, stat.ctimeMs);
    if (stat.isSymbolicLink()) {
      const target = targetOf(at);
      return target === undefined
        ? leafFrom(stat, "uncovered", "none:a link that can't be read")
        : leafFrom(stat, "link", `link:${target}`);
    }
    if (!stat.isFile()) return leafFrom(stat, "uncovered", "none:neither a file nor a folder nor a link");
    const oid = folder.repo?.oidOf(`${folder.prefix}${name}`, stat);
    const leaf = leafFrom(stat, "file", oid === undefined ? "" : `git:${oid}`);
    if (oid === undefined) this.#unkept.push({ path: at, leaf });
    return leaf;
  }
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Gone, or another thing by now.
    return undefined;
  }
}

/** What Node makes of a name that is not UTF-8, by which the file can't be reached. */
function isUnnamable(name: string): boolean {
  return name.includes("\ufffd");
}

/** Of what is not covered, only that it is the same thing counts. */
function isSame(known: Node, stat: Stats): boolean {
  if (known.kind === "folder" || known.ino !== stat.ino) return false;
  if (known.kind === "uncovered" || known.kind === "ignored") return true;
  return (
    known.ctime === stat.ctimeMs &&
    known.mtime === stat.mtimeMs &&
    known.size === stat.size &&
    known.mode === (stat.mode & 0o7777)
  );
}
