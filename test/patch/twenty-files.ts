import { linkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type FileOps, nodeFileOps } from "../../src/patch/index.js";
import { bytesOf, patchOf, readTree, type Tree, writeTree } from "./trees.js";

const BEFORE: Record<string, string> = {};
const AFTER: Record<string, string> = {};
const SECTIONS: string[] = [];
for (let n = 0; n < 8; n += 1) {
  BEFORE[`src/change${n}`] = `one ${n}\r\ntwo\nthree`;
  AFTER[`src/change${n}`] = `one ${n}\r\n2\nthree`;
  SECTIONS.push(`*** Update File: src/change${n}`, "@@", "-two", "+2");
  if (n > 0) continue;
  // This file has two names: it is written in place, and changes under both.
  BEFORE["src/linked"] = "a\nlinked\n".repeat(3);
  AFTER["src/linked"] = `${"a\nlinked\n".repeat(3)}end\n`;
  SECTIONS.push("*** Update File: src/linked", "@@", "+end");
}
for (let n = 0; n < 4; n += 1) {
  AFTER[`new/deep/${n % 2}/add${n}`] = `added ${n}\n`;
  SECTIONS.push(`*** Add File: new/deep/${n % 2}/add${n}`, `+added ${n}`);
}
for (let n = 0; n < 3; n += 1) {
  BEFORE[`old/delete${n}`] = `gone ${n}\n`;
  SECTIONS.push(`*** Delete File: old/delete${n}`);
}
for (let n = 0; n < 3; n += 1) {
  BEFORE[`old/move${n}`] = `stays ${n}\nmoved\n`;
  AFTER[`moved/move${n}`] = n === 0 ? `stays ${n}\nmoved\n` : `stays ${n}\nmoved and changed\n`;
  SECTIONS.push(`*** Update File: old/move${n}`, `*** Move to: moved/move${n}`);
  if (n > 0) SECTIONS.push("@@", "-moved", "+moved and changed");
}
BEFORE["src/over"] = "old\n";
AFTER["src/over"] = "new\n";
SECTIONS.push("*** Add File: src/over", "+new");

/** A patch with 20 files that does everything a patch can: change, add, delete, move, overwrite, write in place. */
export const PATCH: string = patchOf(...SECTIONS);
/** The same the other way round, where it can be: for going back and forth. */
export const ALL_OLD: Record<string, string> = bytesOf({
  ...BEFORE,
  "src/other-name": BEFORE["src/linked"]!,
} satisfies Tree);
export const ALL_NEW: Record<string, string> = bytesOf({
  ...AFTER,
  "src/other-name": AFTER["src/linked"]!,
} satisfies Tree);

/** Makes the old tree anew. */
export function makeOld(cwd: string): void {
  rmSync(cwd, { recursive: true, force: true });
  writeTree(cwd, BEFORE);
  linkSync(join(cwd, "src/linked"), join(cwd, "src/other-name"));
}

/** Which of the two trees stands there, looking at files only; else the differences as text. */
export function whichTree(cwd: string): string {
  const is = readTree(cwd);
  const files = JSON.stringify(Object.entries(is).filter(([path]) => !path.endsWith("/")));
  const same = (tree: Record<string, string>) => files === JSON.stringify(sorted(tree));
  if (same(ALL_OLD)) {
    // Folders that the patch made go with it.
    return Object.keys(is).some((path) => path.startsWith("new") || path.startsWith("moved"))
      ? "old, with folders left"
      : "old";
  }
  return same(ALL_NEW) ? "new" : files;
}

function sorted(tree: Record<string, string>): [string, string][] {
  const paths = Object.keys(tree).sort((a, b) => comparePaths(a, b));
  return paths.map((path) => [path, tree[path]!]);
}

/** As `readTree` walks: part by part. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    if (left[at]! !== right[at]!) return left[at]! < right[at]! ? -1 : 1;
  }
  return left.length - right.length;
}

/** Called before each file operation, with its number from 0 and its name; what it throws, the operation throws. */
export type BeforeOp = (count: number, name: keyof FileOps) => void;

/** The real file system without waiting for the disk, with something before each operation. */
export function watchedOps(before: BeforeOp, base: FileOps = nodeFileOps): FileOps {
  let count = 0;
  const ops: Record<string, unknown> = {};
  for (const name of Object.keys(base) as (keyof FileOps)[]) {
    const real = name === "sync" ? () => Promise.resolve() : (base[name] as (...args: unknown[]) => unknown);
    const later = name === "sync" || name === "read" || name === "write" || name === "remove";
    ops[name] = (...args: unknown[]) => {
      try {
        before(count++, name);
      } catch (error) {
        // As the real ones do: those that answer later fail later, and this one's failure is its answer.
        if (later) return Promise.reject(error);
        if (name === "writable") return false;
        throw error;
      }
      return real(...args);
    };
  }
  return ops as unknown as FileOps;
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by the test`), { code });
}
