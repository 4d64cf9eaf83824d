// Builds and runs the tests: all of them, or those whose path contains one of the words given.
//   --quick   no type check, no lint      --soak   the long runs as well (BELAY_SOAK=1)
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { buildProgram } from "./build.mjs";

const args = process.argv.slice(2);
const words = args.filter((arg) => !arg.startsWith("--"));
const out = process.env.BELAY_TEST_BUILD ?? ".build";

function sources(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true })
    .map((name) => join(dir, name))
    .filter((name) => name.endsWith(".ts"));
}

function run(command, commandArgs, env = process.env) {
  const done = spawnSync(command, commandArgs, { stdio: "inherit", env });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

if (!args.includes("--quick")) run(process.execPath, ["scripts/check.mjs"]);

rmSync(out, { recursive: true, force: true });
const files = [...sources("src"), ...sources("test")];
await build({
  entryPoints: files,
  outdir: out,
  outbase: ".",
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});
if (existsSync("src/main.ts")) await buildProgram();

const tests = files
  .filter((name) => name.endsWith(".test.ts") && (words.length === 0 || words.some((word) => name.includes(word))))
  .map((name) => join(out, name.replace(/\.ts$/, ".js")));
if (tests.length === 0) {
  console.error(`no test file matches ${words.join(" ")}`);
  process.exit(2);
}
const isSoak = args.includes("--soak");
// What hangs is named and fails; the slowest file needs a tenth of this.
const limit = isSoak ? [] : ["--test-timeout=240000"];
run(process.execPath, ["--enable-source-maps", "--test", "--test-concurrency=2", ...limit, ...tests], {
  ...process.env,
  ...(isSoak ? { BELAY_SOAK: "1" } : {}),
});
