import { existsSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parsePatch, recoverPatches } from "../../src/patch/index.js";
import { applyBy, patchOf, WAYS, writeTree } from "./trees.js";

// A program to be killed: it applies a patch of twenty files and its opposite in turn, for as long as it lives.
//   node back-and-forth.js apply CWD JOURNAL      node back-and-forth.js recover CWD JOURNAL

/** The two trees it goes back and forth between, by relative path; `linked` has a second name outside of both. */
export const TREES: readonly [Record<string, string>, Record<string, string>] = [{}, {}];
for (let n = 0; n < 10; n += 1)
  for (const side of [0, 1] as const) TREES[side][`d${n % 3}/change${n}`] = `top\nside ${side}\nend`;
for (let n = 0; n < 4; n += 1) for (const side of [0, 1] as const) TREES[side][`side${side}/only${n}`] = `${side}\n`;
for (let n = 0; n < 2; n += 1) for (const side of [0, 1] as const) TREES[side][`moved/at${side}-${n}`] = `moved\n`;
for (const side of [0, 1] as const) TREES[side].linked = `two names\nside ${side}\n`;

const PATCHES = [patchFrom(0), patchFrom(1)] as const;

export function makeStart(cwd: string): void {
  mkdirSync(cwd, { recursive: true });
  writeTree(cwd, TREES[0]);
  linkSync(join(cwd, "linked"), join(cwd, "..", "second-name"));
}

function patchFrom(side: 0 | 1): string {
  const other = 1 - side;
  const sections: string[] = [];
  const change = ["@@", `-side ${side}`, `+side ${other}`];
  for (const path of Object.keys(TREES[side])) {
    if (path.startsWith("d") || path === "linked") sections.push(`*** Update File: ${path}`, ...change);
    else if (path.startsWith("side")) sections.push(`*** Delete File: ${path}`);
    else sections.push(`*** Update File: ${path}`, `*** Move to: ${path.replace(`at${side}`, `at${other}`)}`);
  }
  for (let n = 0; n < 4; n += 1) sections.push(`*** Add File: side${other}/only${n}`, `+${other}`);
  return patchOf(...sections);
}

async function applyForEver(cwd: string, journal: string): Promise<never> {
  // The first patch starts from whichever tree the last run left.
  const first = existsSync(join(cwd, "side1")) && readdirSync(join(cwd, "side1")).length > 0 ? 1 : 0;
  for (let turn = 0; ; turn += 1) {
    for (const [at, patch] of [PATCHES[first], PATCHES[1 - first]!].entries()) {
      const parsed = parsePatch(patch);
      if (!parsed.ok) throw new Error(parsed.message);
      const applied = await applyBy(WAYS[at]!, parsed.patch, { cwd, journal });
      if (!applied.ok) throw new Error(applied.message);
    }
    if (turn === 0) process.stdout.write("ready\n");
  }
}

const [, , mode, cwd, journal] = process.argv;
if (cwd !== undefined && journal !== undefined) {
  if (mode === "apply") await applyForEver(cwd, journal);
  if (mode === "recover") process.stdout.write(JSON.stringify(await recoverPatches(journal)));
}
