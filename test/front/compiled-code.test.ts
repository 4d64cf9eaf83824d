import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { it, type TestContext } from "node:test";

const PROGRAM = resolve("dist/belay.cjs");

interface Runs {
  readonly home: string;
  readonly cache: string;
  run(words: readonly string[], env?: object, program?: string): string;
  /** Paths of what is kept. */
  kept(): readonly string[];
}

function makeRuns(t: TestContext): Runs {
  const folder = mkdtempSync(join(tmpdir(), "belay-home-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, "home");
  const cache = join(home, "compile-cache");
  const run: Runs["run"] = (words, env = {}, program = PROGRAM) =>
    execFileSync(process.execPath, [program, ...words], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, BELAY_HOME: home, ...env },
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
  return { home, cache, run, kept: () => readdirSync(cache).map((name) => join(cache, name)) };
}

/** The first line of a kept file. */
function headerOf(path: string): { readonly words: readonly string[]; readonly hash: number; readonly size: number } {
  const [line] = readFileSync(path, "latin1").split("\n", 1);
  return JSON.parse(line!);
}

it("keeps compiled code in a home folder that is there, and runs whatever has become of it", (t) => {
  const { home, cache, run, kept } = makeRuns(t);
  const text = run(["--help"]);
  assert.match(text, /^Usage: belay/);
  assert.equal(existsSync(home), false);

  mkdirSync(home);
  assert.equal(run(["--help"], { BELAY_HOME: "home" }), text);
  assert.equal(run(["--help"], { NODE_DISABLE_COMPILE_CACHE: "1" }), text);
  assert.equal(existsSync(cache), false);
  assert.equal(run(["--help"]), text);
  const [path] = kept();
  assert.ok(path !== undefined && kept().length === 1);
  assert.equal(statSync(cache).mode & 0o777, 0o700);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const whole = readFileSync(path);
  const damages: Readonly<Record<string, () => void>> = {
    cut: () => truncateSync(path, 1000),
    foreign: () => writeFileSync(path, "no code"),
    empty: () => truncateSync(path, 0),
    // As after a power cut: the length is right, a block was never written.
    "with a hole": () => writeFileSync(path, Buffer.from(whole).fill(0, 8192, 12288)),
    "a folder": () => {
      rmSync(path);
      mkdirSync(path);
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    damage();
    assert.equal(run(["--help"]), text, what);
    if (what !== "a folder") assert.equal(headerOf(path).size, statSync(path).size - lineOf(path), what);
  }
  rmSync(cache, { recursive: true });
  writeFileSync(cache, "in the way");
  assert.equal(run(["--help"]), text);
});

it("is written by the first three runs of each command, and again when the program is another", (t) => {
  const { home, run, kept } = makeRuns(t);
  mkdirSync(home);
  const dist = join(home, "..", "dist");
  cpSync(resolve("dist"), dist, { recursive: true });
  const program = join(dist, "belay.cjs");
  const text = run(["--help"], {}, program);
  const [path] = kept();
  for (let more = 0; more < 2; more += 1) assert.equal(run(["--help"], {}, program), text);
  const first = writtenAt(path!);
  assert.equal(run(["--help"], {}, program), text);
  assert.equal(writtenAt(path!), first);
  run(["sessions", "--help"], {}, program);
  assert.deepEqual(headerOf(path!).words, ["--help", "--help", "--help", "sessions"]);
  const second = writtenAt(path!);
  run(["--help"], {}, program);
  assert.equal(writtenAt(path!), second);
  // Of the same length, in the same place, at the same time: only what it says is other.
  const part = join(dist, "program.cjs");
  const { atime, mtime } = statSync(part);
  writeFileSync(part, readFileSync(part, "utf8").replaceAll("Usage:", "USAGE:"));
  utimesSync(part, atime, mtime);
  assert.match(run(["--help"], {}, program), /^USAGE: belay/);
  assert.deepEqual(headerOf(path!).words, ["--help"]);
});

it("runs nothing that somebody else could have written", (t) => {
  const { home, run, kept } = makeRuns(t);
  mkdirSync(home);
  for (let runs = 0; runs < 3; runs += 1) run(["--help"]);
  const [path] = kept();
  const first = writtenAt(path!);
  run(["--help"]);
  assert.equal(writtenAt(path!), first);
  chmodSync(path!, 0o622);
  run(["--help"]);
  assert.notEqual(writtenAt(path!), first);
  assert.equal(statSync(path!).mode & 0o777, 0o600);
});

function writtenAt(path: string): bigint {
  return statSync(path, { bigint: true }).mtimeNs;
}

function lineOf(path: string): number {
  return readFileSync(path).indexOf("\n") + 1;
}
