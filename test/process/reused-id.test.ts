import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

/** In a namespace of ours the system can be told which process id to hand out next. */
const NAMESPACE = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
const can = spawnSync("unshare", [...NAMESPACE, "test", "-w", "/proc/sys/kernel/ns_last_pid"]).status === 0;

const SCRIPT = `
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Strays } from "${new URL("../../src/process/strays.js", import.meta.url)}";
const sleeper = () => spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
const strays = new Strays(process.pid, { BELAY_COMMAND: "nobody's" });
const living = () => strays.living({ everywhere: true }).map(({ pid }) => pid);
const first = sleeper();
const { pid } = first;
strays.remember();
const known = living();
const gone = once(first, "exit");
first.kill("SIGKILL");
await gone;
// The system tells times of start by hundredths of a second.
const uptime = () => readFileSync("/proc/uptime", "latin1").split(" ")[0];
const before = uptime();
while (Number(uptime()) < Number(before) + 0.03);
writeFileSync("/proc/sys/kernel/ns_last_pid", String(pid - 1));
const second = sleeper();
console.log(JSON.stringify({ pid, known, reused: second.pid, after: living() }));
process.exit();
`;

test("a process that got the id of one that was remembered is a stranger", {
  skip: can ? false : "needs namespaces",
}, () => {
  const argv = [...NAMESPACE, process.execPath, "--input-type=module", "-e", SCRIPT];
  const { stdout, stderr } = spawnSync("unshare", argv, { encoding: "utf8", timeout: 30_000 });
  assert.notEqual(stdout, "", stderr);
  const { pid, known, reused, after } = JSON.parse(stdout);
  assert.deepEqual([known, reused, after], [[pid], pid, []]);
});
