import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openAppServerTurns } from "../app-server-client.mjs";
import { quantile, row } from "../figures.mjs";
import { openProtoTurns } from "../proto-client.mjs";
import { TREE_FILE } from "../script.mjs";
import { samplesOf } from "../turns.mjs";

/** People don't interrupt in the millisecond in which a command starts. */
const SETTLED_MS = 200;

const OPEN = { belay: openProtoTurns, codex: openAppServerTurns };
const TREES = {
  tree: { kind: "obeys TERM", rounds: 20 },
  deaf: { kind: "ignores TERM", rounds: 10 },
};
/** The grace after TERM, and the drain of the pipes. No ratio: a peer that leaves the tree running has nothing to wait for. */
const BOUND_MS = 500;

/**
 * From the interrupt to the end of the turn while a shell with a child and a grandchild runs (`belay proto`, `codex
 * app-server`), and what of the tree is alive then.
 */
export async function interrupt(lab) {
  const rows = [];
  for (const [script, { kind, rounds }] of Object.entries(TREES)) {
    const [times, slowest, alive] = [samplesOf(), samplesOf(), samplesOf()];
    const turns = {};
    for (const name of lab.names) turns[name] = await OPEN[name](lab, lab.server.url(script, lab.nextRun()));
    for (let round = 0; round < rounds; round += 1) {
      for (const name of lab.names) {
        const file = join(lab.work, TREE_FILE);
        rmSync(file, { force: true });
        await turns[name].begin();
        await treeReady(file);
        await sleep(SETTLED_MS);
        times[name].push(await turns[name].interrupt());
        alive[name].push(endTree(lab.work));
      }
    }
    for (const name of lab.names) {
      await turns[name].close();
      slowest[name].push(quantile(times[name], 0.99));
    }
    rows.push(
      row(`interrupt to end of turn, tree ${kind}, ms`, times),
      row("… p99, ms", slowest, [{ most: BOUND_MS }]),
      row("… processes of the tree alive then", alive, [{ most: 0, of: (values) => Math.max(...values) }]),
    );
  }
  return rows;
}

/** Resolves once all of the tree is there and its shell waits. */
async function treeReady(file) {
  for (let waited = 0; waited < 20_000; waited += 5) {
    await sleep(5);
    if (existsSync(file) && readFileSync(file, "utf8").includes("ready")) return;
  }
  throw new Error("the command's tree did not come up");
}

/** How many processes of the tree run; they do no longer afterwards. */
function endTree(folder) {
  const running = processesIn(folder);
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended since.
    }
  }
  return running.length;
}

/**
 * The processes that run the tree's script or its sleeps in this folder: what they tell of themselves may be ids of a
 * namespace of their own. A zombie has no command line.
 */
function processesIn(folder) {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      return readlinkSync(`/proc/${pid}/cwd`) === folder && (words.startsWith("sleep\0") || words.includes(TREE_FILE));
    } catch {
      // It is gone.
      return false;
    }
  });
}
