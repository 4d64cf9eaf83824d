import { spawnSync } from "node:child_process";
import { sh } from "./jobs.js";

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

/** Programs that do what they can to outlive their command; `%` is the argument they are recognised by. */
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
