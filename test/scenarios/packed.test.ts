import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const PAGES = ["docs", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "THIRD-PARTY.md"];
const SOURCES = ["src", "scripts", "package.json", ...PAGES];

/** A user's machine: a home with nothing in it, and an npm without a network. */
function environmentIn(root: string): Record<string, string> {
  return {
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? "/usr/bin:/bin"}`,
    HOME: join(root, "home"),
    TMPDIR: join(root, "tmp"),
    npm_config_cache: join(root, "cache"),
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
    npm_config_audit: "false",
  };
}

test("the packed program installs into an empty folder without anything else, and runs", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "belay-packed-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [app, checkout] = [join(root, "app"), join(root, "checkout")];
  for (const name of ["home", "tmp", "app", "checkout"]) mkdirSync(join(root, name));
  const run = async (program: string, words: readonly string[], cwd: string) => {
    const { stdout } = await promisify(execFile)(program, words, { cwd, env: environmentIn(root) });
    return stdout;
  };

  // Packed from a copy: packing builds, and other tests are using the build of this checkout.
  for (const name of SOURCES) cpSync(name, join(checkout, name), { recursive: true });
  symlinkSync(resolve("node_modules"), join(checkout, "node_modules"));
  const printed = await run(process.execPath, ["scripts/pack.mjs"], checkout);
  const tarball = resolve(checkout, printed.trimEnd().split("\n").at(-1) ?? "");

  await run("npm", ["install", tarball], app);
  const installed = readdirSync(join(app, "node_modules")).filter((name) => !name.startsWith("."));
  assert.deepEqual(installed, ["belay"]);
  const belay = join(app, "node_modules", ".bin", "belay");
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(await run(belay, ["--version"], app), `belay ${version}\n`);
  // The files of the parser came along.
  const checked = await run(belay, ["rules", "check", "-s", "danger-full-access", "--", "ls 'a b' | wc -l"], app);
  assert.match(checked, /^safe {4}ls 'a b'\nsafe {4}wc -l\n/);
  assert.match(await run(belay, ["demo"], app), /^Fixed: .*5 of 5 checks passed/s);
});
