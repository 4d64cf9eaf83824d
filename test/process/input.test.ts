import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type Command, CommandInput, namespaceProgram } from "../../src/process/index.js";
import { launch } from "../../src/process/launch.js";
import { sh as shell, start, text, until } from "./commands.js";

const MAKER = ["bwrap", "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", "--proc", "/proc", "--"];
const LIMIT = { timeout: 40_000 };
const hasBubblewrap = spawnSync(MAKER[0]!, [...MAKER.slice(1), "true"]).status === 0;
const never = new AbortController().signal;

/** The command bare, and in a namespace where one can be made. */
function ways(script: string): Command[] {
  const { command } = shell(script);
  const argv = [...MAKER, ...namespaceProgram(command.argv)];
  return hasBubblewrap ? [command, { ...command, argv, namespace: true }] : [command];
}

function bytes(content: string): Uint8Array {
  return Buffer.from(content);
}

test("what is written is read, in order, to the end of the input", LIMIT, async () => {
  for (const command of ways("cat; echo over")) {
    const input = new CommandInput();
    const running = start(command, { input });
    assert.equal(await input.write(bytes("one\n"), never), 4);
    assert.equal(await input.write(bytes("two\n"), never), 4);
    input.end();
    assert.equal(text(await running), "one\ntwo\nover\n");
    assert.equal(await input.write(bytes("late"), never), 0);
  }
});

test("a long input passes whole, as fast as it is read", LIMIT, async () => {
  const input = new CommandInput();
  const long = "0123456789abcde\n".repeat(40_000);
  const running = start(shell("sleep 0.05; wc -c").command, { input });
  assert.equal(await input.write(bytes(long), never), long.length);
  input.end();
  assert.equal(text(await running).trim(), String(long.length));
});

test("a program that does not read takes what a pipe holds; the rest is never sent", LIMIT, async () => {
  const input = new CommandInput();
  const controller = new AbortController();
  const running = start(shell("read -r go < <(sleep 60); wc -c").command, { input, signal: controller.signal });
  assert.equal(await input.write(bytes("x"), never), 1);
  const late = new AbortController();
  setTimeout(() => late.abort(), 100);
  const taken = await input.write(new Uint8Array(1_000_000), late.signal);
  assert.ok(taken <= 64 * 1024 + 8192, String(taken));
  const again = new AbortController();
  again.abort();
  assert.equal(await input.write(bytes("x"), again.signal), 0);
  controller.abort();
  assert.equal((await running).end, "cancelled");
});

test("a program that closed its input, and one that is dead, take nothing and hold nobody", LIMIT, async () => {
  const input = new CommandInput();
  const running = start(shell("exec <&-; echo ready; sleep 0.2").command, { input });
  // The pipe's other end is closed by the time a write of it fails: then nothing more is taken.
  let taken = 1;
  while (taken > 0) taken = await input.write(bytes("x"), never);
  await running;
  const dead = new CommandInput();
  const exit = await start(shell("exit 3").command, { input: dead });
  assert.deepEqual([exit.code, await dead.write(bytes("x"), never), dead.interrupt()], [3, 0, false]);
});

test("writing waits for the start, and no longer than it is told to", LIMIT, async () => {
  const input = new CommandInput();
  const controller = new AbortController();
  const waiting = input.write(bytes("x"), controller.signal);
  controller.abort();
  assert.equal(await waiting, 0);
  const early = input.write(bytes("early"), never);
  assert.equal(text(await start(shell("head -c 5").command, { input })), "early");
  assert.equal(await early, 5);
});

test("input ended before the start is empty input", LIMIT, async () => {
  const input = new CommandInput();
  input.end();
  assert.equal(text(await start(shell("cat; echo over").command, { input })), "over\n");
});

test("SIGINT reaches the whole tree, again and again, and nothing that makes its namespace", LIMIT, async () => {
  for (const command of ways(
    "trap 'echo INT' INT; bash -c \"trap 'echo inner; exit' INT; echo ready; while :; do sleep 0.01; done\"; while :; do sleep 0.01; done",
  )) {
    const input = new CommandInput();
    const controller = new AbortController();
    let seen = "";
    const onOutput = (_: string, chunk: Uint8Array) => {
      seen += Buffer.from(chunk).toString();
    };
    const running = start(command, { input, signal: controller.signal, onOutput });
    await until(() => seen.includes("ready"));
    assert.equal(input.interrupt(), true);
    await until(() => seen.includes("inner") && seen.includes("INT"));
    const before = seen.split("INT").length;
    input.interrupt();
    await until(() => seen.split("INT").length > before);
    controller.abort();
    assert.equal((await running).end, "cancelled");
  }
});

test("the input is a true pipe, which a program can open again", LIMIT, async () => {
  if (process.platform !== "linux") return;
  const input = new CommandInput();
  // It reads on to the end by itself: a FIFO that nobody can write to any more can't be opened.
  const running = start(shell("cat /dev/stdin").command, { input, onOutput: () => input.end() });
  await input.write(bytes("again"), never);
  assert.equal(text(await running), "again");
});

test("without true pipes, input comes over Node's socket pairs", LIMIT, async () => {
  const launched = await launch(shell("cat").command, { pipes: undefined, input: true });
  assert.ok("pid" in launched && launched.stdin !== undefined);
  const input = new CommandInput();
  input.attach({ pipe: launched.stdin, interrupt: () => false });
  assert.equal(await input.write(bytes("hello"), never), 5);
  const gone = new Promise((resolve) => launched.child.once("exit", resolve));
  input.end();
  assert.equal(await gone, 0);
});
