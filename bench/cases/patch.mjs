import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startMeasured } from "../accounting.mjs";
import { row } from "../figures.mjs";

const ROUNDS = { big: 5, many: 15 };
const FILE_BYTES = 50 * 1024 * 1024;
const FILES = 1000;
const LINES = 500;
const FOLDERS = 20;
const HUNKS = 5;
/** Lines between hunks. */
const APART = 90;
const BARE = fileURLToPath(new URL("../bare-patch.cjs", import.meta.url));

/**
 * Patches from the command line, start-up included: one hunk in a file of 50 MB, and 5,000 hunks over 1,000 files, the latter
 * also by a bare Node program. Who comes first changes from round to round, as each finds the disk as the one before left it.
 */
export async function patch(lab) {
  const appliers = appliersOf(lab);
  const work = mkdtempSync(join(lab.work, "patch-"));
  // Has ext4 spread the folders over the disk: it looks through all inodes that were freed in the last minutes, and so through
  // those of the run before.
  spawnSync("chattr", ["+T", work]);
  const shape = [FILES, FOLDERS, HUNKS, APART].map(String);
  const all = { ...appliers, bare: [lab.node, BARE, ...shape] };
  const big = figuresOf(appliers);
  const many = figuresOf(all);
  for (const [figures, make, programs, rounds] of [
    [big, makeBigFile, appliers, ROUNDS.big],
    [many, makeManyFiles, all, ROUNDS.many],
  ]) {
    for (let round = 0; round < rounds; round += 1) {
      const order = Object.entries(programs);
      if (round % 2 === 1) order.reverse();
      for (const [name, argv] of order) {
        const folder = mkdtempSync(join(work, "patched-"));
        const { text, check } = make(folder);
        // What is measured is the patch, not the writing out of what it is applied to.
        spawnSync("sync", ["-f", folder]);
        const run = startMeasured({ argv, env: lab.programs[name]?.env ?? lab.bare.env, cwd: folder });
        run.stdin.end(text);
        const { code, wall, rss, errors } = await run.ended;
        if (code !== 0 || !check()) throw new Error(`${name} did not apply the patch: ${errors}`);
        figures.wall[name].push(wall);
        figures.rss[name].push(rss);
        // Its memory is for the next: a virtual machine may have to ask its host for memory that was never used.
        rmSync(folder, { recursive: true });
      }
    }
  }
  return [
    row("one hunk in a 50 MB file, ms", big.wall, [{ than: "codex", most: 0.5 }]),
    row("… peak RSS, MB", big.rss, [{ than: "codex", most: 0.5 }]),
    row("5,000 hunks over 1,000 files, ms", many.wall, [{ than: "codex", most: 0.7 }]),
    row("… peak RSS, MB", many.rss),
  ];
}

/** Codex applies a patch when it is called by the name of its tool. */
function appliersOf(lab) {
  const { belay, codex } = lab.programs;
  const appliers = { belay: [...belay.command, "apply-patch"] };
  if (codex === undefined) return appliers;
  const link = join(lab.work, "apply_patch");
  symlinkSync(codex.command[0], link);
  return { ...appliers, codex: [link] };
}

function figuresOf(appliers) {
  const none = () => Object.fromEntries(Object.keys(appliers).map((name) => [name, []]));
  return { wall: none(), rss: none() };
}

function makeBigFile(folder) {
  const line = (n) => `a line of a long file, with its number: ${String(n).padStart(8, "0")}`;
  const count = Math.floor(FILE_BYTES / (line(0).length + 1));
  const path = join(folder, "big.txt");
  writeFileSync(path, `${Array.from({ length: count }, (_, n) => line(n)).join("\n")}\n`);
  const at = Math.floor(count * 0.7);
  const marked = `${line(at)} changed`;
  const text = patchOf([
    "*** Update File: big.txt",
    "@@",
    ` ${line(at - 1)}`,
    `-${line(at)}`,
    `+${marked}`,
    ` ${line(at + 1)}`,
  ]);
  return { text, check: () => readFileSync(path).includes(marked) };
}

function makeManyFiles(folder) {
  const line = (file, n) => `line ${n} of file ${file}, of an ordinary length for a line of code`;
  const patch = [];
  for (let file = 0; file < FILES; file += 1) {
    const name = `d${file % FOLDERS}/f${file}.txt`;
    mkdirSync(join(folder, `d${file % FOLDERS}`), { recursive: true });
    const lines = Array.from({ length: LINES }, (_, n) => line(file, n));
    writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
    patch.push(`*** Update File: ${name}`);
    for (let hunk = 1; hunk <= HUNKS; hunk += 1) {
      const at = hunk * APART;
      patch.push("@@", ` ${lines[at - 1]}`, `-${lines[at]}`, `+${lines[at]} changed`, ` ${lines[at + 1]}`);
    }
  }
  const probe = join(folder, `d19/f${FILES - 1}.txt`);
  return { text: patchOf(patch), check: () => readFileSync(probe).includes("changed") };
}

function patchOf(lines) {
  return `*** Begin Patch\n${lines.join("\n")}\n*** End Patch\n`;
}
