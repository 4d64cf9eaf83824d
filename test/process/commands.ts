import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { type Command, type Exit, type RunOptions, run } from "../../src/process/index.js";

const PATH = process.env.PATH ?? "/usr/bin:/bin";

/** Runs are recognised among the machine's processes by a variable that is in the environment of everything of them. */
export interface Marked {
  readonly command: Command;
  /** The ids of its processes that live now, wherever they went. */
  readonly alive: () => number[];
}

export function marked(...argv: string[]): Marked {
  const mark = `BELAY_TEST_MARK=${randomUUID()}`;
  const [name, value] = mark.split("=") as [string, string];
  return {
    command: { argv, cwd: tmpdir(), env: { PATH, [name]: value } },
    alive: () => pids().filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(mark)),
  };
}

export function sh(script: string): Marked {
  return marked("bash", "-c", script);
}

export function fixture(name: string): string {
  return resolve("test/fixtures/process", name);
}

type Some = Partial<RunOptions>;

export function start(command: Command, options: Some = {}): Promise<Exit> {
  return run(command, { signal: new AbortController().signal, keep: { head: 10_000, tail: 10_000 }, ...options });
}

/** A folder that is gone after the test. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "belay-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Waits until `check` says true; the test's own limit bounds it. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((done) => setTimeout(done, 5));
}

/** The zombies among our own children. */
export function zombies(): number[] {
  return pids().filter((pid) => {
    const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    return fields[0] === "Z" && Number(fields[1]) === process.pid;
  });
}

export function text(exit: Exit): string {
  return exit.output.parts().head;
}

function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** A file's text, "" when it is gone. */
export function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The process ended, or the file is not there yet.
    return "";
  }
}

/** Codes, both streams, and a death by a signal come through whatever leads the commands that `make` makes. */
export async function checkPassing(make: (script: string) => Command): Promise<void> {
  for (const code of [0, 1, 42, 255]) {
    const exit = await start(make(`echo out; echo err >&2; exit ${code}`));
    const { stdout, stderr, end, leftovers, contained } = exit;
    assert.deepEqual([end, exit.code, leftovers, contained], ["exited", code, false, true]);
    assert.deepEqual([stdout.parts().head, stderr.parts().head], ["out\n", "err\n"]);
  }
  const died = await start(make("kill -SEGV $$"));
  assert.deepEqual([died.end, died.code, text(died)], ["exited", 139, ""]);
}
