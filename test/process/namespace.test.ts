import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type Command, namespaceProgram } from "../../src/process/index.js";
import { liveTrees } from "../../src/process/process-tree.js";
import { checkPassing, sh as shell, start, text, until, zombies } from "./commands.js";

const MAKER = ["bwrap", "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", "--proc", "/proc", "--"];
const skip = spawnSync(MAKER[0]!, [...MAKER.slice(1), "true"]).status === 0 ? false : "needs bubblewrap (bwrap)";
const LIMIT = { timeout: 40_000, skip };

function sh(script: string): { readonly command: Command; readonly alive: () => number[] } {
  const plain = shell(script);
  const argv = [...MAKER, ...namespaceProgram(plain.command.argv)];
  return { command: { ...plain.command, argv, namespace: true }, alive: plain.alive };
}

test("codes, output and streams pass (needs bubblewrap)", LIMIT, async () => {
  await checkPassing((script) => sh(script).command);
});

test(
  "a program sees its arguments, its input and nothing that was opened for the namespace (needs bubblewrap)",
  LIMIT,
  async () => {
    const { command } = sh("");
    const list = 'ls /proc/self/fd; printf "<%s>" "$@"';
    const argv = [...MAKER, ...namespaceProgram(["bash", "-c", list, "bash", "a b", "", "*", "-n"])];
    const exit = await start({ ...command, argv });
    const plain = await start(shell("ls /proc/self/fd").command);
    assert.equal(text(exit), `${text(plain)}<a b><><*><-n>`);
  },
);

test(
  "a program that ends on SIGTERM has its grace, and its last words are heard (needs bubblewrap)",
  LIMIT,
  async () => {
    const controller = new AbortController();
    const tree = sh("trap 'echo bye; exit 5' TERM; echo ready; while :; do :; done");
    const options = { signal: controller.signal, graceMs: 5000, onOutput: () => controller.abort() };
    const exit = await start(tree.command, options);
    assert.deepEqual([exit.end, exit.code, text(exit), exit.contained], ["cancelled", 5, "ready\nbye\n", true]);
    assert.deepEqual(tree.alive(), []);
  },
);

test("what left the session has its grace too (needs bubblewrap)", LIMIT, async () => {
  const controller = new AbortController();
  const daemon = 'trap "echo saved; exit" TERM; echo ready; while :; do :; done';
  const tree = sh(`setsid bash -c '${daemon}' & wait; wait`);
  const options = { signal: controller.signal, graceMs: 5000, onOutput: () => controller.abort() };
  const exit = await start(tree.command, options);
  assert.deepEqual([exit.end, text(exit), exit.contained, tree.alive()], ["cancelled", "ready\nsaved\n", true, []]);
});

test(
  "what a program leaves behind is stopped and told, with the program's own code (needs bubblewrap)",
  LIMIT,
  async () => {
    for (const left of [
      "sleep 60 &",
      "setsid sleep 60 >/dev/null 2>&1 &",
      "(trap '' TERM; sleep 60) >/dev/null 2>&1 &",
    ]) {
      const tree = sh(`${left} echo hi; exit 7`);
      const exit = await start(tree.command, { drainMs: 50, graceMs: 30 });
      assert.deepEqual([exit.end, exit.code, exit.leftovers, exit.contained], ["exited", 7, true, true], left);
      assert.deepEqual([text(exit), tree.alive()], ["hi\n", []], left);
    }
  },
);

test("what ends by itself soon after the program may finish, and is heard (needs bubblewrap)", LIMIT, async () => {
  const exit = await start(sh("echo one > >(sleep 0.1; cat; echo two)").command, { drainMs: 5000 });
  assert.deepEqual([exit.end, exit.code, exit.leftovers, text(exit)], ["exited", 0, false, "one\ntwo\n"]);
});

test("a namespace that can't be made is a command that was not started (needs bubblewrap)", LIMIT, async () => {
  const { command } = sh("echo never");
  const argv = ["bwrap", "--ro-bind", "/missing-folder", "/", "--", ...namespaceProgram(["true"])];
  const heard: Uint8Array[] = [];
  const exit = await start({ ...command, argv }, { onOutput: (_stream, chunk) => void heard.push(chunk) });
  assert.deepEqual(heard, []);
  assert.deepEqual([exit.end, exit.pid, exit.code, exit.contained], ["not_started", undefined, undefined, true]);
  assert.match(exit.error!, /missing-folder/);
});

test(
  "a consumer that throws or rejects stops the command, and run throws the same (needs bubblewrap)",
  LIMIT,
  async () => {
    const error = new Error("no more");
    const consumers = [
      () => {
        throw error;
      },
      () => Promise.reject(error),
    ];
    for (const onOutput of consumers) {
      const tree = sh("echo hi; setsid sleep 60 & sleep 60");
      await assert.rejects(start(tree.command, { onOutput, graceMs: 20 }), error);
      assert.deepEqual(tree.alive(), []);
    }
  },
);

test("a flood is delivered whole and in order from its first byte on (needs bubblewrap)", LIMIT, async () => {
  let expected = 0;
  let rest = "";
  const onOutput = async (_stream: string, chunk: Uint8Array) => {
    const lines = (rest + Buffer.from(chunk).toString("latin1")).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      expected += 1;
      assert.equal(line, String(expected));
    }
  };
  const exit = await start(sh("seq 300000").command, { onOutput });
  assert.deepEqual([exit.end, expected, rest], ["exited", 300_000, ""]);
});

test("contents are handed over, whole, to several at once (needs bubblewrap)", LIMIT, async () => {
  const contents = ["first", "second".repeat(10_000)].map((one) => Buffer.from(one));
  const { command } = shell("cat <&4; cat <&5");
  const exits = await Promise.all([1, 2, 3].map(() => start({ ...command, passed: contents })));
  for (const exit of exits) assert.equal(exit.output.total, 60_005);
});

test("cancelled while it is being made: nothing of it runs, nothing stays (needs bubblewrap)", LIMIT, async () => {
  for (let delay = 0; delay < 24; delay += 1) {
    const controller = new AbortController();
    const tree = sh("trap '' TERM; sleep 60");
    setTimeout(() => controller.abort(), delay);
    const exit = await start(tree.command, { signal: controller.signal, graceMs: 15 });
    assert.deepEqual([exit.end, exit.error, tree.alive()], ["cancelled", undefined, []]);
  }
  assert.equal(liveTrees(), 0);
  await until(() => zombies().length === 0);
});
