import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { isForeignGroup, liveTrees, ProcessTree } from "../../src/process/process-tree.js";
import { sessionMembers } from "../../src/process/session-members.js";
import fc from "../support/fast-check.js";
import { sh, start, until } from "./commands.js";

test("only ids that can be a group of ours are ever signalled", () => {
  const self = { pid: 500, ppid: 400 };
  for (const id of [500, 400, 1, 0, -1, -500, Number.NaN, Number.POSITIVE_INFINITY, 2.5, 2 ** 60]) {
    assert.equal(isForeignGroup(id, self), false, String(id));
  }
  assert.equal(isForeignGroup(501, self), true);
  fc.assert(fc.property(fc.integer({ max: 1 }), (id) => !isForeignGroup(id, self)));
});

test("a tree of our own process, our parent or nobody is refused", () => {
  for (const id of [0, 1, process.pid, process.ppid]) assert.throws(() => new ProcessTree(id), /not a process group/);
  assert.equal(liveTrees(), 0);
});

test("a tree once seen empty, or let go, is never signalled again", { timeout: 30_000 }, async (t) => {
  const sent: [number, unknown][] = [];
  const kill = process.kill;
  t.after(() => {
    process.kill = kill;
  });
  process.kill = (pid, signal) => {
    sent.push([pid, signal]);
    return kill.call(process, pid, signal);
  };
  const leader = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  const tree = new ProcessTree(leader.pid!);
  assert.equal(tree.isAlive(), true);
  assert.equal(await tree.stop(1000), true);
  assert.ok(sent.every(([pid]) => pid === -leader.pid!));
  assert.equal(sent.find(([, signal]) => signal !== 0)?.[1], "SIGTERM");
  const before = sent.length;
  tree.signal("SIGKILL");
  assert.equal(tree.isAlive(), false);
  assert.equal(sent.length, before);
  const other = spawn("bash", ["-c", "set -m; sleep 60 & exec sleep 60"], { detached: true, stdio: "ignore" });
  const groups = () => new Set((sessionMembers(other.pid!, { everywhere: true }) ?? []).map((member) => member.group));
  await until(() => groups().size === 2);
  const free = new ProcessTree(other.pid!);
  free.release();
  free.signal("SIGKILL");
  assert.deepEqual([sent.length, liveTrees() - 1], [before, 0]);
  tree.release();
  for (const group of groups()) kill.call(process, -group, "SIGKILL");
});

test("a look at a session tells the dead from the living, and groups apart", { timeout: 30_000 }, async () => {
  // The subshell ends only when its parent has become a program that never collects it.
  const script =
    "set -m; sleep 60 & set +m; (until read -r name </proc/$$/comm && [ $name = sleep ]; do :; done) & exec sleep 60";
  let pid = 0;
  const controller = new AbortController();
  const running = start(sh(script).command, {
    signal: controller.signal,
    onStart: (started) => {
      pid = started;
    },
  });
  // Session 0 is the system's own, full of strangers: nothing is looked up before the id is known.
  await until(() => pid !== 0);
  for (const everywhere of [true, false]) {
    await until(() => (sessionMembers(pid, { everywhere }) ?? []).some((member) => member.dead));
    const members = sessionMembers(pid, { everywhere }) ?? [];
    assert.deepEqual(members.map((member) => member.dead).sort(), [false, false, true]);
    assert.equal(members.filter((member) => member.group === pid).length, 2);
  }
  controller.abort();
  await running;
  // The two orphans that were killed may still wait to be collected, by the system's first process.
  assert.ok((sessionMembers(pid, { everywhere: true }) ?? []).every((member) => member.dead));
});
