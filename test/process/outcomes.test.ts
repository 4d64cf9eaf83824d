import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "../../src/process/index.js";
import { folder, read, sh, start, text } from "./commands.js";

const env = { PATH: "/usr/bin:/bin" };

async function error(command: Command): Promise<string | undefined> {
  let started = false;
  const exit = await start(command, { onStart: () => (started = true) });
  assert.equal(exit.end, "not_started");
  assert.deepEqual(
    [exit.pid, exit.code, exit.signal, exit.durationMs, started],
    [undefined, undefined, undefined, 0, false],
  );
  return exit.error;
}

test("an exit code, a signal, a pid and a duration", async () => {
  const pids: number[] = [];
  const done = await start(sh("echo $$; exit 7").command, { onStart: (pid) => pids.push(pid) });
  assert.deepEqual(
    [done.end, done.code, done.signal, done.error, done.leftovers],
    ["exited", 7, undefined, undefined, false],
  );
  assert.equal(text(done), `${done.pid}\n`);
  assert.deepEqual(pids, [done.pid]);
  assert.ok(done.durationMs > 0);
  const died = await start(sh("kill -USR1 $$").command);
  assert.deepEqual([died.end, died.code, died.signal], ["signalled", undefined, "SIGUSR1"]);
});

test("the command sees its own environment, folder, an empty input, and no terminal", async (t) => {
  const cwd = folder(t);
  const script = 'pwd -P; env | grep -c .; echo "$GREETING"; cat; [ -t 0 ] || [ -t 1 ] || echo no tty';
  const exit = await start({ argv: ["/bin/sh", "-c", script], cwd, env: { ...env, GREETING: "ahoy" } });
  const lines = text(exit).split("\n");
  assert.ok(lines[0]!.endsWith(cwd.split("/").at(-1)!));
  assert.ok(Number(lines[1]) <= 5);
  assert.deepEqual(lines.slice(2), ["ahoy", "no tty", ""]);
});

test("programs are looked up by the command's PATH, relative to its folder", async (t) => {
  const cwd = folder(t);
  mkdirSync(join(cwd, "bin"));
  writeFileSync(join(cwd, "bin", "ahoy"), "#!/bin/sh\necho ahoy from $0\n");
  chmodSync(join(cwd, "bin", "ahoy"), 0o755);
  for (const [argv0, path] of [
    ["ahoy", join(cwd, "bin")],
    ["ahoy", "bin:/usr/bin"],
    ["bin/ahoy", "/nowhere"],
  ] as const) {
    const exit = await start({ argv: [argv0], cwd, env: { PATH: path } });
    assert.match(text(exit), /^ahoy from .*bin\/ahoy\n$/, `${argv0} by ${path}: ${exit.error}`);
  }
  assert.equal(await error({ argv: ["ahoy"], cwd, env }), "ahoy: not found on PATH");
  assert.equal(await error({ argv: ["sleep"], cwd, env: { PATH: "/nowhere" } }), "sleep: not found on PATH");
});

test("what can't start says why", async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, "plain"), "not a program");
  writeFileSync(join(cwd, "lost"), "#!/no/such/interpreter\n");
  chmodSync(join(cwd, "lost"), 0o755);
  const cases: [Command, RegExp][] = [
    [{ argv: [], cwd, env }, /^the command is empty$/],
    [{ argv: [""], cwd, env }, /^the name of the program is empty$/],
    [{ argv: ["no-such-program"], cwd, env }, /^no-such-program: not found on PATH$/],
    [{ argv: ["./missing"], cwd, env }, /^\.\/missing: not found$/],
    [{ argv: ["./plain"], cwd, env }, /^\.\/plain: permission denied$/],
    [{ argv: ["./plain/x"], cwd, env }, /^\.\/plain\/x: not found$/],
    [{ argv: ["./lost"], cwd, env }, /^\.\/lost: the interpreter or loader that it asks for was not found$/],
    [{ argv: ["true"], cwd: join(cwd, "gone"), env }, /^the folder .*\/gone does not exist$/],
    [{ argv: ["no-such-program"], cwd: join(cwd, "gone"), env }, /^the folder .*\/gone does not exist$/],
    [{ argv: ["true"], cwd: join(cwd, "plain"), env }, /\/plain is not a folder$/],
    [{ argv: ["true", "a\0b"], cwd, env }, /^an argument contains a NUL byte$/],
    [{ argv: ["true"], cwd: "/tmp\0", env }, /^the name of the folder contains a NUL byte$/],
    [{ argv: ["true"], cwd, env: { ...env, X: "a\0" } }, /^the environment variable X contains a NUL byte$/],
    [{ argv: ["true", "x".repeat(3_000_000)], cwd, env }, /^the argument list is too long$/],
  ];
  for (const [command, expected] of cases) assert.match((await error(command)) ?? "", expected);
});

test("no command, refused or run, leaves a descriptor open", async (t) => {
  const cwd = folder(t);
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let at = 0; at < 16; at += 1) {
    await start({ argv: ["no-such-program"], cwd, env });
    await start({ argv: ["true", "x".repeat(200_000)], cwd, env });
    await start({ argv: ["true"], cwd, env });
  }
  // The stock of pipes made ahead is at most 16.
  assert.ok(open() < before + 32, `${before} -> ${open()}`);
});

test("the end of a command that leaves nothing behind waits for nothing", { timeout: 30_000 }, async () => {
  const exit = await start(sh("echo out; echo err >&2").command, { drainMs: 600_000, graceMs: 600_000 });
  assert.deepEqual([exit.end, exit.leftovers], ["exited", false]);
});

test("cancelled before the start, nothing is started", async (t) => {
  const marker = join(folder(t), "ran");
  let unstarted = 0;
  for (let turns = 0; turns < 40; turns += 1) {
    const controller = new AbortController();
    if (turns === 0) controller.abort();
    let started = false;
    const running = start(sh(`echo ${turns} >> '${marker}'; sleep 60`).command, {
      signal: controller.signal,
      onStart: () => {
        assert.equal(controller.signal.aborted, false);
        started = true;
      },
    });
    for (let turn = 1; turn < turns; turn += 1) await undefined;
    controller.abort();
    const exit = await running;
    assert.equal(exit.end, "cancelled");
    if (started) continue;
    unstarted += 1;
    assert.deepEqual([exit.pid, exit.code, exit.error, exit.durationMs], [undefined, undefined, undefined, 0]);
    await start(sh("true").command);
    assert.equal(read(marker).split("\n").includes(String(turns)), false);
  }
  assert.ok(unstarted >= 2);
});
