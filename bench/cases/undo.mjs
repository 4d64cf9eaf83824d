import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runMeasured } from "../accounting.mjs";
import { row } from "../figures.mjs";
import { WRITES } from "../script.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 5;
const FILES = { few: 50, many: 50_000 };
const A_FOLDER = 10;
/** What a person does not notice between a model's answer and the next, ms. */
const UNNOTICED_MS = 200;

/**
 * The same turn, with commands that may write, and its undo, in a git repository of 50 files and in one of 50,000: the
 * difference is what looking at the files costs. The model answers at once, so that nothing is hidden behind its thinking.
 */
export async function undo(lab) {
  const places = Object.entries(FILES).map(([name, files]) => ({ name, folder: makeRepository(lab, files) }));
  const none = () => ({ few: [], many: [] });
  const figures = { first: none(), known: none(), later: none(), undo: none(), rss: none(), cpu: none() };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, folder } of places) {
      const measured = await measureTurn(lab, { name: "belay", script: "writes", expect: "Done.", cwd: folder });
      const requests = lab.server.requests(measured.run);
      if (requests.length !== WRITES.length + 1) throw new Error(`${requests.length} requests`);
      const step = (n) => requests[n + 1].at - requests[n].at;
      // From the second run on it begins with what the run before has left.
      figures[round === 0 ? "first" : "known"][name].push(step(1));
      figures.later[name].push(step(2), step(3));
      figures.rss[name].push(measured.rss);
      if (round > 0) figures.cpu[name].push(measured.cpu);
      figures.undo[name].push(await undoIn(lab, folder));
    }
  }
  const only = (values) => ({ ...samplesOf(), belay: values });
  const extra = figures.later.many.map((value, n) => value - figures.later.few[n]);
  return [
    row("first command that may write, 50 files, ms", only([...figures.first.few, ...figures.known.few])),
    row("… 50,000 files, never seen before, ms", only(figures.first.many)),
    row("… 50,000 files that an earlier run has seen, ms", only(figures.known.many)),
    row("a later one, 50 files, ms", only(figures.later.few)),
    row("… 50,000 files, ms", only(figures.later.many)),
    row("… the difference, ms", only(extra), [{ most: UNNOTICED_MS }]),
    row("CPU of the whole turn, 50 files, ms", only(figures.cpu.few)),
    row("… 50,000 files, ms", only(figures.cpu.many)),
    row("belay undo, 50 files, ms", only(figures.undo.few)),
    row("… 50,000 files, ms", only(figures.undo.many)),
    row("peak RSS of the turn, 50,000 files, MB", only(figures.rss.many)),
  ];
}

async function undoIn(lab, folder) {
  const { command, env } = lab.programs.belay;
  const undone = await runMeasured({ argv: [...command, "undo"], env, cwd: folder });
  const back = !existsSync(join(folder, "d4/new.txt")) && existsSync(join(folder, "d3/f3.txt"));
  if (undone.code !== 0 || !back || readFileSync(join(folder, "d1/f1.txt"), "utf8").endsWith("x\n")) {
    throw new Error(`the undo left something: ${undone.errors}`);
  }
  return undone.wall;
}

function makeRepository(lab, files) {
  const folder = mkdtempSync(join(lab.work, "repository-"));
  for (let n = 0; n < files; n += 1) {
    const parent = join(folder, `d${Math.floor(n / A_FOLDER)}`);
    if (n % A_FOLDER === 0) mkdirSync(parent);
    writeFileSync(join(parent, `f${n % A_FOLDER}.txt`), `line of file ${n}\n`.repeat(20));
  }
  const git = (...args) =>
    execFileSync("git", ["-c", "gc.auto=0", "-c", "user.name=b", "-c", "user.email=b@example.org", ...args], {
      cwd: folder,
    });
  git("init", "-q");
  git("add", "-A");
  git("commit", "-qm", "start");
  return folder;
}
