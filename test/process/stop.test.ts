import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { killAllNow } from "../../src/process/index.js";
import { liveTrees } from "../../src/process/process-tree.js";
import fc from "../support/fast-check.js";
import { fixture, folder, marked, sh, start, text, until, zombies } from "./commands.js";

const LIMIT = { timeout: 40_000 };

test("the time limit ends a command, with the output so far", LIMIT, async () => {
  const tree = sh("echo before; sleep 60; echo after");
  const exit = await start(tree.command, { timeoutMs: 100 });
  assert.deepEqual([exit.end, exit.signal, text(exit), exit.error], ["timed_out", "SIGTERM", "before\n", undefined]);
  assert.deepEqual(tree.alive(), []);
  const long = await start(sh("sleep 0.02").command, { timeoutMs: 2 ** 40 });
  assert.equal(long.end, "exited");
});

test("a command that ends by itself on SIGTERM tells its code, and its last words are heard", LIMIT, async () => {
  const controller = new AbortController();
  const tree = sh("trap 'echo bye; exit 5' TERM; echo ready; while :; do :; done");
  const exit = await start(tree.command, { signal: controller.signal, onOutput: () => controller.abort() });
  assert.deepEqual([exit.end, exit.code, exit.signal, text(exit)], ["cancelled", 5, undefined, "ready\nbye\n"]);
});

test("a tree deaf to SIGTERM dies by SIGKILL, all of it", LIMIT, async () => {
  const controller = new AbortController();
  const tree = marked(fixture("deaf-tree.sh"));
  let alive = 0;
  const exit = await start(tree.command, {
    signal: controller.signal,
    graceMs: 50,
    onOutput: () => {
      alive = tree.alive().length;
      controller.abort();
    },
  });
  assert.ok(alive >= 2);
  assert.deepEqual([exit.end, exit.signal, exit.error], ["cancelled", "SIGKILL", undefined]);
  assert.deepEqual(tree.alive(), []);
});

test("a member deaf to SIGTERM dies although its leader went in peace", LIMIT, async () => {
  const tree = sh("(trap '' TERM; echo ready; while :; do sleep 0.01; done) & wait");
  const controller = new AbortController();
  const exit = await start(tree.command, {
    signal: controller.signal,
    graceMs: 50,
    onOutput: () => controller.abort(),
  });
  assert.deepEqual([exit.end, exit.signal, tree.alive()], ["cancelled", "SIGTERM", []]);
});

test("groups made inside the session die too", LIMIT, async () => {
  const tree = sh("set -m; timeout 60 sleep 60 & sleep 60 & echo ready; wait");
  const controller = new AbortController();
  await start(tree.command, { signal: controller.signal, onOutput: () => controller.abort() });
  assert.deepEqual(tree.alive(), []);
});

test("cancelled at any moment: it resolves, all is dead, and nothing is delivered afterwards", LIMIT, async () => {
  let late = 0;
  const property = fc.asyncProperty(
    fc.integer({ min: -1, max: 40 }),
    fc.boolean(),
    fc.boolean(),
    async (delay, deaf, slow) => {
      const controller = new AbortController();
      const tree = marked(fixture("busy-tree.sh"), deaf ? "deaf" : "");
      let over = false;
      const running = start(tree.command, {
        signal: controller.signal,
        graceMs: 15,
        onOutput: () => {
          if (over) late += 1;
          return slow ? new Promise((done) => setTimeout(done, 3)) : undefined;
        },
      });
      if (delay < 0) controller.abort();
      else setTimeout(() => controller.abort(), delay);
      const exit = await running;
      over = true;
      assert.deepEqual([exit.end, exit.error, tree.alive()], ["cancelled", undefined, []]);
      assert.equal(exit.pid === undefined, exit.durationMs === 0);
    },
  );
  await fc.assert(property, { numRuns: 60 });
  assert.deepEqual([late, liveTrees()], [0, 0]);
});

test("the end of a command is the end of what it left behind", LIMIT, async () => {
  for (const left of ["sleep 60 &", "sleep 60 >/dev/null 2>&1 &", "timeout 60 sleep 60 >/dev/null 2>&1 &"]) {
    const tree = sh(`${left} echo hi`);
    const exit = await start(tree.command, { drainMs: 50 });
    assert.deepEqual([exit.end, exit.code, exit.leftovers, text(exit)], ["exited", 0, true, "hi\n"], left);
    assert.deepEqual(tree.alive(), []);
  }
});

test("what ends by itself soon after the leader may finish, and is heard", LIMIT, async () => {
  const exit = await start(sh("echo one > >(sleep 0.1; cat; echo two)").command, { drainMs: 5000 });
  assert.deepEqual([exit.end, exit.leftovers, text(exit)], ["exited", false, "one\ntwo\n"]);
});

test("a process of another session that holds the pipes does not hold the end", LIMIT, async (t) => {
  const tree = sh(
    'env -u BELAY_COMMAND setsid sleep 60 & until [ -n "$(ps -o sid= -p $! | grep -v "^ *$$$")" ]; do :; done; echo hi',
  );
  t.after(() => {
    for (const pid of tree.alive()) process.kill(pid, "SIGKILL");
  });
  const exit = await start(tree.command, { drainMs: 50 });
  assert.deepEqual([exit.end, text(exit), exit.leftovers, exit.contained], ["exited", "hi\n", false, false]);
  assert.equal(tree.alive().length, 1);
});

test("zombies that nobody collects count as dead", LIMIT, async (t) => {
  const file = join(folder(t), "keeper");
  const keeper = `env -u BELAY_COMMAND perl '${fixture("zombie-keeper.pl")}' '${file}' >/dev/null 2>&1 &`;
  const tree = sh(`${keeper} until [ -e '${file}' ]; do sleep 0.01; done`);
  t.after(() => {
    for (const pid of tree.alive()) process.kill(pid, "SIGKILL");
  });
  const exit = await start(tree.command);
  assert.deepEqual([exit.end, exit.leftovers, exit.error], ["exited", false, undefined]);
  // The group is there all the same, as the zombie's.
  assert.equal(process.kill(-exit.pid!, 0), true);
});

test("killAllNow kills every running tree, without waiting", LIMIT, async () => {
  const trees = [marked(fixture("deaf-tree.sh")), marked(fixture("busy-tree.sh"), "deaf"), sh("echo; exec sleep 60")];
  let ready = 0;
  const runs = trees.map((tree) => {
    let first = true;
    return start(tree.command, {
      onOutput: () => {
        if (first) ready += 1;
        first = false;
      },
    });
  });
  await until(() => ready === 3);
  assert.equal(liveTrees(), 3);
  killAllNow();
  const exits = await Promise.all(runs);
  assert.deepEqual(
    exits.map((exit) => [exit.end, exit.signal]),
    Array(3).fill(["signalled", "SIGKILL"]),
  );
  assert.deepEqual([liveTrees(), trees.flatMap((tree) => tree.alive())], [0, []]);
  killAllNow();
});

const MANY = process.env.BELAY_SOAK === undefined ? 300 : 10_000;

test(`${MANY} commands leave no zombie, no entry and no listener behind`, { timeout: 500_000 }, async () => {
  const { signal } = new AbortController();
  for (let at = 0; at < MANY / 4; at += 1) {
    const scripts = ["true", "echo x", "true & true", "kill -KILL $$"];
    await Promise.all(scripts.map((script) => start(sh(script).command, { signal })));
  }
  assert.deepEqual([zombies(), liveTrees(), getEventListeners(signal, "abort").length], [[], 0, 0]);
});

test("without a namespace, what left the session with its environment is found and stopped too", LIMIT, async () => {
  const controller = new AbortController();
  const tree = sh(
    "setsid sleep 60 & (setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' &) ; echo ready; sleep 60",
  );
  const exit = await start(tree.command, {
    signal: controller.signal,
    graceMs: 50,
    onOutput: async () => {
      await until(() => tree.alive().length >= 4);
      controller.abort();
    },
  });
  assert.deepEqual([exit.end, exit.error, exit.contained, tree.alive()], ["cancelled", undefined, false, []]);
});

test("what a command may leave running is left, and named", LIMIT, async (t) => {
  const tree = sh("sleep 60 >/dev/null 2>&1 & setsid sleep 61 >/dev/null 2>&1 & echo started; exit 3");
  t.after(() => {
    for (const pid of tree.alive()) process.kill(pid, "SIGKILL");
  });
  const exit = await start({ ...tree.command, keepsChildren: true }, { drainMs: 50 });
  assert.deepEqual(
    [exit.end, exit.code, exit.leftovers, exit.error, text(exit)],
    ["exited", 3, false, undefined, "started\n"],
  );
  assert.deepEqual(exit.kept.map(({ argv }) => argv.join(" ")).sort(), ["sleep 60", "sleep 61"]);
  assert.deepEqual(exit.kept.map(({ pid }) => pid).sort(), tree.alive().sort());
  killAllNow();
  assert.equal(tree.alive().length, 2);
  // A stop ends them all the same.
  const controller = new AbortController();
  const stopped = sh("setsid sleep 60 & echo ready; sleep 60");
  const end = await start(
    { ...stopped.command, keepsChildren: true },
    { signal: controller.signal, onOutput: () => controller.abort() },
  );
  assert.deepEqual([end.kept, stopped.alive()], [[], []]);
  const none = await start({ ...sh("true").command, keepsChildren: true });
  assert.deepEqual([none.kept, none.leftovers], [[], false]);
});
