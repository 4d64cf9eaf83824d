import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, test } from "node:test";
import { applyPatch } from "diff";
import { nodeFileOps, parsePatch, unifiedDiff } from "../../src/patch/index.js";
import fc from "../support/fast-check.js";
import { bytesOf, journalsOf, makePlace, patchOf, readTree, runPatch, WAYS, writeTree } from "./trees.js";

const RUNS = process.env.BELAY_SOAK === undefined ? 150 : 3000;
// The bytes matter here, not their way to the disk.
const ops = { ...nodeFileOps, sync: () => Promise.resolve() };
const place = makePlace({ after });

interface Line {
  readonly text: string;
  readonly ending: string;
}
interface Edit {
  readonly at: number;
  readonly drop: number;
  readonly add: readonly string[];
}
type Bodies = Map<string, readonly Line[]>;

const text = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("", "  x", "x", "\ty", "}", "é “q” – z", "日本", "*** End Patch", "@@", "-a", "+b"),
  },
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => `line ${n}`) },
);
const line = fc.record({ text, ending: fc.constantFrom("\n", "\n", "\n", "\r\n") });
const edit = fc.record({ at: fc.nat(1000), drop: fc.nat(3), add: fc.array(text, { maxLength: 3 }) });
const file = fc.record({
  lines: fc.array(line, { maxLength: 25 }),
  open: fc.boolean(),
  edits: fc.array(edit, { maxLength: 4 }),
  context: fc.nat(4),
  together: fc.boolean(),
  act: fc.constantFrom("edit", "edit", "edit", "move", "delete", "keep", "add"),
});
const files = fc.array(file, { minLength: 1, maxLength: 5 });
type FileCase = typeof file extends fc.Arbitrary<infer T> ? T : never;

/** The old lines with their endings; the last may have none. */
function bodyOf({ lines, open }: FileCase): Line[] {
  return lines.map((one, at) => (open && at === lines.length - 1 && one.text !== "" ? { ...one, ending: "" } : one));
}

/** Edits in order, apart by at least one line, within the file. */
function spread(edits: readonly Edit[], count: number): Edit[] {
  const chosen: Edit[] = [];
  let next = 0;
  for (const { at, drop, add } of [...edits].sort((a, b) => (a.at % (count + 1)) - (b.at % (count + 1)))) {
    const place = Math.max(at % (count + 1), next);
    const gone = Math.min(drop, count - place);
    if (place > count || (gone === 0 && add.length === 0)) continue;
    chosen.push({ at: place, drop: gone, add });
    next = place + gone + 1;
  }
  return chosen;
}

/** The file after its edits, by the rules: kept lines stay, added ones take the replaced line's ending, else the one's above, else below. */
function edited(body: readonly Line[], edits: readonly Edit[]): Line[] {
  const result: Line[] = [];
  const first = body.find(({ ending }) => ending !== "")?.ending ?? "\n";
  let at = 0;
  for (const { at: place, drop, add } of edits) {
    result.push(...body.slice(at, place));
    const fallback =
      [body[place - 1], body[place + drop]].find((one) => one !== undefined && one.ending !== "")?.ending ?? first;
    const last = result.at(-1);
    if (add.length > 0 && last?.ending === "") result[result.length - 1] = { ...last, ending: fallback };
    for (const [n, added] of add.entries()) {
      const replaced = drop === 0 ? undefined : body[place + Math.min(n, drop - 1)];
      result.push({
        text: added,
        ending: replaced === undefined || replaced.ending === "" ? fallback : replaced.ending,
      });
    }
    at = place + drop;
  }
  result.push(...body.slice(at));
  return result;
}

/** The edits as hunks; contexts don't reach into the edits next to them. */
function hunks(body: readonly Line[], edits: readonly Edit[], context: number): string[] {
  return edits.flatMap(({ at, drop, add }, n) => {
    const before = n === 0 ? 0 : edits[n - 1]!.at + edits[n - 1]!.drop;
    const behind = edits[n + 1]?.at ?? body.length;
    const kept = (from: number, to: number) => body.slice(from, to).map((one) => ` ${one.text}`);
    const lines = [
      ...kept(Math.max(before, at - context), at),
      ...body.slice(at, at + drop).map((one) => `-${one.text}`),
      ...add.map((added) => `+${added}`),
      // What stands right before the next edit may be its context, and is not this one's too.
      ...kept(
        at + drop,
        Math.min(n === edits.length - 1 ? behind : Math.max(at + drop, behind - context), at + drop + context),
      ),
    ];
    // Without a line to hold on to, only the line number tells where to add.
    return [lines.length === add.length ? `@@ -${at},0 +${at + 1},${add.length} @@` : "@@", ...lines];
  });
}

/** All edits in one hunk, with everything between them. */
function oneHunk(body: readonly Line[], edits: readonly Edit[], context: number): string[] {
  const kept = (from: number, to: number) => body.slice(from, to).map((one) => ` ${one.text}`);
  let at = Math.max(0, edits[0]!.at - context);
  const lines = ["@@"];
  for (const { at: place, drop, add } of edits) {
    lines.push(...kept(at, place), ...body.slice(place, place + drop).map((one) => `-${one.text}`));
    lines.push(...add.map((added) => `+${added}`));
    at = place + drop;
  }
  return [...lines, ...kept(at, at + context)];
}

function join_(lines: readonly Line[]): string {
  return lines.map((one) => one.text + one.ending).join("");
}

/** The patch for the files' acts, and the trees before and after it. */
function story(cases: readonly FileCase[]): { before: Bodies; after: Bodies; patch: string } {
  const before: Bodies = new Map();
  const later: Bodies = new Map();
  const sections: string[] = [];
  for (const [n, one] of cases.entries()) {
    const name = `d${n % 2}/f${n}`;
    const body = bodyOf(one);
    if (one.act === "add") {
      sections.push(`*** Add File: ${name}`, ...body.map((added) => `+${added.text}`));
      later.set(
        name,
        body.map((added) => ({ ...added, ending: "\n" })),
      );
      continue;
    }
    before.set(name, body);
    const edits = spread(one.edits, body.length);
    if (one.act === "delete") sections.push(`*** Delete File: ${name}`);
    else if (one.act === "keep" || (one.act === "edit" && edits.length === 0)) later.set(name, body);
    else {
      const moved = one.act === "move" ? `moved/${name}` : name;
      sections.push(`*** Update File: ${name}`, ...(moved === name ? [] : [`*** Move to: ${moved}`]));
      const together = one.together && edits.length > 1;
      sections.push(...(together ? oneHunk : hunks)(body, edits, one.context));
      later.set(moved, edited(body, edits));
    }
  }
  return { before, after: later, patch: patchOf(...sections) };
}

function reset(bodies: Bodies): Record<string, string> {
  rmSync(place.cwd, { recursive: true, force: true });
  const tree = Object.fromEntries([...bodies].map(([path, lines]) => [path, join_(lines)]));
  writeTree(place.cwd, { ...tree, "untouched/x": "x" });
  return readTree(place.cwd);
}

function noFolders(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !path.endsWith("/")));
}

test("edits written as a patch and applied give the edited tree; else nothing changes", async () => {
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(files, fc.constantFrom(...WAYS), async (cases, way) => {
      const { before, after: later, patch } = story(cases);
      const was = reset(before);
      const outcome = await runPatch(patch, place, ops, way);
      if (!outcome.ok) {
        assert.match(outcome.message, /ambiguous|names no file/, patch);
        assert.deepEqual(readTree(place.cwd), was);
        return;
      }
      applied += 1;
      const expected = Object.fromEntries([...later].map(([path, lines]) => [path, join_(lines)]));
      assert.deepEqual(noFolders(readTree(place.cwd)), bytesOf({ ...expected, "untouched/x": "x" }), patch);
    }),
    { numRuns: RUNS },
  );
  assert.ok(applied > RUNS / 3, `only ${applied} of ${RUNS} patches were applied`);
});

test("a damaged patch that is refused changes no byte", async () => {
  const damage = fc.record({
    at: fc.nat(10_000),
    kind: fc.constantFrom("cut", "drop", "double", "swap", "letter", "blank"),
    letter: fc.constantFrom("x", " ", "+", "-", "*", "@", "\n", "\r", "\0", "\ud800"),
  });
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(files, fc.array(damage, { minLength: 1, maxLength: 3 }), async (cases, damages) => {
      const { before, patch } = story(cases);
      const was = reset(before);
      const outcome = await runPatch(damages.reduce(damaged, patch), place, ops);
      const is = readTree(place.cwd);
      assert.equal(is["untouched/x"], "x");
      assert.ok(!Object.keys(is).some((path) => path.includes(".belay-")));
      if (outcome.ok) return;
      refused += 1;
      assert.deepEqual(is, was);
    }),
    { numRuns: RUNS },
  );
  assert.ok(refused > RUNS / 10);
  assert.deepEqual(journalsOf(place), []);
});

function damaged(patch: string, { at, kind, letter }: { at: number; kind: string; letter: string }): string {
  const place = at % (patch.length + 1);
  if (kind === "cut") return patch.slice(0, place);
  if (kind === "letter") return patch.slice(0, place) + letter + patch.slice(place + 1);
  if (kind === "blank") return `${patch.slice(0, place)}\n${patch.slice(place)}`;
  const lines = patch.split("\n");
  const n = at % lines.length;
  if (kind === "drop") lines.splice(n, 1);
  else if (kind === "double") lines.splice(n, 0, lines[n]!);
  else lines.splice(n, 2, lines[n + 1] ?? "", lines[n]!);
  return lines.join("\n");
}

test("any text is parsed or refused, never thrown at", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "*** Begin Patch",
      "*** End Patch",
      "*** Update File: a",
      "*** Add File: b",
      "*** Delete File: c",
      "*** Move to: d",
    ),
    fc.constantFrom(
      "@@",
      "@@ -1,2 +3 @@",
      "*** End of File",
      "<<EOF",
      "EOF",
      "```",
      "\\ No newline at end of file",
      "",
      " ",
      "+",
      "-",
      "x",
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece), (lines) => {
      const parsed = parsePatch(["*** Begin Patch", ...lines].join("\n"));
      assert.ok(parsed.ok || parsed.message.length > 0);
    }),
    { numRuns: RUNS * 5 },
  );
});

test("a unified diff turns the old text into the new one", async () => {
  const body = fc.array(line, { maxLength: 30 }).map((lines) => lines.map((one) => `${one.text}\n`).join(""));
  const end = fc.constantFrom("", "end", "end\n");
  await fc.assert(
    fc.asyncProperty(body, end, fc.array(edit, { maxLength: 4 }), end, async (before, tail, edits, newTail) => {
      const old = before + tail;
      const lines = old.split(/(?<=\n)/).map((one) => ({ text: one, ending: "" }));
      const now = lines.length === 0 ? newTail : join_(replaced(lines, spread(edits, lines.length))) + newTail;
      const diff = await unifiedDiff(Buffer.from(old), Buffer.from(now));
      assert.equal(diff === "", old === now);
      assert.ok(diff === "" || diff.startsWith("@@ "));
      if (diff !== "") assert.equal(applyPatch(old, `--- a\n+++ b\n${diff}`), now, diff);
    }),
    { numRuns: RUNS * 3 },
  );
});

function replaced(body: readonly Line[], edits: readonly Edit[]): Line[] {
  const result: Line[] = [];
  let at = 0;
  for (const { at: place, drop, add } of edits) {
    result.push(...body.slice(at, place), ...add.map((one) => ({ text: `${one}\n`, ending: "" })));
    at = place + drop;
  }
  return [...result, ...body.slice(at)];
}
