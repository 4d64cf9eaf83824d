import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import {
  applyAtOnce,
  applyPlan,
  type FileOps,
  type FileStat,
  nodeFileOps,
  type Patch,
  parsePatch,
  planPatch,
} from "../../src/patch/index.js";

/** Files by relative path; text stands for its UTF-8 bytes. */
export type Tree = Readonly<Record<string, string | Buffer>>;

export interface Place {
  /** Real path of the folder patches work in. */
  readonly cwd: string;
  /** Folder for journals, not made yet. */
  readonly journal: string;
}

/** Tests make thousands of files, which a file system in memory does best. */
const TEMPORARY = isWritable("/dev/shm") ? "/dev/shm" : tmpdir();

/** A folder of its own, gone after the test. */
export function makePlace(t: { after(run: () => void): void }, tree: Tree = {}): Place {
  const root = realpathSync(mkdtempSync(join(TEMPORARY, "belay-patch-")));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const place = { cwd: join(root, "work"), journal: join(root, "home", "patches") };
  mkdirSync(place.cwd);
  writeTree(place.cwd, tree);
  return place;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    // The answer of `access` is its error.
    return false;
  }
}

export function writeTree(folder: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Every file below a folder, as latin1 so that each byte shows; links as `-> target`, folders without files as `""` with a slash. */
export function readTree(folder: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (path: string): void => {
    const names = readdirSync(path).sort();
    if (names.length === 0 && path !== folder) tree[`${relative(folder, path)}/`] = "";
    for (const name of names) {
      const full = join(path, name);
      const stat = lstatSync(full);
      if (stat.isDirectory()) visit(full);
      else if (stat.isSymbolicLink()) tree[relative(folder, full)] = `-> ${readlinkSync(full)}`;
      else tree[relative(folder, full)] = stat.isFile() ? readFileSync(full, "latin1") : "(special)";
    }
  };
  visit(folder);
  return tree;
}

/** What is in the folder of the journals. */
export function journalsOf({ journal }: Place): readonly string[] {
  return existsSync(journal) ? readdirSync(journal) : [];
}

export function bytesOf(tree: Tree): Record<string, string> {
  const entries = Object.entries(tree).map(([path, content]) => [
    path,
    Buffer.from(content as string).toString("latin1"),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

export const patchOf = (...lines: readonly string[]): string => `*** Begin Patch\n${lines.join("\n")}\n*** End Patch\n`;

export type Outcome =
  | { readonly ok: true; readonly summary: string }
  | { readonly ok: false; readonly message: string };

/** How a patch is applied: planned in full, then staged; or its hunks placed as late as when their file is staged. */
export const WAYS = ["planned", "late"] as const;
export type Way = (typeof WAYS)[number];

/** A file system, but for what it says of files. */
export function withStats(change: (stat: FileStat) => FileStat, ops: FileOps = nodeFileOps): FileOps {
  return {
    ...ops,
    lstat: (path) => {
      const stat = ops.lstat(path);
      return stat === undefined ? undefined : change(stat);
    },
    stat: (fd) => change(ops.stat(fd)),
    open: (path, access) => {
      const { fd, stat } = ops.open(path, access);
      return { fd, stat: change(stat) };
    },
  };
}

/** Files that were made just now are compared, byte for byte, and never read late; these are said to be older. */
function aged(ops: FileOps): FileOps {
  const age = (stat: FileStat): FileStat => ({
    ...stat,
    changed: stat.changed - 10_000_000_000n,
    modifiedMs: stat.modifiedMs - 10_000,
  });
  return withStats(age, ops);
}

/** What somebody else may do to the file `a` beside a file `b`, both of which hold "x\n", after a patch was planned. */
export const TOUCHES: Readonly<Record<string, (path: string) => void>> = {
  // At once, with the same length: the clock of the file system may not have moved.
  written: (path) => writeFileSync(path, "z\n"),
  deleted: (path) => unlinkSync(path),
  replaced: (path) => {
    unlinkSync(path);
    writeFileSync(path, "x\n");
  },
  // Its permissions would be lost.
  "made private": (path) => chmodSync(path, 0o600),
  "made a folder": (path) => {
    unlinkSync(path);
    mkdirSync(path);
  },
  "made a link": (path) => {
    unlinkSync(path);
    symlinkSync("b", path);
  },
};

/** Parses, plans and applies, as a caller does. */
export async function runPatch(
  text: string,
  place: Place,
  ops: FileOps = nodeFileOps,
  way: Way = "planned",
): Promise<Outcome> {
  const parsed = parsePatch(text);
  if (!parsed.ok) return parsed;
  return applyBy(way, parsed.patch, { ...place, ops });
}

export async function applyBy(way: Way, patch: Patch, place: Place & { readonly ops?: FileOps }): Promise<Outcome> {
  const { cwd, journal, ops = nodeFileOps } = place;
  const { signal } = new AbortController();
  if (way === "late") return applyAtOnce(patch, { cwd, journal, signal, ops: aged(ops), lateFrom: 1 });
  const planned = await planPatch(patch, { cwd, ops });
  if (!planned.ok) return planned;
  const applied = await applyPlan(planned.plan, { signal, journal, ops });
  return applied.ok ? { ok: true, summary: planned.plan.summary } : applied;
}
