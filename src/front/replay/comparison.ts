import { type Fact, FactList, type Parting, type Reading } from "./facts.js";
import type { MovedFolder } from "./moved-folder.js";
import type { ScriptedTurn } from "./script.js";
import type { Played } from "./stage.js";

const NOTHING = "(nothing)";

/** The first difference between a turn of the record and the same one played; undefined: there is none. */
export function compareTurn(
  turn: ScriptedTurn,
  played: Played,
  { read, moved }: { readonly read: Reading; readonly moved: MovedFolder },
): Parting | undefined {
  if (played.departure !== undefined) return played.departure;
  const reading: Reading = {
    ...read,
    isTyped: (_, submission) => submission !== undefined,
    settlePaths: moved.back,
  };
  const list = new FactList(reading);
  for (const line of played.lines) list.take(line);
  const isCompared = ({ what }: Fact) => !turn.uncompared.has(what);
  const expected = turn.facts.filter(isCompared);
  const all = list.end().filter(isCompared);
  // What follows a kill was written by another process.
  const came = turn.end === "lost" ? all.slice(0, expected.length) : all;
  const at = Array.from({ length: Math.max(expected.length, came.length) }, (_, index) => index).find(
    (index) => expected[index]?.what !== came[index]?.what || expected[index]?.text !== came[index]?.text,
  );
  return at === undefined ? undefined : describe(expected[at], came[at]);
}

function describe(expected: Fact | undefined, came: Fact | undefined): Parting {
  if (expected !== undefined && expected.what === came?.what) {
    return { what: expected.what, expected: expected.text, came: came.text };
  }
  const named = (fact: Fact | undefined) => (fact === undefined ? NOTHING : `${fact.what}: ${fact.text}`);
  return { what: expected?.what ?? came?.what ?? "", expected: named(expected), came: named(came) };
}

/** Lines of each side that are shown, and characters of a line. */
const SHOWN_LINES = 5;
const SHOWN_CHARACTERS = 160;

/** The lines around which two texts differ, in the marks of a diff: `-` expected, `+` came. Never more than a few lines. */
export function shortDiff({ expected, came }: Parting): string[] {
  const [old, now] = [expected.split("\n"), came.split("\n")];
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const changed = (mark: string, lines: readonly string[]) => {
    const middle = lines.slice(head, lines.length - tail);
    const more = middle.length - SHOWN_LINES;
    const shown = middle.slice(0, SHOWN_LINES).map((line) => `${mark} ${clip(line)}`);
    return more > 0 ? [...shown, `${mark} … ${more} more lines`] : shown;
  };
  const before = head === 0 ? [] : [`  ${clip(old[head - 1] ?? "")}`];
  return [...before, ...changed("-", old), ...changed("+", now)];
}

function clip(line: string): string {
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}
