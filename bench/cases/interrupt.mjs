import { existsSync, readFileSync, rmSync } from "node:fs";
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
        const pids = await treeIn(file);
        await sleep(SETTLED_MS);
        times[name].push(await turns[name].interrupt());
        alive[name].push(endAll(pids));
      }
    }
    for (const name of lab.names) {
      await turns[name].close();
      slowest[name].push(quantile(times[name], 0.99));
    }
    rows.push(
      row(`interrupt to end of turn, tree ${kind}, ms`, times),
      row("… p99, ms", slowest, [{ most: BOUND_MS }]),
      row("… processes of 3 alive then", alive, [{ most: 0, of: (values) => Math.max(...values) }]),
    );
  }
  return rows;
}

/** The process ids that the tree tells, once all of it is there and its shell waits. */
async function treeIn(file) {
  for (let waited = 0; waited < 20_000; waited += 5) {
    await sleep(5);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (text.includes("ready")) return text.match(/\d+/g).map(Number);
  }
  throw new Error("the command's tree did not come up");
}

/** How many of these processes run; they do no longer afterwards. */
function endAll(pids) {
  const running = pids.filter(isRunning);
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended since.
    }
  }
  return running.length;
}

/** A zombie waits only to be collected. */
function isRunning(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    // It is gone.
    return false;
  }
}
