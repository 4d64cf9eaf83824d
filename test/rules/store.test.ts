import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readRules, saveRule } from "../../src/rules/index.js";
import { makeFolder } from "./verdicts.js";

const SAVER = fileURLToPath(new URL("rule-saver.js", import.meta.url));
const wait = async (ms: number) => {
  await delay(ms);
};
const rule = (word: string) => ({ prefix: [word, "test"], exact: false, cwd: "/w" });
const read = (path: string) => readRules([{ path, text: readFileSync(path, "utf8"), origin: "home" }]);

test("a rule is added behind what is there; comments stay; the file is the owner's alone", async () => {
  const folder = makeFolder();
  const path = join(folder.path, "new", "rules.toml");
  assert.deepEqual(await saveRule(path, rule("npm"), wait), { ok: true });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const mine = `${readFileSync(path, "utf8")}# mine: keep\n[[rule]]\nprefix = ["git", "push"]\ndecision = "forbid" # no line feed`;
  writeFileSync(path, mine);
  chmodSync(path, 0o644);
  const odd = { prefix: ['a"b\\', "é\u007f\tc"], exact: true, cwd: '/w "x"' };
  // Nothing is written that would not be read again.
  assert.equal((await saveRule(path, odd, wait)).ok, false);
  assert.equal(readFileSync(path, "utf8"), mine);
  assert.deepEqual(await saveRule(path, { ...odd, prefix: ['a"b\\', "é c"] }, wait), { ok: true });
  assert.ok(readFileSync(path, "utf8").startsWith(`${mine}\n`));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const { rules, problems } = await read(path);
  assert.deepEqual([rules.length, problems], [3, []]);
  const last = rules.at(-1);
  assert.deepEqual(
    [last?.prefix, last?.exact, last?.cwd],
    [['a"b\\', "é c"], true, { folder: '/w "x"', below: false }],
  );
  assert.deepEqual(readdirSync(join(folder.path, "new")), ["rules.toml"]);
  folder.dispose();
});

test("many writers at once, in one process and in several, lose nothing", async () => {
  const folder = makeFolder();
  const path = join(folder.path, "rules.toml");
  const others = ["a", "b", "c"].map((name) => spawn(process.execPath, [SAVER, path, name, "5"], { stdio: "inherit" }));
  await Promise.all([
    ...others.map((child) => once(child, "exit")),
    ...[0, 1, 2, 3, 4].map((n) => saveRule(path, rule(`here${n}`), wait)),
  ]);
  const { rules, problems } = await read(path);
  assert.deepEqual(problems, []);
  const names = rules.map(({ prefix }) => prefix[0]).sort();
  const wanted = ["a", "b", "c", "here"].flatMap((name) => [0, 1, 2, 3, 4].map((n) => `${name}${n}`));
  assert.deepEqual(names, wanted);
  assert.deepEqual(readdirSync(folder.path).sort(), ["rules.toml", "src"]);
  folder.dispose();
});

test("the draft of a writer that was killed is in nobody's way for long", async () => {
  const folder = makeFolder();
  const path = join(folder.path, "rules.toml");
  writeFileSync(`${path}.new`, "half a rul");
  let waits = 0;
  // No time passes: only how often it is looked at counts.
  const saved = await saveRule(path, rule("npm"), async () => {
    waits += 1;
  });
  assert.deepEqual(saved, { ok: true });
  assert.equal(waits, 80);
  assert.equal((await read(path)).rules.length, 1);
  folder.dispose();
});

test("a writer that goes on is waited for, and given up after a bound", async () => {
  const folder = makeFolder();
  const path = join(folder.path, "rules.toml");
  let waits = 0;
  const saved = await saveRule(path, rule("npm"), async () => {
    waits += 1;
    if (waits < 10) writeFileSync(`${path}.new`, "x".repeat(waits));
  });
  // Nobody had a draft when it began.
  assert.deepEqual([saved, waits], [{ ok: true }, 0]);
  writeFileSync(`${path}.new`, "x");
  const refused = await saveRule(path, rule("npm"), async () => {
    waits += 1;
    writeFileSync(`${path}.new`, "x".repeat(waits));
  });
  assert.equal(refused.ok, false);
  assert.equal(waits, 400);
  folder.dispose();
});

test("a link to the file stays one; a file with a mistake is not written to; nor one that can't be", async () => {
  const folder = makeFolder();
  const [real, link] = [join(folder.path, "dotfiles.toml"), join(folder.path, "rules.toml")];
  writeFileSync(real, "# mine\n");
  symlinkSync(real, link);
  assert.deepEqual(await saveRule(link, rule("npm"), wait), { ok: true });
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.match(readFileSync(real, "utf8"), /^# mine\n[\s\S]*"npm", "test"/);
  const broken = '[[rule]]\nprefix = [\ndecision = "forbid"\n';
  writeFileSync(real, broken);
  const saved = await saveRule(link, rule("npm"), wait);
  assert.match(saved.ok ? "" : saved.message, /^mend .*dotfiles\.toml first: .*dotfiles\.toml:3: /);
  assert.equal(readFileSync(real, "utf8"), broken);
  assert.equal(existsSync(`${real}.new`), false);
  mkdirSync(join(folder.path, "taken"));
  const taken = await saveRule(join(folder.path, "taken"), rule("npm"), wait);
  assert.match(taken.ok ? "" : taken.message, /taken: /);
  const below = await saveRule(join(real, "rules.toml"), rule("npm"), wait);
  assert.match(below.ok ? "" : below.message, /dotfiles\.toml/);
  folder.dispose();
});
