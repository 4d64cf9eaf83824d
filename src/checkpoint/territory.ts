import { lstatSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { type Clock, sleep } from "../base/index.js";
import type { Env } from "./git.js";
import { checkpointsFolder } from "./journal.js";
import { keepFiles, type Placed, type Room } from "./keep.js";
import { keepTree, readKeptTree } from "./kept-trees.js";
import type { LiveFile, Origin } from "./live.js";
import type { ObjectStore } from "./objects.js";
import { paced } from "./pace.js";
import { repoAbove } from "./repo.js";
import { scanFolder, TooMuch } from "./scan.js";
import { type Difference, type Folder, folderFrom } from "./tree.js";
import type { Budget } from "./types.js";

/** A tick of the system's clock for files is 10 ms at most, and a program takes its time to start. */
const SETTLE_MS = 12;

/** What looking at files needs from outside. */
export interface Surroundings {
  readonly clock: Clock;
  /** The environment git is run in. */
  readonly env: Env;
  readonly budget: Budget;
  readonly store: ObjectStore;
  /** Belay's own folder: never looked at. */
  readonly home: string;
}

export interface LookOptions {
  readonly signal?: AbortSignal;
  /** For what is new; without it, that of the whole territory. */
  readonly room?: Room;
  /** Nobody knows yet whether it is needed: where there is much to keep, that is left to the next look. */
  readonly ahead?: boolean;
}

/** What is known at first. */
interface Beginning {
  readonly trees: ReadonlyMap<string, Folder>;
  readonly unkept?: readonly Placed[];
  readonly origin?: Origin | undefined;
}

/** Files and bytes that are kept ahead. */
const AHEAD_FILES = 1_000;
const AHEAD_BYTES = 16 * 1024 * 1024;

/**
 * The folders that commands may write in, and what is in them: brought up to date by `look`. After an error it is of no
 * more use, since it may have taken in half of what happened.
 */
export class Territory {
  readonly roots: readonly string[];
  readonly trees: ReadonlyMap<string, Folder>;
  readonly #around: Surroundings;
  readonly #room: Room;
  readonly #hidden: ReadonlySet<string>;
  /** Files seen whose content is still to be kept. */
  #unkept: Placed[] = [];
  #newest = 0;
  #entries = 0;
  /** When the last look that came to its end began, Unix ms. */
  #lookedFrom = Number.NEGATIVE_INFINITY;

  /** Where what was known at first was read. */
  readonly origin: Origin | undefined;

  private constructor(around: Surroundings, { trees, unkept = [], origin }: Beginning) {
    this.#around = around;
    this.origin = origin;
    this.#unkept = [...unkept];
    this.roots = [...trees.keys()];
    this.trees = trees;
    const { keptFiles, keptBytes, fileBytes } = around.budget;
    this.#room = { files: keptFiles, bytes: keptBytes, fileBytes };
    this.#hidden = new Set([around.home, realOf(around.home) ?? around.home]);
  }

  /**
   * Nothing is known yet but what an earlier process left. Roots that are not there, or lie in another one, are left out; throws when none is left, and
   * `TooMuch` where a root is the user's own folder or holds it.
   */
  static open(roots: readonly string[], around: Surroundings): Territory {
    const real = [...new Set(roots.map(realOf).filter((root) => root !== undefined))];
    refuseWide(real, around.env);
    const outer = real.filter((root) => !real.some((other) => other !== root && root.startsWith(`${other}/`)));
    if (outer.length === 0) throw new Error(`there is no folder to look at: ${roots.join(", ")}`);
    const known = readKeptTree({ home: around.home, roots: outer }, around);
    return new Territory(
      around,
      known ?? { trees: new Map(outer.map((root) => [root, unknownFolder(root, around.env)])) },
    );
  }

  /** As a killed process had it. */
  static from(trees: ReadonlyMap<string, Folder>, around: Surroundings): Territory {
    return new Territory(around, { trees });
  }

  /**
   * Looks at everything and keeps what git does not have. Returns what is different. Throws `TooMuch`, the signal's reason,
   * and system errors of the store.
   */
  async look({ signal, room, ahead = false }: LookOptions = {}): Promise<Difference[]> {
    const { clock, env, budget, store, home } = this.#around;
    const pace = paced(clock, signal);
    const from = clock.now();
    const neutralGitDir = join(checkpointsFolder(home), "git");
    const options = {
      budget,
      pace,
      env,
      now: () => clock.now(),
      signal,
      since: this.#lookedFrom,
      from,
      hidden: this.#hidden,
      neutralGitDir,
    };
    const differences: Difference[] = [];
    this.#newest = 0;
    this.#entries = 0;
    for (const [path, root] of this.trees) {
      const scan = await scanFolder(root, path, options);
      differences.push(...scan.differences);
      this.#unkept.push(...scan.unkept);
      this.#newest = Math.max(this.#newest, scan.newest);
      this.#entries += scan.entries;
    }
    this.#lookedFrom = from;
    if (ahead && isMuch(this.#unkept)) return differences;
    const unkept = this.#unkept.splice(0);
    await keepFiles(unkept, { store, room: room ?? this.#room, pace });
    return differences;
  }

  /** Leaves what is known to the next process, where a first look is dear. Throws system errors. */
  keep(live: LiveFile): void {
    if (this.#entries < this.#around.budget.askGitFrom) return;
    keepTree({ home: this.#around.home, roots: this.roots }, live, this.trees);
  }

  /** Waits until the clock of files has moved on since the youngest change, so that any later one shows. A tick at most. */
  async settle(signal: AbortSignal): Promise<void> {
    const age = this.#around.clock.now() - this.#newest;
    if (age >= 0 && age < SETTLE_MS) await sleep(SETTLE_MS - age, signal);
  }
}

function isMuch(files: readonly Placed[]): boolean {
  return files.length > AHEAD_FILES || files.reduce((sum, { leaf }) => sum + leaf.size, 0) > AHEAD_BYTES;
}

/** Throws `TooMuch` for folders, without links in their paths, that hold all of the user's files or the machine's. */
export function refuseWide(folders: readonly string[], env: Env): void {
  const user = `${realOf(env.HOME ?? "") ?? ""}/`;
  const wide = folders.find((root) => root === "/" || user.startsWith(`${root}/`));
  if (wide === undefined) return;
  throw new TooMuch(`${wide} is no project's folder, but all of the user's files or the machine's`);
}

/** A folder of which nothing is known yet, with the repository that it lies in. */
export function unknownFolder(root: string, env: Env): Folder {
  const workTree = repoAbove(root, env);
  const prefix = workTree === undefined || workTree.workTree === root ? "" : `${relative(workTree.workTree, root)}/`;
  return folderFrom(lstatSync(root), { repo: workTree, prefix, ignored: undefined, blind: true });
}

function realOf(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return lstatSync(real).isDirectory() ? real : undefined;
  } catch {
    // Not there: nothing to look at.
    return undefined;
  }
}
