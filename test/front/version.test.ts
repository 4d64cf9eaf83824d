import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";

it("tells its version without the rest of the program", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const dir = mkdtempSync(join(tmpdir(), "belay-version-"));
  const alone = join(dir, "belay.cjs");
  copyFileSync("dist/belay.cjs", alone);
  for (const flag of ["--version", "-V"]) {
    assert.equal(execFileSync(process.execPath, [alone, flag], { encoding: "utf8" }), `belay ${version}\n`);
  }
  rmSync(dir, { recursive: true });
});
