import { explainMissing } from "./closest.js";
import type { Block, Finder } from "./finder.js";
import type { Level } from "./line-index.js";
import type { Hunk, HunkLine, Refusal } from "./patch.js";
import { refuse } from "./patch.js";
import { ANCHOR_LEVELS, followAnchors, LINE_LEVELS, type Search, variantsOf } from "./search.js";
import { lineEnd, lineNumber, type Span, type Text, textIndent } from "./text.js";

/** Where a hunk goes: `lines` are the hunk's, `span` the lines of the file that its kept and dropped lines stand for. */
export interface Placement {
  readonly hunk: Hunk;
  readonly lines: readonly HunkLine[];
  readonly span: Span;
}

interface Match {
  readonly lines: readonly HunkLine[];
  readonly block: Block;
  readonly level: Level;
  readonly span: Span;
  readonly anchorLevel: Level;
  /** The innermost anchor's line. */
  readonly anchor?: Span;
  /** Bound to its place by something else than its lines: it can't be ambiguous. */
  readonly fixed?: true;
}

interface Placed {
  readonly search: Search;
  readonly match: Match;
}

const CANDIDATES_NAMED = 6;

/**
 * Finds the place of every hunk, going down the file. Each hunk takes the strictest level at which its old lines are
 * found; with anchors it takes the nearest place below them. The hunks are placed once from the top, as early as they
 * go, and once from the bottom, as late as they go: where the two differ, a hunk fits in several places and is refused.
 */
export function placeHunks(
  finder: Finder,
  hunks: readonly Hunk[],
): { readonly ok: true; readonly placements: readonly Placement[] } | Refusal {
  const found: Placed[] = [];
  let cursor = finder.text.start;
  let anchorsFrom = cursor;
  for (const [at, hunk] of hunks.entries()) {
    const written = {
      hunk,
      anchors: hunk.anchors.map((anchor) => [anchor]),
      variants: variantsOf(hunk),
      cursor,
      anchorsFrom,
    };
    const placed = firstReading(finder, written);
    if (placed === undefined) return refuse(`${named(hunks, at)} ${explainMissing(finder, written)}`);
    const { match } = placed;
    found.push(placed);
    if (isAppend(match)) continue;
    cursor = match.span.end;
    anchorsFrom = match.anchor?.start ?? match.span.start;
  }
  const unsure = firstAmbiguous(finder, found);
  if (unsure !== undefined) return refuse(`${named(hunks, unsure.at)} ${unsure.message}`);
  return {
    ok: true,
    placements: found.map(({ search, match }) => ({ hunk: search.hunk, lines: match.lines, span: match.span })),
  };
}

/** The hunk as written; else, where its first old line says again what the last anchor says, that line is the anchor. */
function firstReading(finder: Finder, written: Search): Placed | undefined {
  const match = earliest(finder, written);
  if (match !== undefined) return { search: written, match };
  const anchor = written.hunk.anchors.at(-1);
  const first = written.variants.at(-1)!.block[0];
  if (anchor === undefined || first?.trim().startsWith(anchor.trim()) !== true) return undefined;
  const search = { ...written, anchors: written.anchors.slice(0, -1) };
  const again = earliest(finder, search);
  return again === undefined ? undefined : { search, match: again };
}

function earliest(finder: Finder, search: Search): Match | undefined {
  const { hunk } = search;
  const adds = search.variants.at(-1)!;
  if (adds.block.length === 0) return earliestAddition(finder, search, adds.lines);
  for (const { lines, block } of search.variants) {
    for (const level of LINE_LEVELS) {
      const first = hunk.endOfFile ? finder.atEnd(block, level) : finder.next(block, level, search.cursor);
      if (first === undefined || first.start < search.cursor) continue;
      const match = { lines, block, level, anchorLevel: 0 as Level };
      if (search.anchors.length === 0) {
        return hunk.endOfFile ? { ...match, span: first, fixed: true } : { ...match, span: first };
      }
      for (const anchorLevel of ANCHOR_LEVELS) {
        const anchor = followAnchors(finder, search, anchorLevel);
        if (anchor === undefined) continue;
        const from = Math.max(anchor.end, search.cursor);
        const span = hunk.endOfFile ? first : finder.next(block, level, from);
        if (span === undefined || span.start < from) continue;
        return { ...match, span, anchor, anchorLevel, ...(hunk.endOfFile ? { fixed: true as const } : {}) };
      }
    }
  }
  return undefined;
}

/** A hunk without old lines goes right below its anchor, after the line its header names, or to the end of the file. */
function earliestAddition(finder: Finder, search: Search, lines: readonly HunkLine[]): Match | undefined {
  const { hunk, cursor } = search;
  const { text } = finder;
  const match = { lines, block: [], level: 0 as Level, anchorLevel: 0 as Level };
  const atEnd: Match = { ...match, span: { start: text.end, end: text.end }, fixed: true };
  if (hunk.insertAfter !== undefined) {
    let at = text.start;
    for (let line = 0; line < hunk.insertAfter; line += 1) {
      if (at >= text.end) return undefined;
      at = lineEnd(text, at);
    }
    return at < cursor ? undefined : { ...match, span: { start: at, end: at }, fixed: true };
  }
  if (search.anchors.length === 0) return atEnd;
  for (const anchorLevel of ANCHOR_LEVELS) {
    const anchor = followAnchors(finder, search, anchorLevel);
    if (anchor === undefined) continue;
    if (hunk.endOfFile) return { ...atEnd, anchor, anchorLevel };
    const at = Math.max(anchor.end, cursor);
    return { ...match, span: { start: at, end: at }, anchor, anchorLevel };
  }
  return undefined;
}

function isAppend(match: Match): boolean {
  return match.fixed === true && match.block.length === 0 && match.anchor === undefined;
}

interface Unsure {
  readonly at: number;
  readonly message: string;
}

function firstAmbiguous(finder: Finder, found: readonly Placed[]): Unsure | undefined {
  let unsure: Unsure | undefined;
  let to = finder.text.end;
  for (let at = found.length - 1; at >= 0; at -= 1) {
    const { search, match } = found[at]!;
    if (isAppend(match)) continue;
    const other = match.fixed === true ? undefined : otherPlace(finder, { search, match, to });
    if (other !== undefined) unsure = { at, message: describe(finder, match, other) };
    to = other?.start ?? match.span.start;
  }
  return unsure;
}

/** Another place where the hunk would fit as well, with all of it before `to`. */
function otherPlace(
  finder: Finder,
  { search, match, to }: { search: Search; match: Match; to: number },
): Span | undefined {
  const { block, level, span } = match;
  if (match.anchor === undefined) {
    if (!finder.mayStandAfter(block, level, { start: span.start, end: to })) return undefined;
    const last = finder.last(block, level, to);
    return last === undefined || last.start <= span.start ? undefined : last;
  }
  const late = latestAnchored(finder, { search, match, to });
  if (late !== undefined && late.start > span.start) return late;
  if (block.length === 0) return undefined;
  const next = finder.next(block, level, lineEnd(finder.text, span.start));
  if (next === undefined || next.end > to) return undefined;
  return inBlock(finder.text, match.anchor, next) ? next : undefined;
}

function latestAnchored(
  finder: Finder,
  { search, match, to }: { search: Search; match: Match; to: number },
): Span | undefined {
  const { block, level, anchorLevel } = match;
  const last = finder.last(block, level, to);
  if (last === undefined) return undefined;
  let bound = last.start;
  let innermost: Span | undefined;
  for (let at = search.anchors.length - 1; at >= 0; at -= 1) {
    const anchor = finder.last(search.anchors[at]!, anchorLevel, bound);
    if (anchor === undefined || anchor.start < search.anchorsFrom) return undefined;
    innermost ??= anchor;
    bound = anchor.start;
  }
  const from = Math.max(innermost!.end, search.cursor);
  return finder.next(block, level, from);
}

/** Whether a place is within the block below the anchor: every line down to it is indented deeper than the anchor, or blank. */
function inBlock(text: Text, anchor: Span, place: Span): boolean {
  const depth = textIndent(text, anchor.start) ?? 0;
  for (let at = anchor.end; at < place.end; at = lineEnd(text, at)) {
    const indent = textIndent(text, at);
    if (indent !== undefined && indent <= depth) return false;
  }
  return true;
}

function describe(finder: Finder, match: Match, other: Span): string {
  const { text } = finder;
  const numbers: number[] = [];
  if (match.block.length === 0) {
    numbers.push(lineNumber(text, match.span.start) - 1, lineNumber(text, other.start) - 1);
    return `is ambiguous: its anchor stands at lines ${numbers.join(" and ")}; use an outer '@@' anchor, or context lines`;
  }
  let place: Span | undefined = match.span;
  while (place !== undefined && place.start <= other.start && numbers.length < CANDIDATES_NAMED) {
    numbers.push(lineNumber(text, place.start));
    place = finder.next(match.block, match.level, lineEnd(text, place.start));
  }
  const more = place !== undefined && place.start <= other.start ? " and more" : "";
  return `is ambiguous: its old lines stand at lines ${numbers.join(", ")}${more}; add context lines, or an '@@' line that names what encloses the right one`;
}

function named(hunks: readonly Hunk[], at: number): string {
  return `hunk ${at + 1} of ${hunks.length} (patch line ${hunks[at]!.line})`;
}
