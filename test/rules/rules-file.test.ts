import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readRules } from "../../src/rules/index.js";
import fc from "../support/fast-check.js";
import { homeRules, makeFolder, verdictOf, wordFor } from "./verdicts.js";

const GOOD = `# mine
[[rule]]
prefix = ["npm", "test"]   # the tests
decision = "allow"

[[rule]]
prefix = ["git", "push"]
decision = "forbid"
reason = "by hand"
`;

/** The verdicts on `npm test`, `git push` and `make`. */
async function verdicts(text: string): Promise<string> {
  const set = await homeRules(text);
  const words = ["npm test", "git push", "make"].map(async (script) => wordFor(await verdictOf(script, set, "/")));
  return (await Promise.all(words)).join(" ");
}

async function complaints(text: string): Promise<string[]> {
  const { problems } = await homeRules(text);
  return problems.map(({ message }) => message.replace("/home/me/.belay/rules.toml", "FILE"));
}

test("rules have their file and line", async () => {
  const { rules, problems } = await homeRules(GOOD);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    rules.map(({ prefix, decision, line, reason }) => [prefix.join(" "), decision, line, reason]),
    [
      ["npm test", "allow", 2, undefined],
      ["git push", "forbid", 6, "by hand"],
    ],
  );
  assert.equal(await verdicts(GOOD), "allow forbid none");
  assert.deepEqual(await homeRules(""), { rules: [], problems: [] });
  const inline = await homeRules('rule = [{ prefix = ["a"], decision = "ask" }]');
  assert.deepEqual([inline.rules[0]?.line, inline.problems], [undefined, []]);
});

const LOST = "until it is mended, every command that a rule would allow is asked about";
const LEFT_OUT = "the rule is left out until it is mended";
const WORDS = 'the first words of the command, as in ["git", "push"]';

/** What is added to the good rules; what is said; what becomes of `npm test`, `git push`, `make`. */
const MISTAKES: readonly (readonly [string, string, string])[] = [
  // An `allow` that is wrong is left out, and the rest holds.
  [
    'prefix = ["make"]\ndecision = "allow"\ncwd = "relative"',
    `FILE:14: cwd: expected an absolute path, or one that begins with ~/; ${LEFT_OUT}`,
    "allow forbid none",
  ],
  [
    'prefix = ["make"]\ndecision = "allow"\ncwd = 5',
    `FILE:14: cwd: expected the path of a folder, in quotes; ${LEFT_OUT}`,
    "allow forbid none",
  ],
  [
    'prefix = ["make"]\ndecision = "allow"\ncwd = "/a/*/b"',
    `FILE:14: cwd: no wildcards but "/**" at the end, for a folder and all in it; ${LEFT_OUT}`,
    "allow forbid none",
  ],
  ['prefix = "make"\ndecision = "allow"', `FILE:12: prefix: expected ${WORDS}; ${LEFT_OUT}`, "allow forbid none"],
  ['decision = "allow"', `FILE:11: prefix: is missing: write ${WORDS}; ${LEFT_OUT}`, "allow forbid none"],
  [
    'prefix = ["make"]\ndecision = "allow"\nexact = "yes"',
    `FILE:14: exact: true or false, and with decision = "allow" alone; ${LEFT_OUT}`,
    "allow forbid none",
  ],
  [
    'prefix = ["make"]\ndecision = "allow"\nfolder = "/x"',
    `FILE:14: folder: unknown key; known are prefix, decision, cwd, exact, reason; ${LEFT_OUT}`,
    "allow forbid none",
  ],
  [
    'prefix = ["make"\ndecision = "allow"',
    `FILE:13: expected an array separator or closing bracket; ${LEFT_OUT}`,
    "allow forbid none",
  ],
  // A `forbid` or `ask` holds as far as it can be read, everywhere.
  [
    'prefix = ["make"]\ndecision = "forbid"\ncwd = "relative"',
    "FILE:14: cwd: expected an absolute path, or one that begins with ~/; until it is mended it forbids in every folder",
    "allow forbid forbid",
  ],
  [
    'prefix = ["make"]\ndecision = "ask"\nreason = 5',
    "FILE:14: reason: expected a text of at most 500 characters; until it is mended it asks in every folder",
    "allow forbid ask",
  ],
  [
    'prefix = ["make"]\ndecision = "deny"',
    'FILE:13: decision: "deny" is none: write "allow", "ask" or "forbid"; until it is mended it asks in every folder',
    "allow forbid ask",
  ],
  [
    'prefix = ["make"]',
    'FILE:11: decision: is missing: write "allow", "ask" or "forbid"; until it is mended it asks in every folder',
    "allow forbid ask",
  ],
  // One that may be lost has everything asked about that would be allowed.
  ['decision = "forbid"', `FILE:11: prefix: is missing: write ${WORDS}; ${LOST}`, "ask forbid none"],
  ['prefix = []\ndecision = "ask"', `FILE:12: prefix: expected ${WORDS}; ${LOST}`, "ask forbid none"],
  [
    'prefix = ["make all"]\ndecision = "forbid"',
    `FILE:12: prefix: the program's name has blanks: write its words one by one, as in ["make","all"]; ${LOST}`,
    "ask forbid none",
  ],
  [
    'prefix = ["make"\ndecision = "forbid"',
    `FILE:13: expected an array separator or closing bracket; ${LOST}`,
    "ask forbid none",
  ],
  [
    'prefix = ["make"]\ndecision = forbid',
    `FILE:13: unknown value "forbid"; until it is mended it asks in every folder`,
    "allow forbid ask",
  ],
];

for (const [added, message, expected] of MISTAKES) {
  test(`a mistake: ${message}`, async () => {
    const text = `${GOOD}\n[[rule]]\n${added}\n`;
    const said = await complaints(text);
    assert.equal(said.length, 1, said.join("\n"));
    // The TOML parser's own words are not ours to promise.
    const plain = (line: string) =>
      line.replace(
        /^(FILE:\d+: )[^;]*(; (?:until|the rule).*)$/,
        /parser|separator|unknown value/.test(message) ? "$1…$2" : "$&",
      );
    assert.equal(plain(said[0] ?? ""), plain(message));
    assert.equal(await verdicts(text), expected);
    // The same in front of the good ones.
    assert.equal(await verdicts(`[[rule]]\n${added}\n${GOOD}`), expected);
  });
}

test("what is no [[rule]] may have been meant as one", async () => {
  for (const [text, line] of [
    ['[[rules]]\nprefix = ["make"]\ndecision = "forbid"', 11],
    ['[rule]\nprefix = ["make"]', 11],
  ] as const) {
    assert.equal(await verdicts(`${GOOD}\n${text}\n`), "ask forbid none", text);
    assert.match((await complaints(`${GOOD}\n${text}\n`)).join(), new RegExp(`FILE:${line}: `), text);
  }
  // In the block of a rule whose prefix can be read it costs no more than its folder and reason.
  assert.equal(await verdicts(`${GOOD}= 5\n`), "allow forbid none");
  assert.equal(await verdicts(`version = 1\n${GOOD}`), "ask forbid none");
  assert.equal(await verdicts(`[rule]\nprefix = ["npm"]\ndecision = "allow"\n`), "none none none");
});

test("a rule in a text that does not end, or behind a broken one, allows nothing", async () => {
  const hidden =
    '[[rule]]\nprefix = ["x"]\ndecision = "allow"\nreason = """\n[[rule]]\nprefix = ["make"]\ndecision = "allow"\n';
  assert.equal(await verdicts(hidden), "none none ask");
});

test("no text makes the reader throw, and none lets more be run than its good rules do", async () => {
  const piece = fc.constantFrom(
    "[[rule]]\n",
    'prefix = ["make"]\n',
    'decision = "forbid"\n',
    'decision = "allow"\n',
    "prefix = 5\n",
    "x = [\n",
    '"""',
    "'",
    "#",
    "\n",
    'cwd = "/"\n',
    "\u0000",
    "]]",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.string(), async (pieces, noise) => {
      await homeRules(noise);
      const set = await homeRules(pieces.join(""));
      const text = pieces.join("");
      const kind = wordFor(await verdictOf("make", set, "/"));
      if (kind === "allow") assert.ok(!/forbid"|= 5|\[\n/.test(text) || /decision = "allow"/.test(text), text);
      if (set.problems.some(({ suspends }) => suspends)) assert.notEqual(kind, "allow", text);
    }),
    { numRuns: 500 },
  );
});

test("the strictest rule wins, wherever it stands", async () => {
  const rule = (decision: string, words: string) => `[[rule]]\nprefix = [${words}]\ndecision = "${decision}"\n`;
  const texts = [rule("allow", '"make"'), rule("ask", '"make", "install"'), rule("forbid", '"make", "install", "x"')];
  for (const order of [texts, texts.toReversed()]) {
    const set = await homeRules(order.join(""));
    const words = ["make", "make all", "make install", "make -j install", "make install x", "make && make install x"];
    const got = await Promise.all(words.map(async (script) => wordFor(await verdictOf(script, set, "/"))));
    assert.deepEqual(got, ["allow", "allow", "ask", "ask", "forbid", "forbid"]);
  }
});

test("a rule's folder is meant by itself, in any spelling, and with /** by all below", async () => {
  const folder = makeFolder();
  const [top, src] = [folder.path, join(folder.path, "src")];
  symlinkSync(src, join(top, "link"));
  mkdirSync(join(src, "deep"));
  const set = async (cwd: string, decision = "allow") =>
    homeRules(`[[rule]]\nprefix = ["make"]\ndecision = "${decision}"\ncwd = ${JSON.stringify(cwd)}\n`);
  const at = async (rule: string, script: string, cwd = top) => wordFor(await verdictOf(script, await set(rule), cwd));
  for (const spelling of [src, `${src}/`, `${src}/.`, join(top, "link"), `${src}/../src`]) {
    assert.equal(await at(spelling, "make", src), "allow", spelling);
    assert.equal(await at(spelling, "make", `${src}/`), "allow", spelling);
    assert.equal(await at(spelling, "make", join(top, "link")), "allow", spelling);
    for (const script of [
      "cd src && make",
      "cd ./src/ && make",
      "cd link && make",
      `cd ${src} && make`,
      "cd src/deep && cd .. && make",
    ])
      assert.equal(await at(spelling, script), "allow", script);
    for (const script of [
      "make",
      "cd src; make",
      "cd src || make",
      "cd src && cd - && make",
      "ls && cd src && make",
      "cd src/deep && make",
      "cd missing && make",
      "cd src | make",
    ])
      assert.equal(await at(spelling, script), "none", script);
  }
  assert.equal(await at(`${top}/**`, "cd src/deep && make"), "allow");
  assert.equal(await at(`${src}/**`, "make"), "none");
  assert.equal(await at(`${top}/sr/**`, "make", src), "none");
  assert.equal(await at("/**", "make"), "allow");
  assert.equal(await at(join(top, "gone"), "make"), "none");
  // What forbids holds as well where the folder can't be told.
  const forbidden = await set(src, "forbid");
  const forbids = async (script: string) => wordFor(await verdictOf(script, forbidden, top));
  assert.equal(await forbids("cd src; make"), "forbid");
  assert.equal(await forbids("cd src && make > log"), "forbid");
  assert.equal(await forbids("make"), "none");
  const [home] = (await set("~/x/**")).rules;
  assert.deepEqual(home?.cwd, { folder: join(homedir(), "x"), below: true });
  folder.dispose();
});

test("a project's rules allow in the project alone, and forbid everywhere", async () => {
  const folder = makeFolder();
  const path = join(folder.path, "src", ".belay", "rules.toml");
  const read = (text: string) => readRules([{ path, text, origin: "project" }]);
  const set = await read(
    '[[rule]]\nprefix = ["make"]\ndecision = "allow"\n\n[[rule]]\nprefix = ["git", "push"]\ndecision = "forbid"\n',
  );
  const word = async (script: string) => wordFor(await verdictOf(script, set, folder.path));
  assert.equal(await word("cd src && make"), "allow");
  assert.equal(await word("make"), "none");
  assert.equal(await word("git push"), "forbid");
  const { rules } = await read('[[rule]]\nprefix = ["make"]\ndecision = "allow"\ncwd = "sub"\n');
  assert.deepEqual(rules[0]?.cwd, { folder: join(folder.path, "src", "sub"), below: false });
  for (const cwd of ["..", "/", "../src2", "~", "~/x"]) {
    const { problems } = await read(`[[rule]]\nprefix = ["make"]\ndecision = "allow"\ncwd = "${cwd}"\n`);
    assert.match(problems[0]?.message ?? "", /:4: cwd: a project's rules allow things in the project alone/, cwd);
  }
  folder.dispose();
});
