import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runMeasured } from "../accounting.mjs";
import { row } from "../figures.mjs";
import { WRITES } from "../script.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 5;
const FILES = 50_000;
const A_FOLDER = 10;
/** What a person does not notice between a model's answer and the start of a command, ms. */
const UNNOTICED_MS = 400;

/**
 * A git repository of 50,000 files: what a command costs that may change files, beside one that only reads, and the undo.
 * The model answers at once, so nothing of it is hidden behind its thinking.
 */
export async function undo(lab) {
  const folder = makeRepository(lab);
  const figures = { look: [], first: [], later: [], wall: [], undo: [], rss: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const measured = await measureTurn(lab, { name: "belay", script: "writes", expect: "Done.", cwd: folder });
    const requests = lab.server.requests(measured.run);
    if (requests.length !== WRITES.length + 1) throw new Error(`${requests.length} requests`);
    const step = (n) => requests[n + 1].at - requests[n].at;
    figures.look.push(step(0));
    figures.first.push(step(1));
    figures.later.push(step(2), step(3));
    figures.wall.push(measured.wall);
    figures.rss.push(measured.rss);
    const { command, env } = lab.programs.belay;
    const undone = await runMeasured({ argv: [...command, "undo"], env, cwd: folder });
    const back = !existsSync(join(folder, "d4/new.txt")) && existsSync(join(folder, "d3/f3.txt"));
    if (undone.code !== 0 || !back || readFileSync(join(folder, "d1/f1.txt"), "utf8").endsWith("x\n")) {
      throw new Error(`the undo left something: ${undone.errors}`);
    }
    figures.undo.push(undone.wall);
  }
  const only = (values) => ({ ...samplesOf(), belay: values });
  const extra = figures.later.map((value, n) => value - figures.look[Math.floor(n / 2)]);
  return [
    row("step whose command only reads, ms", only(figures.look)),
    row("the first that may write (all files looked at), ms", only(figures.first)),
    row("a later one that may write, ms", only(figures.later)),
    row("… over one that only reads, ms", only(extra), [{ most: UNNOTICED_MS }]),
    row("belay undo, ms", only(figures.undo)),
    row("peak RSS of the turn, MB", only(figures.rss)),
  ];
}

function makeRepository(lab) {
  const folder = mkdtempSync(join(lab.work, "repository-"));
  for (let n = 0; n < FILES; n += 1) {
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
