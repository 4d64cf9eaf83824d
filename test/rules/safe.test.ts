import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { safetyOf } from "../../src/rules/index.js";
import { PROGRAMS } from "../../src/rules/programs.js";
import fc from "../support/fast-check.js";
import { SCRIPTS } from "./command-table.js";
import { makeFolder, readingOf } from "./verdicts.js";

/** Every plain command of the table that is safe, by its words. */
async function safeCommands(): Promise<string[][]> {
  const readings = await Promise.all([...SCRIPTS.safe, ...SCRIPTS.walled].map((script) => readingOf(script, "/")));
  return readings.flatMap((reading) => (reading.ok ? reading.parts.map(({ words }) => [...words]) : []));
}

/** These print or ignore whatever they are given. */
const TAKE_ANYTHING = new Set([":", "true", "false", "echo"]);

test("an option that is not on the list makes any command unsafe", async () => {
  const commands = (await safeCommands()).filter(
    ([name = "", ...args]) => !TAKE_ANYTHING.has(name) && !args.includes("--"),
  );
  assert.ok(commands.length > 150);
  const option = fc.oneof(
    fc.stringMatching(/^--zz[a-z-]{0,8}(?:=[a-z./]{0,5})?$/),
    fc.stringMatching(/^-[@#%^_{}]$/),
    // Abbreviations that a GNU program would take for one of its own.
    fc.constantFrom("--outpu=x", "--compress-p=x", "--pr=x", "--ex", "--fil", "--hostname-b=x", "--exte"),
  );
  fc.assert(
    fc.property(fc.constantFrom(...commands), option, fc.boolean(), (command, added, atEnd) => {
      const [name = "", ...args] = command;
      // Right behind `git` it would stand before the subcommand, which is refused anyway.
      const words = atEnd ? [...command, added] : [name, added, ...args];
      assert.equal(safetyOf(words), undefined, words.join(" "));
    }),
    { numRuns: 3000 },
  );
});

/** Ways to make a program of the list run, write or ask for something; a program without any has none but the unknown option. */
const INJECTIONS: Readonly<Record<string, readonly string[]>> = {
  rg: [
    "--pre sh x",
    "--pre=sh x",
    "--pre-glob=* x",
    "--hostname-bin sh x",
    "--search-zip x",
    "-z x",
    "-az x",
    "--hyperlink-format=x x",
  ],
  find: [
    ". -exec sh ;",
    ". -execdir sh ;",
    ". -ok sh ;",
    ". -okdir sh ;",
    ". -delete",
    ". -fprint f",
    ". -fprint0 f",
    ". -fprintf f x",
    ". -fls f",
  ],
  sort: [
    "-o f",
    "-of",
    "--output=f",
    "--output f",
    "-ro f",
    "--compress-program=sh",
    "-S1 --compress-program sh",
    "-T d",
    "--files0-from=f",
    "--random-source=f",
  ],
  sed: [
    "s/a/b/e f",
    "-n 1e f",
    "-n 1w f",
    "-n 1p -i",
    "-i 1d f",
    "-n 1p --in-place",
    "-f script f",
    "-n r f",
    "-ne 1p f",
    "-n 1{p;e}",
    "-n 1,2!p",
  ],
  uniq: ["in out", "- out"],
  tree: ["-o f", "--output f", "-R -H . -L 1"],
  date: ["-s now", "--set=now", "-su", "01010000", "-f f"],
  hostname: ["evil", "-F f", "-b x", "--file=f"],
  file: ["-C", "-m m f", "-f f", "-z f", "--compile", "-s f"],
  jq: ["-f f", "--from-file f", "-L d .", "--args", "--slurpfile a f", "-nf f"],
  diff: ["-l a b", "--paginate a b", "--from-file=a b", "-D x a b", "--to-file=a b", "--GTYPE-group-format=x a b"],
  grep: ["--devices2", "--pre=x f", "-@ f"],
  test: ["-v a[$(id)]", "a -eq b", "-R a", "-t", "-f a -o -v b", "! -f a", "( a )"],
  command: ["ls", "-p ls", "-V ls", "-v -p"],
  cd: ["-", "-P x", "a b", "+1"],
  tail: ["-f f", "-F f", "--follow f", "--pid=1 f", "--retry f"],
  cat: ["--output=f"],
  seq: ["--output"],
  od: ["--output", "-@"],
};

test("no program of the list can be made to run or write by its arguments", () => {
  for (const name of PROGRAMS.keys()) {
    if (TAKE_ANYTHING.has(name)) continue;
    for (const line of ["--zz", "-@", ...(INJECTIONS[name] ?? [])]) {
      assert.equal(safetyOf([name, ...line.split(" ")]), undefined, `${name} ${line}`);
    }
  }
  for (const name of Object.keys(INJECTIONS)) assert.ok(PROGRAMS.has(name), name);
});

test("programs that run or write by nature are not on the list, nor are paths to the ones that are", () => {
  const out =
    "awk bash cargo chmod cp curl dd docker ed emacs env eval exec export gdb less ln make man mkdir mv nc node npm npx perl printf python python3 rm ruby sh source ssh sudo tar tee time timeout touch vi vim wget xargs xxd zip zsh";
  for (const name of out.split(" ")) assert.equal(safetyOf([name]) ?? safetyOf([name, "--version"]), undefined, name);
  for (const name of PROGRAMS.keys()) {
    for (const path of [`./${name}`, `/usr/bin/${name}`, `bin/${name}`, ` ${name}`, name.toUpperCase()]) {
      if (path !== name) assert.equal(safetyOf([path]), undefined, path);
    }
  }
});

test("what people do not see makes arguments unsafe", () => {
  for (const text of [
    "a\u202eb",
    "a\u200b",
    "\ufeffa",
    "a\u00a0b",
    "a\u0007",
    "a\rb",
    "\ud800",
    "a\u2028b",
    "\u3164",
    "\u{e0041}",
  ]) {
    assert.equal(safetyOf(["cat", text]), undefined, JSON.stringify(text));
  }
  assert.equal(safetyOf(["cat", "größe 日本.txt"]), "open");
});

/** Names, sizes, modes and times of everything in a folder. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const stat = statSync(join(folder, name));
      const text = stat.isFile() ? readFileSync(join(folder, name), "latin1") : "";
      return [name, stat.mode, stat.mtimeMs, text].join(" ");
    });
}

test("run for real, none of the safe scripts changes anything", () => {
  const folder = makeFolder();
  const work = join(folder.path, "src");
  mkdirSync(join(work, "src"));
  for (const name of ["README.md", "file", "other", "a", "b", "log.txt", "package.json", "src/a.ts", "in"])
    writeFileSync(join(work, name), "{}\n");
  const env = {
    PATH: process.env.PATH,
    HOME: folder.path,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_OPTIONAL_LOCKS: "0",
    TMPDIR: folder.path,
  };
  const git = ["-c", "user.name=a", "-c", "user.email=a@b"];
  execFileSync("git", ["init", "-q", "--template="], { cwd: work, env });
  execFileSync("git", ["add", "-A"], { cwd: work, env });
  execFileSync("git", [...git, "commit", "-qm", "first"], { cwd: work, env });
  const before = snapshot(folder.path);
  const scripts = [...SCRIPTS.safe, ...SCRIPTS.walled].filter((script) => !script.includes("sleep"));
  writeFileSync(join(folder.path, ".scripts"), scripts.join("\0"));
  // One shell for all, each script in a shell of its own.
  const driver = `while IFS= read -r -d '' s; do bash -c "$s" </dev/null >/dev/null 2>&1; done < "$HOME/.scripts"; true`;
  const { status } = spawnSync("bash", ["-c", driver], { cwd: work, env, timeout: 60_000 });
  assert.equal(status, 0);
  assert.deepEqual(
    snapshot(folder.path).filter((line) => !line.startsWith(".scripts")),
    before,
  );
  folder.dispose();
});
