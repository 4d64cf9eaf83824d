import { readFileSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Env, findGit, type Git, type GitPlace, gitPlaceOf, makeNeutralGitDir, readBlobs, runGit } from "./git.js";
import { countIn, type IndexEntry, parseIndex } from "./git-index.js";
import type { Leaf } from "./tree.js";

type Index = ReadonlyMap<string, IndexEntry>;

/** What lstat says of a file, as an index entry is compared with it. */
export interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

/** Words of attributes and settings by which git may keep other bytes than a file has. */
const CONVERSIONS = /text|eol|crlf|ident|filter|encoding/i;
const FILTERS = /filter|encoding/i;
/** Attributes by which the bytes may differ though their number is the same. */
const FILTER_ATTRIBUTES = ["filter", "working-tree-encoding"];
/** Git compares times by the second in its usual builds: a file that was young when it was last looked at is not left to it, ms. */
const YOUNG_MS = 2_000;
/** An index or attributes file larger than this is not read. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * A git repository as a place where contents are kept already, and that knows what is of no worth (ignored). It is only
 * read: index and settings by this program, ignored files and contents by git's plumbing.
 */
export class Repo {
  readonly workTree: string;
  readonly #place: GitPlace;
  readonly #git: Git | undefined;
  /** Undefined: not read as it is now. */
  #index: Index | undefined;
  /** Tells one content of the index from another. */
  #reading: string | undefined;
  #size = 0;
  #indexTime = 0;
  /** What git found changed against its index just now; undefined: it was not asked. */
  #changed: ReadonlySet<string> | undefined;
  /** The folders of those files, "" or ending with "/". */
  #changedFolders: ReadonlySet<string> = new Set();
  /** Any change since the last look is at least a second later than the times of a file that is older than this, Unix ms. */
  #oldEnough = Number.NEGATIVE_INFINITY;
  #ignored: ReadonlySet<string> | undefined;
  /** Paths of which git may keep other bytes. */
  #distrusted: ReadonlySet<string> = new Set();
  readonly #sizes = new Map<string, number>();

  private constructor(workTree: string, place: GitPlace, git: Git | undefined) {
    this.workTree = workTree;
    this.#place = place;
    this.#git = git;
  }

  /** The repository whose work tree's root the folder is; undefined when it is none. */
  static at(folder: string, env: Env): Repo | undefined {
    const place = gitPlaceOf(folder);
    if (place === undefined) return undefined;
    const program = findGit(env, [folder]);
    const git = program === undefined ? undefined : { program, env, gitDir: place.gitDir, workTree: folder };
    return new Repo(folder, place, git);
  }

  get gitDir(): string {
    return this.#place.gitDir;
  }

  /** Whether git's index is another one than at the last time; it is read when it is needed. */
  refresh(): void {
    const stat = this.#statIndex();
    const reading = stampOf(stat);
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.#indexTime = stat?.mtimeMs ?? 0;
    this.#size = this.#git === undefined || stat === undefined ? 0 : countIn(this.#indexPath);
    this.#index = undefined;
  }

  /** Which content of the index the rest goes by. */
  get reading(): string | undefined {
    return this.#reading;
  }

  /** `load` has been waited for since the index has changed. */
  get isLoaded(): boolean {
    return this.#index !== undefined;
  }

  /** Takes in what git's index says. Throws the signal's reason. */
  async load(signal: AbortSignal | undefined): Promise<void> {
    if (this.#reading === undefined) this.refresh();
    if (this.#index !== undefined) return;
    const stat = this.#statIndex();
    // Written since git was asked: what it said is of another one.
    if (stampOf(stat) !== this.#reading) this.#changed = undefined;
    const size = stat?.size;
    const index = this.#git === undefined || size === undefined ? new Map() : this.#readIndex(size);
    this.#distrusted = await this.#findDistrusted(index, signal);
    this.#index = index;
  }

  /**
   * Has git look at its files: it does so in several threads, at a fraction of our own cost for each. It is run
   * on a repository of ours, `neutral`, and the index alone, so that nothing the repository says is obeyed. From then on
   * `vouchesFor` answers, until `forgetChanged`. `since`: when the last look began, Unix ms. Throws the signal's reason.
   */
  async findChanged(
    neutral: string,
    { since, signal }: { readonly since: number; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    if (this.#git === undefined) return;
    makeNeutralGitDir(neutral);
    const git = { ...this.#git, gitDir: neutral, index: this.#indexPath };
    const listed = await runGit(git, ["diff-files", "--name-only", "-z"], { signal });
    // An index that was written meanwhile may say "unchanged" of a file that is new to us.
    if (listed === undefined || stampOf(this.#statIndex()) !== this.#reading) return;
    this.#oldEnough = since - YOUNG_MS;
    this.#changed = new Set(listed.toString("utf8").split("\0"));
    this.#changedFolders = new Set([...this.#changed].map((path) => path.slice(0, path.lastIndexOf("/") + 1)));
  }

  /** How many files git's index has. */
  get size(): number {
    return this.#size;
  }

  forgetChanged(): void {
    this.#changed = undefined;
  }

  /** `findChanged` has an answer. */
  get isAsked(): boolean {
    return this.#changed !== undefined;
  }

  /** Git has just seen that its files in the folder `prefix` are as its index says. */
  isQuiet(prefix: string): boolean {
    return this.#changed !== undefined && !this.#changedFolders.has(prefix);
  }

  /** True when git has just seen that the file of that name in the folder `prefix` is still the very one we know. After `load`. */
  vouchesFor(prefix: string, name: string, known: Leaf): boolean {
    if (this.#changed === undefined) return false;
    const path = `${prefix}${name}`;
    if (this.#changedFolders.has(prefix) && this.#changed.has(path)) return false;
    if (known.vouched === this.#reading) return true;
    const entry = this.#index?.get(path);
    if (entry?.isWatched !== true || known.content !== `git:${entry.oid}` || entry.mtime >= this.#indexTime)
      return false;
    if (!sameTime(entry.mtime, known.mtime) || !sameTime(entry.ctime, known.ctime)) return false;
    if (entry.ino !== known.ino % 2 ** 32 || known.ctime > this.#oldEnough) return false;
    known.vouched = this.#reading;
    return true;
  }

  /** From the next look on git can vouch for a file that `oidOf` has just found, if it was old when this look began (Unix ms). */
  vouchForNew(path: string, leaf: Leaf, from: number): void {
    if (leaf.ctime <= from - YOUNG_MS && this.#index?.get(path)?.isWatched === true) leaf.vouched = this.#reading;
  }

  /** Asks git which untracked paths below `prefix` ("" or "a/b/") it ignores. Throws the signal's reason. */
  async findIgnored(prefix: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#git === undefined) return;
    const args = ["ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory"];
    const listed = await runGit(this.#git, prefix === "" ? args : [...args, "--", prefix], { signal });
    if (listed === undefined) return;
    this.#ignored = new Set(
      listed
        .toString("utf8")
        .split("\0")
        .map((path) => (path.endsWith("/") ? path.slice(0, -1) : path)),
    );
  }

  /** False where git could not be asked. */
  get knowsIgnored(): boolean {
    return this.#ignored !== undefined;
  }

  /** Whether git's index has a file by that name. After `load`. */
  tracks(path: string): boolean {
    return this.#index?.has(path) === true;
  }

  /** As of the last `findIgnored`; only the uppermost ignored folders count. */
  isIgnored(path: string): boolean {
    return this.#ignored?.has(path) === true;
  }

  /** The id under which git has these very bytes, when that is certain without reading them. After `load`. */
  oidOf(path: string, seen: Seen): string | undefined {
    const entry = this.#index?.get(path);
    if (entry === undefined || entry.size !== seen.size % 2 ** 32 || seen.mtimeMs >= this.#indexTime) return undefined;
    if (!sameTime(entry.mtime, seen.mtimeMs) || !sameTime(entry.ctime, seen.ctimeMs)) return undefined;
    if (entry.ino !== seen.ino % 2 ** 32 || this.#distrusted.has(path)) return undefined;
    return entry.oid;
  }

  /** Contents by id, for as many as git has. */
  async contents(
    oids: readonly string[],
    options: { readonly onBlob: (oid: string, bytes: Buffer) => void; readonly signal?: AbortSignal },
  ): Promise<void> {
    if (this.#git !== undefined && oids.length > 0) await readBlobs(this.#git, oids, options);
  }

  get #indexPath(): string {
    return join(this.#place.gitDir, "index");
  }

  #statIndex(): Stats | undefined {
    return statSync(this.#indexPath, { throwIfNoEntry: false });
  }

  #readIndex(size: number): Index {
    if (size > MAX_BYTES) return new Map();
    const config = textOf(join(this.#place.commonDir, "config"));
    return parseIndex(readFileSync(this.#indexPath), /objectformat\s*=\s*sha256/i.test(config) ? 32 : 20) ?? new Map();
  }

  async #findDistrusted(index: Index, signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
    const words = this.#conversionWords(index);
    const distrusted = new Set<string>();
    if (CONVERSIONS.test(words)) {
      await this.#learnSizes(index, signal);
      for (const [path, { oid, size }] of index) if (this.#sizes.get(oid) !== size) distrusted.add(path);
    }
    if (FILTERS.test(words)) for (const path of await this.#filtered(index, signal)) distrusted.add(path);
    return distrusted;
  }

  /** All that attributes and settings say of conversions: of the user, the repository and its tracked folders. */
  #conversionWords(index: Index): string {
    const { commonDir, gitDir } = this.#place;
    const { HOME = "", XDG_CONFIG_HOME = join(HOME, ".config") } = this.#git?.env ?? {};
    const settings = ["/etc/gitconfig", join(HOME, ".gitconfig"), join(XDG_CONFIG_HOME, "git/config")]
      .concat(join(commonDir, "config"), join(gitDir, "config.worktree"))
      .flatMap((path) => textOf(path).match(/^.*(?:autocrlf|eol|attributesfile|include).*$/gim) ?? []);
    const attributes = [
      "/etc/gitattributes",
      join(XDG_CONFIG_HOME, "git/attributes"),
      join(commonDir, "info/attributes"),
    ];
    for (const path of index.keys()) {
      if (path === ".gitattributes" || path.endsWith("/.gitattributes")) attributes.push(join(this.workTree, path));
    }
    // A file of attributes that settings name, or more settings they include, may say anything.
    const named = settings.some((line) => /attributesfile|include/i.test(line)) ? ["filter"] : [];
    return [...settings, ...named, ...attributes.map(textOf)].join("\n");
  }

  async #learnSizes(index: Index, signal: AbortSignal | undefined): Promise<void> {
    const unknown = [...new Set([...index.values()].map(({ oid }) => oid))].filter((oid) => !this.#sizes.has(oid));
    if (this.#git === undefined || unknown.length === 0) return;
    const input = unknown.map((oid) => `${oid}\n`).join("");
    const answer = await runGit(this.#git, ["cat-file", "--batch-check", "--buffer"], { input, signal });
    for (const line of answer?.toString("latin1").split("\n") ?? []) {
      const [oid = "", type, size] = line.split(" ");
      if (type === "blob") this.#sizes.set(oid, Number(size) % 2 ** 32);
    }
  }

  async #filtered(index: Index, signal: AbortSignal | undefined): Promise<string[]> {
    const paths = [...index.keys()];
    if (this.#git === undefined) return paths;
    const input = paths.map((path) => `${path}\0`).join("");
    const args = ["check-attr", "-z", "--stdin", ...FILTER_ATTRIBUTES];
    const answer = await runGit(this.#git, args, { input, signal });
    if (answer === undefined) return paths;
    const fields = answer.toString("utf8").split("\0");
    const filtered: string[] = [];
    for (let at = 0; at + 2 < fields.length; at += 3) {
      if (fields[at + 2] !== "unspecified" && fields[at + 2] !== "unset") filtered.push(fields[at]!);
    }
    return filtered;
  }
}

/** The repository that a folder lies in; undefined outside of any. */
export function repoAbove(start: string, env: Env): Repo | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const repo = Repo.at(folder, env);
    if (repo !== undefined || dirname(folder) === folder) return repo;
  }
}

function stampOf(stat: Stats | undefined): string {
  return stat === undefined ? "none" : `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
}

function sameTime(one: number, other: number): boolean {
  return Math.abs(one - other) < 0.001;
}

function textOf(path: string): string {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(path, "utf8") : "";
  } catch {
    // Not there, or not readable for git either.
    return "";
  }
}
