import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { call, text } from "../support/model-server.js";
import { openScene, PROGRAM } from "../support/program.js";
import { WALLED } from "../support/walls.js";
import { openProto } from "./proto-client.js";

const RULES = `[[rule]]
prefix = ["npm", "test"]
decision = "allow"

[[rule]]
prefix = ["git", "push"]
decision = "forbid"
reason = "by hand"
`;

describe("belay rules", { concurrency: 4 }, () => {
  it("check says which rule matched which part, and tells the outcome by its exit code", async (t) => {
    const { place, run } = await openScene(t);
    writeFileSync(join(place.home, "rules.toml"), RULES);
    const check = (...words: string[]) => run(["rules", "check", ...words]);
    const allowed = await check("-a", "untrusted", "--", "npm", "test", "--", "-x");
    assert.equal(allowed.code, 0, allowed.stderr);
    assert.match(allowed.stdout, /rule {4}npm test -- -x\n +allow +npm test +.*\/rules\.toml:1\n/);
    assert.match(
      allowed.stdout,
      /without a question, with full access\n\(approval policy untrusted, sandbox mode danger-full-access/,
    );
    const asked = await check("-a", "untrusted", "--", "ls | wc -l && cargo build -v");
    assert.equal(asked.code, 1);
    assert.match(
      asked.stdout,
      /safe {4}ls\nsafe {4}wc -l\nno rule {2}cargo build -v\nnot covered: no rule speaks of cargo build -v\n/,
    );
    assert.match(asked.stdout, /"always" would keep: allow cargo build\n/);
    const refused = await check("git", "-C", "sub", "push");
    assert.equal(refused.code, 3);
    assert.match(
      refused.stdout,
      /forbidden: .*rules\.toml:5 \(by hand\) forbids git -C sub push\nIt would be refused: /,
    );
    const opaque = await check("-a", "untrusted", "--", "ls > out");
    assert.deepEqual(
      [opaque.code, /the command is not understood: it has a redirection/.test(opaque.stdout)],
      [1, true],
    );
    assert.equal((await check("-a", "on-request", "--", "ls > out")).code, 0);
  });

  it("check within walls (needs bubblewrap)", WALLED, async (t) => {
    const { run } = await openScene(t);
    const json = await run([
      "rules",
      "check",
      "--json",
      "-a",
      "untrusted",
      "-s",
      "workspace-write",
      "--",
      "git status && ls",
    ]);
    assert.equal(json.code, 0, json.stderr);
    const { outcome, confined_to, verdict, parts, approval_policy, sandbox_mode } = JSON.parse(json.stdout);
    assert.deepEqual(
      { outcome, confined_to, verdict, parts, approval_policy, sandbox_mode },
      {
        ...{
          outcome: "confine",
          confined_to: "read-only",
          verdict: "safe",
          approval_policy: "untrusted",
          sandbox_mode: "workspace-write",
        },
        parts: [
          { command: "git status", by: "walled" },
          { command: "ls", by: "safe" },
        ],
      },
    );
  });

  it("list prints the rules with their places; a mistake is told with file and line", async (t) => {
    const { place, run } = await openScene(t);
    const none = await run(["rules", "list"]);
    assert.deepEqual(
      [none.code, none.stdout],
      [0, `There are no rules; they would stand in ${place.home}/rules.toml\n`],
    );
    writeFileSync(join(place.home, "rules.toml"), `${RULES}cwd = "relative"\n`);
    const wrong = await run(["rules", "list"]);
    assert.equal(wrong.code, 1);
    assert.equal(
      wrong.stdout,
      `allow   npm test  ${place.home}/rules.toml:1\nforbid  git push  ${place.home}/rules.toml:5\n`,
    );
    assert.match(
      wrong.stderr,
      /^belay: .*rules\.toml:9: cwd: expected an absolute path.*it forbids in every folder\n$/,
    );
    const json = JSON.parse((await run(["rules", "list", "--json"])).stdout);
    assert.deepEqual(
      [json.rules.length, json.rules[1].decision, json.rules[1].line, json.problems.length],
      [2, "forbid", 5, 1],
    );
  });

  it("a project's rules count once the project is trusted, and not after a change", async (t) => {
    const { place, run } = await openScene(t);
    place.write(".belay/rules.toml", '[[rule]]\nprefix = ["make"]\ndecision = "allow"\n');
    const check = async () => (await run(["rules", "check", "-a", "untrusted", "make"])).code;
    assert.equal(await check(), 1);
    assert.equal((await run(["trust", "--yes"])).code, 0);
    assert.equal(await check(), 0);
    assert.match((await run(["rules", "list"])).stdout, /^allow {3}make in .*\/\*\* {2}.*\.belay\/rules\.toml:1\n$/);
    place.write(".belay/rules.toml", '[[rule]]\nprefix = ["make"]\ndecision = "allow"\n# changed\n');
    assert.equal(await check(), 1);
  });

  it("wrong usage is 2, and says so", async (t) => {
    const { run } = await openScene(t);
    for (const words of [
      ["rules", "check"],
      ["rules", "check", "--no-such", "ls"],
      ["rules"],
      ["rules", "frobnicate"],
      ["rules", "check", "-C", "missing", "ls"],
      ["rules", "check", "-a", "sometimes", "ls"],
    ]) {
      const done = await run(words);
      assert.equal(done.code, 2, words.join(" "));
      assert.notEqual(done.stderr, "", words.join(" "));
    }
    assert.equal((await run(["rules", "check", "--help"])).code, 0);
  });

  it("the parser is not touched by --version, nor by runs that need no parsing", async (t) => {
    const { place, server } = await openScene(t);
    const dist = join(place.tmp, "dist");
    mkdirSync(dist);
    cpSync(dirname(PROGRAM), dist, { recursive: true });
    for (const name of ["web-tree-sitter.cjs", "web-tree-sitter.wasm", "tree-sitter-bash.wasm"])
      rmSync(join(dist, name));
    symlinkSync(join(dist, "belay.cjs"), join(place.tmp, "belay"));
    const run = (...words: string[]) => {
      const started = promisify(execFile)(process.execPath, [join(place.tmp, "belay"), ...words], {
        cwd: place.dir,
        env: place.env,
      });
      started.child.stdin?.end();
      return started;
    };
    assert.match((await run("--version")).stdout, /^belay \d/);
    server.enqueue(call("exec_command", { cmd: "echo a > log; cat log | wc -c" }, "c"), text("done"));
    assert.equal((await run("exec", "-s", "danger-full-access", "go")).stdout, "done\n");
    assert.match(server.requests[1]!.outputOf("c") ?? "", /^Exit code: 0[\s\S]*2\n/);
    // Plain words need none either.
    assert.match(
      (await run("rules", "check", "-a", "untrusted", "-s", "danger-full-access", "--", "ls", "-la")).stdout,
      /^safe {4}ls -la\n/,
    );
  });
});

it("always, over belay proto: asked once, kept in rules.toml, and never asked again", async (t) => {
  const client = await openProto(t);
  client.send("ask", { type: "override_turn_context", approval_policy: "untrusted" });
  const touch = (cmd: string, id: string) => call("exec_command", { cmd }, id);
  client.server.enqueue(touch("touch made", "a"), touch("cd . && touch made", "b"), text("ok"));
  client.say("1", "go");
  const asked = await client.until("exec_approval_request");
  const words = asked.proposed_execpolicy_amendment ?? [];
  assert.deepEqual(words, ["touch", "made"]);
  client.send("answer", {
    type: "exec_approval",
    id: "a",
    decision: { approved_execpolicy_amendment: { proposed_execpolicy_amendment: words } },
  });
  await client.end("1");
  assert.equal(client.events.filter(({ msg }) => msg.type === "exec_approval_request").length, 1);
  await client.finish();
});
