import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { REAPED, RUNAWAYS, survivors } from "../support/runaways.js";
import {
  FULL,
  type Job,
  type JobOptions,
  makeWorld,
  noBubblewrap,
  READ_ONLY,
  removeWorld,
  runJobs,
  sh,
  startJobs,
  USERS,
  WORKSPACE,
  type World,
} from "./jobs.js";

const LIMIT = { timeout: 60_000, skip: noBubblewrap };
const POLICIES = [READ_ONLY, WORKSPACE, FULL];

function jobsFor(ends: readonly ("abort" | "limit" | "hang")[], user: string): Job[] {
  return ends.flatMap((end) =>
    POLICIES.flatMap((policy) =>
      Object.entries(RUNAWAYS).map(([name, argv], at): Job => {
        const mark = `86400.${process.pid}${user.length}${POLICIES.indexOf(policy)}${at}${end.length}`;
        const id = `${name}, ${policy.mode}, ${end}`;
        return { id, policy, end, mark, argv: argv.map((part) => part.replace("%", mark)) };
      }),
    ),
  );
}

/** Kills the program that runs the jobs, and waits until nothing of them lives. */
async function killedProgram(world: World, jobs: readonly Job[], options: JobOptions = {}): Promise<void> {
  const child = startJobs(world, jobs, options);
  let hanging = 0;
  for await (const chunk of child.stdout!) {
    hanging += String(chunk).split("hanging").length - 1;
    if (hanging === jobs.length) break;
  }
  for (const { mark, id } of jobs) assert.notDeepEqual(survivors(mark!), [], id);
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  while (jobs.some(({ mark }) => survivors(mark!).length > 0)) await new Promise((done) => setTimeout(done, 5));
}

function checkDead(jobs: readonly Job[], results: Awaited<ReturnType<typeof runJobs>>): void {
  for (const { id, end, mark } of jobs) {
    const result = results.get(id);
    assert.ok(result !== undefined && result.refused === undefined, `${id}: ${JSON.stringify(result)}`);
    assert.ok(result.seen > 0 || end === "limit", `${id}: ${result.output}`);
    assert.deepEqual([result.end, result.contained], [end === "limit" ? "timed_out" : "cancelled", true], id);
    assert.deepEqual(survivors(mark!), [], id);
  }
}

describe("runaways (needs bubblewrap)", () => {
  for (const user of USERS) {
    test(`as ${user.name}: after a stop or the time limit all are dead`, LIMIT, async (t) => {
      const world = makeWorld(user);
      t.after(() => removeWorld(world));
      const jobs = jobsFor(["abort", "limit"], user.name);
      const results = await runJobs(world, jobs, { atOnce: 12 });
      checkDead(jobs, results);
    });

    test(`as ${user.name}: when the program that runs them is killed, they die`, LIMIT, async (t) => {
      const world = makeWorld(user);
      t.after(() => removeWorld(world));
      const jobs = POLICIES.map((policy): Job => jobsFor(["hang"], user.name).find((job) => job.policy === policy)!);
      await killedProgram(world, jobs);
    });
  }

  for (const user of USERS) {
    test(
      `as ${user.name}, in no PID namespace: dead after a stop, the time limit, and a kill of the program`,
      REAPED,
      async (t) => {
        const world = makeWorld(user);
        t.after(() => removeWorld(world));
        const jobs = jobsFor(["abort", "limit"], `uncaged ${user.name}`).filter(({ policy }) => policy === FULL);
        const results = await runJobs(world, jobs, { atOnce: 6, uncaged: true });
        checkDead(jobs, results);
        const hanging = jobsFor(["hang"], `uncaged ${user.name}`).filter(({ policy }) => policy === FULL);
        // Its program dies before what it started, which is told to somebody who is not there any more.
        const mark = `86400.${process.pid}5${user.name.length}`;
        const deep = sh(`echo ready; sh -c 'sh -c "sh -c \\"sleep ${mark}; :\\"; :"; :'; :`);
        hanging.push({ id: "a deep tree", policy: FULL, end: "hang", mark, argv: deep });
        await killedProgram(world, hanging, { atOnce: hanging.length, uncaged: true });
      },
    );
  }

  test("without bubblewrap all are dead after a stop", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    const jobs = jobsFor(["abort"], "without").filter(({ policy }) => policy === WORKSPACE);
    const results = await runJobs(world, jobs, { atOnce: 4, partial: true });
    checkDead(jobs, results);
  });

  test("in a container, where /proc can't be mounted, they are dead all the same", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    // A part of /proc that is covered: the kernel lets nobody in there mount one that would show it.
    const covered = ["--proc", "/proc", "--tmpfs", "/proc/fs"];
    const inside = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--unshare-pid", ...covered];
    const jobs = jobsFor(["abort"], "somebody inside").filter(({ id }) => id.includes("session"));
    const results = await runJobs(world, jobs, { inside });
    for (const { id, mark } of jobs) {
      const result = results.get(id);
      assert.ok(result !== undefined && result.refused === undefined, `${id}: ${JSON.stringify(result)}`);
      assert.ok(result.seen > 0, `${id}: ${result.output}`);
      assert.deepEqual([result.end, result.contained, result.proc], ["cancelled", true, "host"], id);
      assert.deepEqual(survivors(mark!), [], id);
    }
  });
});
