import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Exit } from "../../src/process/index.js";
import { type Place, probe, runSandboxed, type SandboxLevel } from "../../src/sandbox/index.js";
import type { Job, Result } from "./jobs.js";

/*
 * A program that runs commands in the sandbox and tells how they ended, so that tests can do that as another user, and
 * kill it. Jobs come as JSON in the first argument, results go out as JSON lines.
 */

interface Order {
  readonly place: Place;
  /** A socket of the machine's to listen on. */
  readonly listen: string | undefined;
  readonly jobs: readonly Job[];
  readonly atOnce: number;
  /** Behind the walls that can be made without bubblewrap. */
  readonly partial: boolean | undefined;
  /** In no PID namespace. */
  readonly uncaged: boolean | undefined;
}

const order = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Order;
const env = process.env as Record<string, string>;
if (order.listen !== undefined)
  createServer((socket) => socket.destroy())
    .listen(order.listen)
    .unref();
const level = await levelFor(order);
const waiting = [...order.jobs];
await Promise.all(Array.from({ length: order.atOnce }, work));

async function work(): Promise<void> {
  for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
    process.stdout.write(`${JSON.stringify(await carryOut(job))}\n`);
  }
}

async function carryOut(job: Job): Promise<Result> {
  const { PATH = "" } = env;
  const command = { argv: job.argv, cwd: order.place.cwd, env: { PATH, HOME: order.place.home, ...job.env } };
  const controller = new AbortController();
  let seen = 0;
  let isOver = false;
  const ran = await runSandboxed(command, job.policy, {
    place: order.place,
    level,
    signal: controller.signal,
    timeoutMs: job.end === "limit" ? 1500 : 15_000,
    graceMs: 30,
    keep: { head: 4000, tail: 4000 },
    onOutput: (stream) => {
      if (job.mark === undefined || stream === "stderr") return;
      const { mark } = job;
      const look = () => {
        seen = Math.max(seen, alive(mark));
        if (seen === 0 && !isOver) setTimeout(look, 5);
        else if (job.end === "abort") controller.abort();
        else if (job.end === "hang") process.stdout.write("hanging\n");
      };
      look();
    },
  });
  // On a busy machine a limit may cut a job before it shows: nobody must go on looking for it.
  isOver = true;
  if (!ran.ok) return { id: job.id, refused: ran.reason };
  return { id: job.id, ...summary(ran.exit), seen, appeared: ran.appeared, proc: level.cage?.proc };
}

function summary(exit: Exit) {
  const { end, code, signal, error, leftovers, contained } = exit;
  return { end, code, signal, error, leftovers, contained, output: exit.output.parts().head };
}

/** How many processes have the mark among their arguments. */
function alive(mark: string): number {
  return readdirSync("/proc").filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0").includes(mark);
    } catch {
      // Not a process, or it ended.
      return false;
    }
  }).length;
}

async function levelFor({ place, partial, uncaged }: Order): Promise<SandboxLevel> {
  const { signal } = new AbortController();
  if (uncaged === true) return { ...(await probe(place, { env, signal })), cage: undefined };
  if (partial !== true) return probe(place, { env, signal });
  const found = await probe(place, { env: { ...env, PATH: await pathWithout("bwrap") }, signal });
  return { ...found, walls: found.partial };
}

/** A folder of links to the programs that make walls, but one. */
async function pathWithout(name: string): Promise<string> {
  const folder = mkdtempSync("/var/tmp/belay-few-");
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const program of ["unshare", "setpriv", "bwrap"].filter((one) => one !== name)) {
    const found = (env.PATH ?? "")
      .split(":")
      .map((path) => join(path, program))
      .find(existsSync);
    if (found !== undefined) symlinkSync(found, join(folder, program));
  }
  return folder;
}
