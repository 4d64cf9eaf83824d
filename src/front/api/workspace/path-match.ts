/** How well a path fits, higher is better, and which of its characters were matched. */
export interface PathMatch {
  readonly score: number;
  readonly indices: readonly number[];
}

const MATCH = 16;
const IN_A_ROW = 12;
const WORD_START = 8;
const NAME_START = 12;
const GAP_START = 3;
const GAP = 1;
/** Longer paths are matched by their end. */
const MOST_CHARACTERS = 1024;
const NONE = -(2 ** 30);

/**
 * Makes a matcher of a query: its words, each of which must be found in the path as characters in this order. Capitals count
 * where the query has some. Words at starts of words, characters in a row and the file's own name count more.
 */
export function pathMatcher(query: string): (path: string) => PathMatch | undefined {
  const exact = query !== query.toLowerCase();
  const fold = (text: string) => (exact ? text : foldCase(text));
  const words = fold(query)
    .split(/\s+/)
    .filter((word) => word !== "");
  return (path) => {
    const start = Math.max(0, path.length - MOST_CHARACTERS);
    const text = fold(path.slice(start));
    if (!words.every((word) => isSubsequence(word, text))) return undefined;
    const bonus = bonuses(path.slice(start));
    let score = 0;
    const indices = new Set<number>();
    for (const word of words) {
      const best = align(word, text, bonus);
      score += best.score;
      for (const index of best.indices) indices.add(index + start);
    }
    return { score: Math.max(0, score), indices: [...indices].sort((a, b) => a - b) };
  };
}

/** Lower case, character by character, so that indices stay: a few characters grow in lower case, and are left. */
function foldCase(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return [...text].map((one) => (one.toLowerCase().length === one.length ? one.toLowerCase() : one)).join("");
}

function isSubsequence(word: string, text: string): boolean {
  let at = -1;
  for (let n = 0; n < word.length; n += 1) {
    at = text.indexOf(word[n]!, at + 1);
    if (at === -1) return false;
  }
  return true;
}

function bonuses(path: string): Int32Array {
  const name = path.lastIndexOf("/") + 1;
  return Int32Array.from({ length: path.length }, (_, at) => {
    if (at === name) return NAME_START;
    const before = path[at - 1] ?? "/";
    if (/[^\p{L}\p{N}]/u.test(before)) return WORD_START;
    return /\p{Lu}/u.test(path[at]!) && /\p{Ll}/u.test(before) ? WORD_START : 0;
  });
}

/** The best way to lay the word's characters over the text's, which has them all in order. */
function align(word: string, text: string, bonus: Int32Array): PathMatch {
  // ends[i][at]: the best score with the word's character i laid over the text's character `at`; from[i][at]: where i - 1 lay.
  const ends: Int32Array[] = [];
  const from: Int32Array[] = [];
  for (let i = 0; i < word.length; i += 1) {
    const row = new Int32Array(text.length).fill(NONE);
    const origin = new Int32Array(text.length).fill(-1);
    const before = ends[i - 1];
    let gapped = NONE;
    let gappedAt = -1;
    for (let at = i; at < text.length; at += 1) {
      if (before !== undefined && at >= 2) {
        gapped -= GAP;
        const opened = before[at - 2]! - GAP_START;
        if (opened > gapped) [gapped, gappedAt] = [opened, at - 2];
      }
      if (text[at] !== word[i]) continue;
      const own = MATCH + bonus[at]!;
      if (before === undefined) row[at] = own;
      else {
        const next = before[at - 1]! + IN_A_ROW;
        row[at] = own + Math.max(next, gapped);
        origin[at] = next >= gapped ? at - 1 : gappedAt;
      }
    }
    ends.push(row);
    from.push(origin);
  }
  return trace(ends, from);
}

function trace(ends: readonly Int32Array[], from: readonly Int32Array[]): PathMatch {
  const last = ends.at(-1)!;
  let at = last.reduce((best, score, index) => (score > last[best]! ? index : best), 0);
  const score = last[at]!;
  const indices: number[] = [];
  for (let i = ends.length - 1; i >= 0; i -= 1) {
    indices.unshift(at);
    at = from[i]![at]!;
  }
  return { score, indices };
}
