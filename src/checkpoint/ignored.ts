import { readdirSync, type Stats } from "node:fs";
import { lookAt } from "./capture.js";
import type { Repo } from "./repo.js";
import type { Allowance, Folder } from "./tree.js";
import type { Budget } from "./types.js";

/** Folders of tools, looked at like ignored ones where no git says what is ignored. */
const TOOL_FOLDERS = new Set("node_modules .venv __pycache__ .gradle .cache .tox .mypy_cache .pytest_cache".split(" "));

/** What git ignores, found out once for a look, and how much of it is looked at all the same. */
export class Ignored {
  readonly #budget: Budget;
  readonly #root: Folder;
  readonly #signal: AbortSignal | undefined;
  readonly #asked = new Set<Repo>();
  #loose = 0;

  constructor(root: Folder, { budget, signal }: { readonly budget: Budget; readonly signal: AbortSignal | undefined }) {
    this.#root = root;
    this.#budget = budget;
    this.#signal = signal;
  }

  /** Has git list it, the first time. Throws the signal's reason. */
  async find(repo: Repo | undefined): Promise<void> {
    if (repo === undefined || this.#asked.has(repo)) return;
    this.#asked.add(repo);
    await repo.findIgnored(repo === this.#root.repo ? this.#root.prefix : "", this.#signal);
  }

  /** Whether a name in a folder is ignored. Throws the signal's reason. */
  async has({ repo, prefix }: Folder, name: string): Promise<boolean> {
    // What git tracks it does not ignore, and to list what it does takes a while.
    if (repo?.isLoaded === false) await repo.load(this.#signal);
    if (repo?.tracks(`${prefix}${name}`) === true) return false;
    await this.find(repo);
    if (repo?.knowsIgnored !== true) return TOOL_FOLDERS.has(name);
    return repo.isIgnored(`${prefix}${name}`);
  }

  /** Whether a single ignored file is within the budget; counts it. */
  fits(stat: Stats): boolean {
    const { ignoredEntries, ignoredBytes } = this.#budget;
    this.#loose += 1;
    return this.#loose <= ignoredEntries && stat.size <= ignoredBytes;
  }

  /** A budget for an ignored folder that fits into it now; what is in it will be taken off. */
  measure(path: string): Allowance | undefined {
    const { ignoredEntries, ignoredBytes } = this.#budget;
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
}
