import type { Block, Finder } from "./finder.js";
import { quote } from "./patch.js";
import { ANCHOR_LEVELS, followAnchors, LINE_LEVELS, type Search } from "./search.js";
import { lineNumber } from "./text.js";

/** Places looked at for each line of the hunk, and lines compared letter by letter when none of its lines is in the file. */
const PLACES = 200;
const COMPARED = 5000;
const SIMILAR = 0.5;

/** Why a hunk has no place, and the place it comes closest to, as the end of a sentence that starts with the hunk's name. */
export function explainMissing(finder: Finder, search: Search): string {
  const { hunk, anchors } = search;
  const { block } = search.variants.at(-1)!;
  if (hunk.insertAfter !== undefined)
    return `adds after line ${hunk.insertAfter}, which is not there or already behind`;
  for (const anchor of anchors) {
    if (ANCHOR_LEVELS.some((level) => finder.next(anchor, level, finder.text.start) !== undefined)) continue;
    return `has an anchor ${quote(anchor[0]!)} that no line of the file matches${closestLine(finder, anchor[0]!)}`;
  }
  if (anchors.length > 0 && !ANCHOR_LEVELS.some((level) => followAnchors(finder, search, level))) {
    return `has anchors that are in the file, but not below ${search.cursor === finder.text.start ? "each other" : "the hunk before"}`;
  }
  for (const level of LINE_LEVELS) {
    const place = finder.next(block, level, finder.text.start);
    if (place === undefined) continue;
    const line = lineNumber(finder.text, place.start);
    if (hunk.endOfFile) return `is marked '*** End of File', but its old lines stand at line ${line}, not at the end`;
    const above = anchors.length > 0 ? "above its anchor or the hunk before" : "above the end of the hunk before";
    return `has old lines that stand at line ${line} only, ${above}; hunks go down the file`;
  }
  return `does not match the file. ${closestPlace(finder, block)}`;
}

/** The place where most of the block's lines stand in a row, and the first line that differs there. */
function closestPlace(finder: Finder, block: Block): string {
  const { index } = finder;
  const votes = new Map<number, number>();
  for (const [at, line] of block.entries()) {
    if (line.trim() === "") continue;
    // A place where the block would begin above the file is none that a reader could find.
    for (const place of index.linesLike(line, PLACES))
      if (place >= at) votes.set(place - at, (votes.get(place - at) ?? 0) + 1);
  }
  let best: number | undefined;
  for (const [place, count] of votes) if (best === undefined || count > votes.get(best)!) best = place;
  if (best === undefined) {
    const line = block.find((other) => other.trim() !== "") ?? "";
    return `It has no line like ${quote(line)}${closestLine(finder, line)}`;
  }
  const wrong = block.findIndex((line, at) => index.matcher([line], 1)(best + at) === undefined);
  const at = best + wrong;
  const there = at >= index.count ? "nothing" : quote(index.line(at));
  return (
    `Closest is line ${best + 1}, where ${votes.get(best)} of its ${block.length} old lines stand; ` +
    `but line ${at + 1} of the file is ${there}, and the patch has ${quote(block[wrong]!)}`
  );
}

/** `; closest is line N: "…"`, or nothing when no line looks like it. */
function closestLine(finder: Finder, wanted: string): string {
  const { index } = finder;
  const pairs = letterPairs(wanted);
  let best = SIMILAR;
  let found: number | undefined;
  for (let line = 0; line < Math.min(index.count, COMPARED); line += 1) {
    const score = similarity(pairs, letterPairs(index.line(line).slice(0, 400)));
    if (score <= best) continue;
    best = score;
    found = line;
  }
  return found === undefined ? "" : `; closest is line ${found + 1}: ${quote(index.line(found))}`;
}

function letterPairs(line: string): ReadonlyMap<string, number> {
  const pairs = new Map<string, number>();
  const text = line.trim().slice(0, 400);
  for (let at = 0; at + 1 < text.length; at += 1) {
    const pair = text.slice(at, at + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}

/** Dice's coefficient of two bags of letter pairs: 0 nothing in common, 1 the same. */
function similarity(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let shared = 0;
  let total = 0;
  for (const [pair, count] of a) {
    shared += Math.min(count, b.get(pair) ?? 0);
    total += count;
  }
  for (const count of b.values()) total += count;
  return total === 0 ? 0 : (2 * shared) / total;
}
