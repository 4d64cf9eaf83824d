import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseTree } from "../../src/rules/grammar.js";
import { type Join, parseScript } from "../../src/rules/script.js";
import { plainWords } from "../../src/rules/shell.js";
import fc from "../support/fast-check.js";
import { homeRules, makeFolder, readingOf, verdictOf } from "./verdicts.js";

const parse = (script: string) => parseScript({ script, zsh: false });

/** Pieces of scripts, meaningful and not; what they come to is checked with a real shell. */
const PIECES = [
  ..."p0 p1 p2 -a --b=c 'x y' \"x y\" a'b'\"c\" d.e/f 1 2 '' \"\" = @ % + , : a=b".split(
    / (?=(?:[^'"]|'[^']*'|"[^"]*")*$)/,
  ),
  ...[
    " ",
    " ",
    " ",
    " && ",
    " || ",
    " | ",
    ";",
    "; ",
    "\n",
    "&&",
    "||",
    "|",
    "\t",
    " \n ",
    ";;",
    "&",
    "!",
    "#",
    "\\",
    "\r",
  ],
  ...[
    "'",
    '"',
    "$",
    "`",
    "$(p0)",
    ["$", "{x}"].join(""),
    ">o",
    "<i",
    "(",
    ")",
    "{",
    "}",
    "*",
    "?",
    "[",
    "~",
    "{a,b}",
    "\\ ",
    "é",
    "\u200b",
  ],
  ...[
    "if ",
    "then ",
    "fi",
    "do ",
    "done",
    "in ",
    "time ",
    "! ",
    "[[ ",
    "]]",
    "function ",
    "<<E\n",
    "E\n",
    "|&",
    "$'x'",
    "x=1 ",
  ],
];

const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }).map((pieces) => `p0${pieces.join("")}`);

const wholesome = fc
  .array(
    fc.tuple(
      fc.constantFrom("p0", "p1", "p2"),
      fc.array(
        fc.oneof(
          fc.stringMatching(/^[A-Za-z0-9_./:@%+,=-]{1,6}$/),
          fc
            .string({ unit: fc.constantFrom(...'ab $`\\"*?;&|<>(){}[]~#!=\n\té'), maxLength: 6 })
            .map((text) => `'${text}'`),
          fc.stringMatching(/^[ -!#%-[\]-_a-~]{0,6}$/).map((text) => `"${text}"`),
        ),
        { maxLength: 3 },
      ),
      fc.constantFrom(" && ", " || ", " | ", "; ", "\n", "&&", ";", " |\n"),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((commands) =>
    commands
      .map(([name, args, join]) => [name, ...args].join(" ") + join)
      .join("")
      .replace(/(?:&&|\|\||\|)\s*$/, ""),
  );

/** p0 and p1 succeed, p2 fails, others are not there: what a shell runs of plain commands, in the order of the script. */
function run(commands: readonly (readonly string[])[], joins: readonly Join[]): (readonly string[])[] {
  const ran: (readonly string[])[] = [];
  let status = 0;
  let isSkipped = false;
  for (const [at, words] of commands.entries()) {
    const isThere = /^p[012]$/.test(words[0] ?? "");
    if (!isSkipped && isThere) ran.push(words);
    const join = joins[at];
    if (join === "|") continue;
    if (!isSkipped) status = isThere && words[0] !== "p2" ? 0 : 1;
    isSkipped = (join === "&&" && status !== 0) || (join === "||" && status === 0);
  }
  return ran;
}

test("what is understood is exactly what bash runs, of scripts in good order and of soups of pieces", async () => {
  const folder = mkdtempSync(join(tmpdir(), "belay-scripts-"));
  const programs = join(folder, "bin");
  mkdirSync(programs);
  for (const name of ["p0", "p1", "p2"]) {
    // A line a call, its words in hexadecimal; nobody shares a file, so that stages of a pipeline don't mix.
    const code = `#!/bin/sh\nfor word in "\${0##*/}" "$@"; do printf '%s\\0' "$word"; done > "$LOG/$$"\nexit ${name === "p2" ? 1 : 0}\n`;
    writeFileSync(join(programs, name), code);
    chmodSync(join(programs, name), 0o755);
  }
  const expected = new Map<string, (readonly string[])[]>();
  const scripts = [...fc.sample(wholesome, { numRuns: 40, seed: 3 }), ...fc.sample(soup, { numRuns: 2000, seed: 5 })];
  for (const script of scripts) {
    const parsed = await parse(script);
    if (!parsed.ok || expected.size >= 80) continue;
    const name = String(expected.size);
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, `${name}.sh`), script);
    expected.set(name, run(parsed.commands, parsed.joins));
  }
  assert.ok(expected.size >= 70, `${expected.size} understood`);
  // One process drives all of them: a shell for each script, as a command would have it.
  const driver =
    'for n in $NAMES; do LOG="$PWD/$n" bash -c "$(cat "$n.sh"; printf x)" </dev/null >/dev/null 2>&1; done';
  for (const name of expected.keys()) {
    // The command substitution would cut line feeds off the end; `:` stands behind a comment that can't be.
    writeFileSync(join(folder, `${name}.sh`), `${readFileSync(join(folder, `${name}.sh`), "utf8")}\n: `);
  }
  const env = { PATH: `${programs}:/usr/bin:/bin`, NAMES: [...expected.keys()].join(" ") };
  execFileSync("sh", ["-c", driver], { cwd: folder, env });
  for (const [name, commands] of expected) {
    const ran = readdirSync(join(folder, name)).map((pid) => readFileSync(join(folder, name, pid), "utf8"));
    const wanted = commands.map((words) => words.map((word) => `${word}\0`).join(""));
    assert.deepEqual(ran.sort(), wanted.sort(), JSON.stringify(readFileSync(join(folder, `${name}.sh`), "utf8")));
  }
  rmSync(folder, { recursive: true });
});

test("one plain command is read without the parser, and to the same words", async () => {
  const word = fc.stringMatching(/^[A-Za-z0-9_./:=@%+,-]{1,8}$/);
  const scripts = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" "));
  let read = 0;
  for (const script of [...fc.sample(scripts, { numRuns: 600, seed: 7 }), "if x", "time ls", "a=b ls", "in x", "ls"]) {
    const quick = plainWords(script);
    if (quick === undefined) continue;
    const tree = await parseTree(script);
    assert.ok(tree !== undefined);
    // The grammar stumbles over some words that a shell takes.
    if (tree.rootNode.hasError) continue;
    read += 1;
    const [command, ...others] = tree.rootNode.namedChildren;
    assert.equal(others.length, 0, script);
    assert.equal(command?.type, "command", script);
    assert.deepEqual(
      command?.namedChildren.map((child) => child.text),
      quick,
    );
    tree.delete();
  }
  assert.ok(read > 300, `${read} were plain`);
});

test("no bytes, texts or arguments make the reader throw, and noise is never safe or allowed", async () => {
  const folder = makeFolder();
  const rules = await homeRules('[[rule]]\nprefix = ["p0"]\ndecision = "allow"\n');
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString("latin1"));
  const texts = fc.string({ unit: "binary", maxLength: 60 });
  const noise = fc.oneof(bytes, texts).filter((text) => !/^[\s\w:.]*$/.test(text));
  await fc.assert(
    fc.asyncProperty(noise, async (script) => {
      const { kind } = await verdictOf(script, rules, folder.path);
      // `:` takes whatever it is given.
      assert.ok(kind === "none" || /^\s*:/.test(script), kind);
      await readingOf([script, script], folder.path);
      await readingOf(["bash", script, script], folder.path);
    }),
    { numRuns: 400 },
  );
  // What a soup comes to is safe only without any of the characters that mean something to a shell.
  await fc.assert(
    fc.asyncProperty(soup, async (script) => {
      const { kind } = await verdictOf(script, rules, folder.path);
      const bare = script.replace(/'[^']*'|"[^"$`\\]*"/g, "");
      if (kind === "allow") assert.doesNotMatch(bare, /[$`<>()*?[\\\r\u200bé]|(?<!&)&(?!&)/);
    }),
    { numRuns: 400 },
  );
  folder.dispose();
});

test("a text that would keep the parser busy for seconds is given up", async () => {
  assert.equal(await parseTree("a=(".repeat(5000)), undefined);
  const tree = await parseTree("ls | wc");
  assert.equal(tree?.rootNode.hasError, false);
  tree?.delete();
});

test("the largest scripts, and the deepest, are answered", async () => {
  const folder = makeFolder();
  const rules = await homeRules('[[rule]]\nprefix = ["git", "push"]\ndecision = "forbid"\n');
  const hard: readonly string[] = [
    "$(".repeat(8000),
    "a|".repeat(8000),
    "<<E ".repeat(4000),
    `${"x ".repeat(500_000)}; git push`,
    "ls;".repeat(5000),
    "a=(".repeat(5000),
  ];
  for (const script of hard) {
    const { kind } = await verdictOf(script, rules, folder.path);
    assert.equal(kind, script.includes("git push") ? "forbid" : "none", script.slice(0, 20));
  }
  folder.dispose();
});
