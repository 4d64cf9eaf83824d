import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Command } from "../../src/process/index.js";
import { liveTrees } from "../../src/process/process-tree.js";
import { REAPED, RUNAWAYS, survivors } from "../support/runaways.js";
import { checkPassing, marked, sh as shell, start, text, until, zombies } from "./commands.js";

const LIMIT = { timeout: 40_000, ...REAPED };

function led(command: Command): Command {
  return { ...command, reaper: true };
}

function sh(script: string): { readonly command: Command; readonly alive: () => number[] } {
  const plain = shell(script);
  return { ...plain, command: led(plain.command) };
}

test("under a reaper codes, output and streams pass", LIMIT, async () => {
  await checkPassing((script) => sh(script).command);
  const missing = await start(led(marked("/missing/program").command));
  assert.deepEqual([missing.end, missing.code], ["exited", 127]);
  assert.match(text(missing), /missing\/program: No such file/);
});

test(
  "a command finds what it finds without a reaper: variables, descriptors, signals, limits, a session of its own",
  LIMIT,
  async () => {
    const look = `env -0 | tr '\\0' '\\n' | grep -v BELAY_COMMAND | sort; ls /proc/self/fd; umask; ulimit -a; pwd; printf '<%s>' "$@"
    grep -E '^(Sig(Blk|Ign|Cgt)|NoNewPrivs|Cap)' /proc/self/status; cut -d' ' -f2- /proc/self/stat | awk '{ print $4 == $5 }'
    [ "$(ps -o sid= -p $$)" -eq $$ ] && echo leads; read -r line || echo no input`;
    const { command } = marked("bash", "-c", look, "bash", "a b", "", "*", "-n", "--", "\u00e9");
    const odd = { LANG: "xx_YY.UTF-8", PERL5OPT: "-Mmissing", PERL5LIB: "/", xA: "two\nlines", A: "", ENV: "=\u00e9" };
    const plain = { ...command, env: { ...command.env, ...odd } };
    const [without, under] = await Promise.all([start(plain), start(led(plain))]);
    assert.match(text(without), /leads\nno input\n$/);
    assert.equal(text(under), text(without));
  },
);

for (const [at, [name, argv]] of Object.entries(RUNAWAYS).entries()) {
  test(`${name} does not survive a stop under a reaper`, LIMIT, async (t) => {
    const mark = `86405.${process.pid}${at}`;
    clearAfter(t, mark);
    const controller = new AbortController();
    const { command } = marked(...argv.map((part) => part.replaceAll("%", mark)));
    const running = start(led(command), { signal: controller.signal, graceMs: 30 });
    await until(() => survivors(mark).length > 0);
    controller.abort();
    const { end, contained, error } = await running;
    assert.deepEqual([end, contained, error, survivors(mark)], ["cancelled", true, undefined, []]);
  });
}

test("what ends on SIGTERM has its grace under a reaper, wherever it went", LIMIT, async () => {
  const controller = new AbortController();
  const daemon = 'trap "echo saved; exit" TERM; echo ready; while :; do :; done';
  const tree = sh(`trap 'wait; echo bye; exit 5' TERM; env -i setsid bash -c '${daemon}' & wait; wait`);
  const options = { signal: controller.signal, graceMs: 5000, onOutput: () => controller.abort() };
  const exit = await start(tree.command, options);
  assert.deepEqual([exit.end, exit.code, text(exit), exit.contained], ["cancelled", 5, "ready\nsaved\nbye\n", true]);
});

test(
  "what a program leaves behind is stopped and told under a reaper, with the program's own code",
  LIMIT,
  async (t) => {
    const mark = `86406.${process.pid}`;
    clearAfter(t, mark);
    for (const left of [
      `sleep ${mark} &`,
      `env -i setsid sleep ${mark} >/dev/null 2>&1 &`,
      `(trap '' TERM; setsid sleep ${mark} &);`,
    ]) {
      const exit = await start(sh(`${left} echo hi; exit 7`).command, { drainMs: 50, graceMs: 30 });
      assert.deepEqual([exit.end, exit.code, exit.leftovers, exit.contained], ["exited", 7, true, true], left);
      assert.deepEqual([text(exit), survivors(mark)], ["hi\n", []], left);
    }
    const patient = await start(sh("echo one > >(sleep 0.1; cat; echo two)").command, { drainMs: 5000 });
    assert.deepEqual([patient.code, patient.leftovers, text(patient)], [0, false, "one\ntwo\n"]);
  },
);

test(
  "what forks as fast as it can dies under a reaper, and so does what hops from process to process",
  LIMIT,
  async (t) => {
    const mark = `86407.${process.pid}`;
    clearAfter(t, mark);
    const hop = `my $end = time + 9; $0 = "hop"; $SIG{TERM} = "IGNORE"; syswrite STDOUT, "ready\\n"; while (time < $end) { fork and exit }`;
    const bomb = `my $end = time + 9; syswrite STDOUT, "ready\\n"; $SIG{TERM} = "IGNORE"; $SIG{CHLD} = "IGNORE"; fork for 1..6; while (time < $end) { fork or select undef, undef, undef, 0.02; exit if rand() < 0.6 }`;
    for (const script of [hop, bomb]) {
      const controller = new AbortController();
      const { command } = marked("perl", "-e", script, "--", mark);
      const options = { signal: controller.signal, graceMs: 20, onOutput: () => controller.abort() };
      const { contained, error } = await start(led(command), options);
      assert.deepEqual([contained, error, survivors(mark)], [true, undefined, []], script);
    }
  },
);

test("a command that kills its reaper: what can be found is stopped, and nothing is called proven", LIMIT, async () => {
  const tree = sh("setsid sleep 60 & kill -9 $PPID; sleep 60");
  const exit = await start(tree.command, { graceMs: 30 });
  assert.deepEqual([exit.end, exit.signal, exit.contained, tree.alive()], ["signalled", "SIGKILL", false, []]);
  assert.match(exit.error!, /some may live on/);
  const controller = new AbortController();
  const halting = sh("kill -STOP $PPID; echo ready; trap '' TERM; while :; do sleep 1; done");
  const options = { signal: controller.signal, graceMs: 30, onOutput: () => controller.abort() };
  const stopped = await start(halting.command, options);
  assert.deepEqual([stopped.end, stopped.contained, halting.alive()], ["cancelled", true, []]);
});

test("cancelled at any moment: nothing of it runs, nothing stays under a reaper", LIMIT, async (t) => {
  const mark = `86408.${process.pid}`;
  clearAfter(t, mark);
  for (let delay = 0; delay < 24; delay += 1) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), delay / 2);
    const tree = sh(`trap '' TERM; env -i setsid sleep ${mark} & sleep 60`);
    const exit = await start(tree.command, { signal: controller.signal, graceMs: 15 });
    assert.deepEqual([exit.end, exit.error, exit.contained], ["cancelled", undefined, true]);
    assert.deepEqual([tree.alive(), survivors(mark)], [[], []]);
  }
  assert.equal(liveTrees(), 0);
  await until(() => zombies().length === 0);
});

function clearAfter(t: TestContext, mark: string): void {
  t.after(() => {
    for (const pid of survivors(mark)) process.kill(Number(pid), "SIGKILL");
  });
}
