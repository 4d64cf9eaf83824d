import assert from "node:assert/strict";
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { holderOf, lockSession, tryLock } from "../../src/rollout/index.js";
import { idOf, makeHome } from "./place.js";

const ID = idOf(1);

/** The lock is one of Linux, and so is the list of locks; the program that makes it here is util-linux's. */
const flockMissing =
  spawnSync("flock", ["--version"]).status === 0 && existsSync("/proc/locks") ? false : "needs flock and /proc/locks";

/** A process that takes the lock and holds it; its answer: `taken`, or the pid of who has it. */
function taker(home: string, at = Date.now()): { readonly child: ChildProcess; readonly answer: Promise<unknown> } {
  const program = resolve(".build/test/rollout/lock-taker.js");
  const build = process.env.BELAY_TEST_BUILD;
  const child = fork(build === undefined ? program : program.replace("/.build/", `/${build}/`), [home, ID, String(at)]);
  return { child, answer: once(child, "message").then(([message]) => message) };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

describe("one writer for a session", () => {
  test("a second process is told who has it, and gets it when the first has gone", async (t) => {
    const { home } = makeHome(t);
    const first = taker(home);
    assert.equal(await first.answer, "taken");
    const refused = tryLock(home, ID, Date.now());
    assert.equal(refused.ok, false);
    assert.equal(!refused.ok && refused.holder.pid, first.child.pid);
    assert.equal(holderOf(home, ID, Date.now())?.pid, first.child.pid);
    assert.equal(holderOf(home, idOf(2), Date.now()), undefined);
    // Killed: its lock is still there, and no one's.
    await kill(first.child);
    assert.equal(readdirSync(join(home, "session_locks")).length, 1);
    const taken = tryLock(home, ID, Date.now());
    assert.equal(taken.ok, true);
    assert.equal(readdirSync(join(home, "session_locks")).length, 1);
    if (taken.ok) taken.lock.release();
    assert.deepEqual(readdirSync(join(home, "session_locks")), []);
  });

  test("two conversations of one process can't both have it", (t) => {
    const { home } = makeHome(t);
    const first = tryLock(home, ID, 0);
    assert.equal(first.ok, true);
    const second = tryLock(home, ID, 0);
    assert.equal(!second.ok && second.holder.pid, process.pid);
    if (first.ok) first.lock.release();
    assert.equal(tryLock(home, ID, 0).ok, true);
  });

  test("of many that come at once over a dead one's lock, one gets it at most, and one in the end", async (t) => {
    const { home } = makeHome(t);
    const dead = taker(home);
    await dead.answer;
    await kill(dead.child);
    const takers = Array.from({ length: 6 }, () => taker(home));
    const answers = await Promise.all(takers.map(({ answer }) => answer));
    assert.ok(answers.filter((answer) => answer === "taken").length <= 1, `taken by several: ${answers.join(", ")}`);
    const winner = takers[answers.indexOf("taken")]?.child;
    for (const { child } of takers) if (child !== winner) await kill(child);
    if (winner !== undefined) await kill(winner);
    const deps = { clock: { now: () => Date.now(), monotonic: () => 0 }, random: (n: number) => new Uint8Array(n) };
    assert.equal((await lockSession(home, ID, { ...deps, signal: new AbortController().signal })).ok, true);
  });

  test("a clock that was turned back or forward takes nobody's lock away", async (t) => {
    const { home } = makeHome(t);
    const { child, answer } = taker(home);
    await answer;
    for (const now of [0, Date.now() + 1e12]) assert.equal(tryLock(home, ID, now).ok, false);
    await kill(child);
  });

  test("another machine's or container's counts while it shows life, and not from before this machine's start", (t) => {
    const { home } = makeHome(t);
    const folder = join(home, "session_locks");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${ID}.4242-77-0123abcd-4026531836.lock`);
    const now = Date.now();
    writeFileSync(path, "");
    const held = tryLock(home, ID, now);
    assert.deepEqual(!held.ok && [held.holder.pid, held.holder.elsewhere], [4242, true]);
    utimesSync(path, now / 1000 - 700, now / 1000 - 700);
    assert.equal(tryLock(home, ID, now).ok, true);
  });

  test("a process of Codex that has the session counts, by its own kind of lock", { skip: flockMissing }, async (t) => {
    const { home } = makeHome(t);
    const folder = join(home, "thread-writer-locks");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${ID}.lock`), "");
    assert.equal(holderOf(home, ID, Date.now()), undefined);
    const argv = ["-x", join(folder, `${ID}.lock`), "sh", "-c", "echo locked; read end"];
    const child = spawn("flock", argv, { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const refused = tryLock(home, ID, Date.now());
    assert.equal(!refused.ok && refused.holder.pid, child.pid);
    child.stdin.end("\n");
    await once(child, "exit");
    assert.equal(tryLock(home, ID, Date.now()).ok, true);
  });
});
