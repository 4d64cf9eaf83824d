import type { Block, Finder } from "./finder.js";
import type { Level } from "./line-index.js";
import type { Hunk, HunkLine } from "./patch.js";
import type { Span } from "./text.js";

/** From strict to lenient, as tried for a hunk's lines and for its anchors. */
export const LINE_LEVELS: readonly Level[] = [0, 1, 2, 3];
export const ANCHOR_LEVELS: readonly Level[] = [0, 1, 2, 3, 4];

/** One hunk as it is searched for. */
export interface Search {
  readonly hunk: Hunk;
  readonly anchors: readonly Block[];
  readonly variants: readonly Variant[];
  /** The first offset at which the old lines may stand, and the first at which the anchors may. */
  readonly cursor: number;
  readonly anchorsFrom: number;
}

/** One reading of a hunk, and its old lines. */
export interface Variant {
  readonly lines: readonly HunkLine[];
  readonly block: Block;
}

/** The hunk as written, then without wholly empty lines at its end, then without those at its start too. */
export function variantsOf({ lines }: Hunk): readonly Variant[] {
  let to = lines.length;
  while (to > 0 && lines[to - 1]!.bare === true) to -= 1;
  let from = 0;
  while (from < to && lines[from]!.bare === true) from += 1;
  const variants = [variantOf(lines)];
  if (to < lines.length) variants.push(variantOf(lines.slice(0, to)));
  if (from > 0) variants.push(variantOf(lines.slice(from, to)));
  return variants;
}

function variantOf(lines: readonly HunkLine[]): Variant {
  const block: string[] = [];
  for (const { kind, text } of lines) if (kind !== "add") block.push(text);
  return { lines, block };
}

/** The innermost of the anchors, each found below the one before it. */
export function followAnchors(finder: Finder, search: Search, level: Level): Span | undefined {
  let anchor: Span | undefined;
  for (const block of search.anchors) {
    anchor = finder.next(block, level, anchor?.end ?? search.anchorsFrom);
    if (anchor === undefined) return undefined;
  }
  return anchor;
}
