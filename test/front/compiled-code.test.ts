import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { it } from "node:test";

const canKeep = "enableCompileCache" in nodeModule;

it("keeps compiled code in a home folder that is there, and runs whatever has become of it", (t) => {
  const home = join(mkdtempSync(join(tmpdir(), "belay-home-")), "home");
  t.after(() => rmSync(join(home, ".."), { recursive: true, force: true }));
  const help = (env: object = {}) =>
    execFileSync(process.execPath, [resolve("dist/belay.cjs"), "--help"], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, BELAY_HOME: home, ...env },
      cwd: tmpdir(),
    });
  const text = help();
  assert.match(text, /^Usage: belay/);
  assert.equal(existsSync(home), false);

  mkdirSync(home);
  const cache = join(home, "compile-cache");
  assert.equal(help({ BELAY_HOME: "home" }), text);
  assert.equal(existsSync(cache), false);
  assert.equal(help(), text);
  const files = () =>
    readdirSync(cache, { recursive: true, encoding: "utf8" })
      .map((name) => join(cache, name))
      .filter((path) => statSync(path).isFile());
  assert.equal(existsSync(cache) && files().length > 0, canKeep);
  if (!canKeep) return;
  assert.equal(statSync(cache).mode & 0o777, 0o700);
  for (const path of files()) truncateSync(path, 1000);
  assert.equal(help(), text);
  for (const path of files()) writeFileSync(path, "no code");
  assert.equal(help(), text);
  rmSync(cache, { recursive: true });
  writeFileSync(cache, "in the way");
  assert.equal(help(), text);
});
