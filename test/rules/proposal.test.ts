import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { judge, type Proposal, proposeRule } from "../../src/rules/index.js";
import { homeRules, makeFolder, readingOf } from "./verdicts.js";

const folder = makeFolder();
after(() => folder.dispose());
const rules = await homeRules(
  '[[rule]]\nprefix = ["npm", "ci"]\ndecision = "allow"\n\n[[rule]]\nprefix = ["docker"]\ndecision = "ask"\n',
);

async function proposalFor(script: string, cwd = folder.path): Promise<Proposal | undefined> {
  const reading = await readingOf(script, cwd);
  return proposeRule(reading, judge(reading, rules), folder.path);
}

/** The words proposed, with `!` where nothing may follow. */
const PROPOSED: Readonly<Record<string, string>> = {
  "npm test": "npm test",
  "npm test -- --watch": "npm test",
  "npm run build -- --fast": "npm run build",
  "yarn run lint": "yarn run lint",
  "cargo build --release": "cargo build",
  "go test ./...": "go test",
  "make test": "make test",
  "pytest -x tests": "pytest",
  "eslint src": "eslint",
  "git commit -m 'a b'": "git commit",
  "git push origin main": "git push origin main !",
  "git status": "git status !",
  "ls && npm test": "npm test",
  "npm ci && npm test": "npm test",
  "npm test | tail -5": "npm test",
  "npm test; npm test": "npm test",
  "cd src && npm test": "npm test",
  "bash -lc 'npm test'": "npm test",
  "touch inside.txt": "touch inside.txt !",
  "mkdir -p src/deep": "mkdir -p src/deep !",
  "python3 manage.py test": "python3 manage.py test !",
  "node build.mjs": "node build.mjs !",
  "./gradlew test": "./gradlew test !",
  "some-tool --flag=x": "some-tool --flag=x !",
};

for (const [script, expected] of Object.entries(PROPOSED)) {
  test(`${script}: ${expected}`, async () => {
    const proposal = await proposalFor(script);
    assert.equal(`${proposal?.prefix.join(" ")}${proposal?.exact === true ? " !" : ""}`, expected);
    assert.equal(proposal?.cwd, script.startsWith("cd src") ? join(folder.path, "src") : folder.path);
  });
}

const NONE = [
  ...[
    "bash",
    "bash script.sh",
    "sudo npm test",
    "env npm test",
    "xargs npm test",
    "npx x",
    "nohup make",
    "find . -delete",
  ],
  ...[
    "python3",
    "python -c pass",
    "python3 -m x",
    "node -e 1",
    "perl -e 1",
    "ruby x.rb",
    "awk 1 f",
    "sed -i s/a/b/ f",
    "eval x",
    "source x",
  ],
  ...[
    "rm -rf build",
    "rm x",
    "chmod +x a",
    "cp a b",
    "mv a b",
    "ln -s a b",
    "dd if=a of=b",
    "kill 1",
    "curl x",
    "ssh host x",
    "scp a b",
    "tee f",
    "vim f",
  ],
  ...[
    "git reset --hard",
    "git clean -fd",
    "git checkout .",
    "git -C x status",
    "git config a b",
    "git rebase main",
    "git",
    "docker run x",
    "kubectl delete x",
  ],
  ...[
    "/usr/bin/make test",
    "/tmp/x",
    "../tool run",
    "~/tool",
    "touch /etc/x",
    "touch ../x",
    "tool --out=/etc/x",
    "tool -o/etc/x",
    "tool a:/etc/x",
    "tool ~/x",
  ],
  ...[
    "rg --pre sh x",
    "sort -o a b",
    "date -s x",
    "touch a && touch b",
    "npm test > log",
    "npm test $X",
    "npm test &",
    "",
    "ls",
    "npm run -x",
  ],
  ...[
    "npm ci",
    "docker ps",
    "npm ci && docker ps",
    "cd .. && npm test",
    "cd /tmp && npm test",
    "cd missing && npm test",
    "cd src; npm test",
  ],
  "tool 1 2 3 4 5 6 7 8 9",
  `tool ${"x".repeat(250)}`,
  "tool ''",
];

test("no rule is proposed for what runs anything, destroys, leads out, or is not one clear thing", async () => {
  const wrong: string[] = [];
  for (const script of NONE) {
    const proposal = await proposalFor(script);
    if (proposal !== undefined) wrong.push(`${script}: ${proposal.prefix.join(" ")}`);
  }
  assert.deepEqual(wrong, []);
});

test("a program that a link leads out of the project to is none of the project's by its folder", async () => {
  mkdirSync(join(folder.path, "src", "in"), { recursive: true });
  symlinkSync("/tmp", join(folder.path, "out"));
  assert.equal(await proposalFor("cd out && make test"), undefined);
  assert.equal((await proposalFor("make test", join(folder.path, "src", "in")))?.cwd, join(folder.path, "src", "in"));
});

test("what is proposed allows the command, and in another folder nothing", async () => {
  for (const script of Object.keys(PROPOSED)) {
    const proposal = await proposalFor(script);
    assert.ok(proposal);
    const set = await homeRules(
      `[[rule]]\nprefix = ${JSON.stringify(proposal.prefix)}\nexact = ${proposal.exact}\ndecision = "allow"\ncwd = ${JSON.stringify(proposal.cwd)}\n\n[[rule]]\nprefix = ["npm", "ci"]\ndecision = "allow"\n`,
    );
    assert.equal(judge(await readingOf(script, folder.path), set).kind, "allow", script);
    assert.notEqual(judge(await readingOf(script, "/"), set).kind, "allow", script);
  }
});
