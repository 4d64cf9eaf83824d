import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { findPerl, shellQuote } from "../../src/base/index.js";
import { WAIT_LIMIT_MS } from "./waiting.js";

const PYTHON = `import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.execve("/usr/bin/env", ["env", "-i", "sleep", "%"], {"PATH": "/usr/bin:/bin"})
    os._exit(0)
os.wait()
print("ready", flush=True)
time.sleep(60)`;
const hasPython = spawnSync("python3", ["-c", ""]).status === 0;

/** Options of a test of what becomes of commands in no PID namespace: skipped where they can have no reaper either. */
export const REAPED: { readonly skip?: string } =
  findPerl() !== undefined ? {} : { skip: "needs Linux and Perl, to give commands a reaper" };

/** Programs that do what they can to outlive their command, and say `ready` when they have begun; `%` is the argument they are recognised by. */
export const RUNAWAYS: Readonly<Record<string, readonly string[]>> = {
  "a new session": sh("setsid sleep % & echo ready; wait; sleep 60"),
  "nohup and another group": sh("set -m; nohup sleep % >/dev/null 2>&1 & echo ready; sleep 60"),
  "a double fork": sh("( (setsid sleep % &) & ); echo ready; sleep 60"),
  "a tree deaf to signals": sh("trap '' TERM INT HUP; (sleep % & wait) & echo ready; while :; do sleep 1; done"),
  "a daemon with nothing left of its environment": [
    process.execPath,
    "-e",
    `const { spawn } = require("node:child_process");
     spawn("/bin/sh", ["-c", "cd /; env -i /usr/bin/setsid sleep %"], { detached: true, stdio: "ignore", env: {} }).unref();
     process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000);`,
  ],
  ...(hasPython ? { "a daemon by the book": ["python3", "-c", PYTHON] } : {}),
  "one that starts itself again": sh("(trap '' TERM; while :; do setsid sleep %; done) & echo ready; sleep 60"),
};

function sh(script: string): string[] {
  return ["sh", "-c", script];
}

/** A runaway as a script for a shell; `mark` is the argument it is known by. */
export function runawayScript(argv: readonly string[], mark: string): string {
  return `exec ${argv.map((word) => shellQuote(word.replaceAll("%", mark))).join(" ")}`;
}

/** The processes of the machine that have the mark among their arguments and are not dead. */
export function survivors(mark: string): string[] {
  return readdirSync("/proc").filter((name) => {
    const path = `/proc/${name}/cmdline`;
    try {
      return existsSync(path) && readFileSync(path, "latin1").split("\0").includes(mark);
    } catch {
      // It ended.
      return false;
    }
  });
}

/** Resolves once each mark has, or once none of them has, a living process; rejects in the end. */
export async function untilThere(marks: readonly string[], wanted: "all" | "none"): Promise<void> {
  const limit = performance.now() + WAIT_LIMIT_MS;
  const fits = (mark: string) => survivors(mark).length > 0 === (wanted === "all");
  while (!marks.every(fits)) {
    if (performance.now() > limit) throw new Error(`not ${wanted} of ${marks.join(", ")} in time`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
