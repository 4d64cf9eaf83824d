import { patchOf, type Tree } from "./trees.js";

/** One patch on one tree: what it becomes, or the words a refusal has to hold (the tree then stays). */
export interface Case {
  readonly name: string;
  readonly before: Tree;
  readonly patch: string;
  readonly after?: Tree;
  readonly refused?: RegExp;
}

/** A patch that updates one file. */
export const update = (path: string, ...lines: readonly string[]): string =>
  patchOf(`*** Update File: ${path}`, ...lines);
