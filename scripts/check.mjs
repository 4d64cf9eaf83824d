// Types, lint and format: what must hold before a test is worth running.
import { spawnSync } from "node:child_process";

for (const [command, ...args] of [
  ["node_modules/.bin/tsc", "-p", "."],
  ["node_modules/.bin/biome", "check", "--error-on-warnings", "."],
]) {
  const done = spawnSync(command, args, { stdio: "inherit" });
  if (done.status !== 0) process.exit(done.status ?? 1);
}
