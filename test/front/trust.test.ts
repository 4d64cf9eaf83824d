import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommandLine } from "../../src/command-line.js";
import type { Input, Output } from "../../src/front/host/index.js";
import { reveal } from "../../src/front/trust/reveal.js";
import { fakeDeps } from "./fake-deps.js";
import { makePlace } from "./run-program.js";

/** `belay trust` with words; `answer` is typed at a terminal, where there is one. */
function openTrust(t: TestContext) {
  const place = makePlace();
  t.after(() => place.remove());
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(place.dir, path)), { recursive: true });
    writeFileSync(join(place.dir, path), text);
  };
  const run = async (words: readonly string[], answer?: string) => {
    const deps = fakeDeps({ place, script: [], env: { NO_COLOR: "1" } });
    const stdin: Input = {
      kind: answer === undefined ? "other" : "terminal",
      async *[Symbol.asyncIterator]() {
        // A terminal hands over what was typed in pieces of its own choice.
        for (const byte of Buffer.from(answer ?? "")) yield Uint8Array.of(byte);
      },
    };
    const stdout: Output = { ...deps.stdout, isTTY: answer !== undefined };
    const code = await runCommandLine(["trust", ...words], { ...deps, stdin, stdout });
    return { code, ...deps.written };
  };
  return { place, write, run };
}

test("shows everything, asks, and stores; then says so", async (t) => {
  const { place, write, run } = openTrust(t);
  write(
    ".belay/config.toml",
    'model = "m"\napproval_policy = "never"\nnotify = ["x"]\n[mcp_servers.s]\nargs = ["-c", "evil"]\n',
  );
  write(".belay/rules.toml", "x = 1");
  const shown = `${place.dir}: never trusted
  .belay/config.toml (new)
  | model = "m"
  | approval_policy = "never"
  | notify = ["x"]
  | [mcp_servers.s]
  | args = ["-c", "evil"]
  .belay/rules.toml (new)
  | x = 1
  Trusted, this counts (! decides what may happen unasked):
    model = "m"
  ! approval_policy = "never"
  ! mcp_servers.s = { args = ["-c", "evil"] }
    .belay/config.toml: not for a project to set, and ignored: notify
  ! .belay/rules.toml: rules that say which commands run unasked
Trust exactly this? When it changes, it is ignored until you look again. [y/N] `;
  for (const answer of ["\n", "n\n", "", "yess\n", `${"y".repeat(2000)}\n`, "\u0443\n"]) {
    assert.deepEqual(await run([], answer), { code: 1, stdout: `${shown}Nothing was trusted.\n`, stderr: "" });
  }
  assert.equal((await run(["--list"])).stdout, `no folder is trusted (${join(place.home, "trust.json")})\n`);
  for (const answer of ["y\n", "YES\r\n"]) {
    assert.deepEqual(await run([], answer), {
      code: 0,
      stdout: `${shown}${place.dir}: trusted in this content\n`,
      stderr: "",
    });
    const again = await run([]);
    assert.match(again.stdout, /: trusted on \S+Z, and unchanged since\n/);
    assert.deepEqual([again.code, again.stderr], [0, ""]);
    assert.match((await run(["--list"])).stdout, new RegExp(`^${place.dir}: trusted on \\S+Z; unchanged\n$`));
    assert.deepEqual(await run(["--remove"]), { code: 0, stdout: `${place.dir}: trusted no more\n`, stderr: "" });
  }
  assert.deepEqual(await run(["--remove"]), { code: 1, stdout: "", stderr: `belay: ${place.dir}: was not trusted\n` });
});

test("where nobody can be asked it needs --yes", async (t) => {
  const { place, write, run } = openTrust(t);
  write(".codex/config.toml", "");
  const refused = await run([]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /nobody can be asked here, so nothing was trusted; --yes trusts what is shown/);
  assert.equal((await run(["--list"])).stdout.includes(place.dir), false);
  const done = await run(["--yes"]);
  assert.equal(done.code, 0);
  assert.match(done.stdout, /\(empty\)\n {2}Trusted, this counts .*\n {4}nothing\n.*: trusted in this content\n$/);
});

test("a change shows as a difference, harmless on a terminal and with nothing hidden in it", async (t) => {
  const { place, write, run } = openTrust(t);
  write(".belay/config.toml", '# one\nmodel = "a"\n# three\n');
  write(".belay/rules.toml", "gone = 1\n");
  await run(["--yes"]);
  const nasty = `# \x1b[2K\x1b[1A\x9b31m\x07 bell \u202e rtl \u200b\u2060\ufeff\u00ad \u{e0041}\u2028 end`;
  write(".belay/config.toml", `# one\nmodel = "b"\r\n${nasty}\n# three\nTrust exactly this? [y/N] y = 1\n`);
  rmSync(join(place.dir, ".belay/rules.toml"));
  const { code, stdout, stderr } = await run([]);
  assert.equal(code, 1);
  const [head, ...lines] = stdout.split("\n");
  assert.match(head!, /: changed since it was trusted on \S+Z$/);
  assert.deepEqual(lines, [
    "  .belay/config.toml (changed)",
    "  |@@ -1,3 +1,5 @@",
    "  | # one",
    '  |-model = "a"',
    '  |+model = "b"\\x0d',
    "  |+# \\x1b[2K\\x1b[1A\\x9b31m\\x07 bell \\u202e rtl \\u{200b}\\u{2060}\\u{feff}\\u{ad} \\u{e0041}\\u{2028} end",
    "  | # three",
    "  |+Trust exactly this? [y/N] y = 1",
    "  .belay/rules.toml (not there any more)",
    "  |@@ -1 +0,0 @@",
    "  |-gone = 1",
    "  Trusted, this counts (! decides what may happen unasked):",
    `  a mistake: ${place.dir}/.belay/config.toml:3:3: control characters are not allowed in comments`,
    "",
  ]);
  assert.match(stderr, /^belay: nothing was trusted; first mend this:\nbelay: \S+config.toml:3:3: /);
});

test("a line ending that a terminal would swallow shows", () => {
  assert.equal(reveal("a\r\nb\rc\n\td"), "a\\x0d\nb\\x0dc\n\td");
});

test("what is left of a folder that was trusted can be agreed to", async (t) => {
  const { place, write, run } = openTrust(t);
  write(".belay/rules.toml", "x = 1\n");
  await run(["--yes"]);
  rmSync(join(place.dir, ".belay"), { recursive: true });
  assert.match((await run(["--list"])).stdout, /; changed, so ignored\n$/);
  const { code, stdout } = await run([], "y\n");
  assert.equal(code, 0);
  assert.match(stdout, /: nothing is left of what was trusted on [\s\S]*-x = 1[\s\S]*: nothing is trusted any more\n$/);
  assert.match((await run([])).stdout, /: nothing to trust \(no \.codex/);
});

test("what can't be read, and what config.toml calls untrusted, can't be trusted", async (t) => {
  const { place, write, run } = openTrust(t);
  write(".belay/rules.toml", "x = 1\n");
  mkdirSync(join(place.dir, ".belay/config.toml"));
  const folder = await run(["--yes"]);
  assert.equal(folder.code, 1);
  assert.match(folder.stdout, /: can't be trusted: not all of it can be read\n/);
  assert.equal(
    folder.stderr,
    `belay: nothing was trusted; first mend this:\nbelay: ${place.dir}/.belay/config.toml: is a folder\n`,
  );
  rmSync(join(place.dir, ".belay/config.toml"), { recursive: true });
  writeFileSync(join(place.home, "config.toml"), `[projects."${place.dir}"]\ntrust_level = "untrusted"\n`);
  const barred = await run(["--yes"]);
  assert.equal(barred.code, 1);
  assert.match(barred.stderr, /your config.toml gives \S+ the trust_level "untrusted"/);
});

test("wrong usage", async (t) => {
  const { place, run } = openTrust(t);
  const gone = await run(["gone"]);
  assert.deepEqual([gone.code, gone.stderr], [2, `belay: ${place.dir}/gone: there is no such folder\n`]);
  assert.equal((await run(["a\0b"])).code, 2);
  assert.equal((await run(["--list", "--yes"])).code, 2);
  assert.equal((await run(["--list", "--remove"])).code, 2);
  writeFileSync(join(place.home, "trust.json"), "{");
  for (const words of [[], ["--list"], ["--remove"]]) {
    const { code, stderr } = await run(words);
    assert.equal(code, 1);
    assert.match(stderr, /trust\.json: is not JSON; move it away/);
  }
});
