// Runs programs under accounting.pl.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readLines } from "./lines.mjs";

const SCRIPT = fileURLToPath(new URL("accounting.pl", import.meta.url));
const ERROR_CHARACTERS = 4000;

/** The programs that run now: pid -> when its run is over. */
const running = new Map();

/** Ends what a case that failed has left running. */
export async function endAllRuns() {
  for (const pid of running.keys()) process.kill(pid, "SIGKILL");
  await Promise.allSettled(running.values());
}

/** CLOCK_MONOTONIC in ms: the same clock in every process of the machine. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Starts a program. `started` resolves with its pid; `ended` with wall and CPU ms, peak RSS in MB, the exit code (or
 * -signal), when it started and ended, and its whole stdout as a Buffer. `slow`: bytes a second its stdout is read at.
 */
export function startMeasured({ argv, env, cwd, slow = 0, limitMs = 180_000 }) {
  const child = spawn("perl", [SCRIPT, String(slow), ...argv], { cwd, env, stdio: ["pipe", "pipe", "pipe", "pipe"] });
  const parts = [];
  let errors = "";
  let pid;
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (chunk) => {
    errors = `${errors}${chunk}`.slice(-ERROR_CHARACTERS);
  });
  child.stdout.on("data", (chunk) => parts.push(chunk));
  let tellStart;
  const started = new Promise((resolve) => {
    tellStart = resolve;
  });
  const ended = new Promise((resolve, reject) => {
    let start;
    let end;
    const timer = setTimeout(() => {
      if (pid !== undefined) process.kill(pid, "SIGKILL");
      reject(new Error(`${argv[0]} ran longer than ${limitMs} ms: ${errors}`));
    }, limitMs);
    readLines(child.stdio[3], (line) => {
      const [what, ...numbers] = line.split(" ");
      if (what === "start") {
        [pid, start] = numbers.map(Number);
        running.set(pid, ended);
        tellStart(pid);
      } else end = numbers.map(Number);
    });
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      running.delete(pid);
      if (end === undefined) reject(new Error(`no account of ${argv.join(" ")}: ${errors}`));
      else resolve(accountOf(start, end, { stdout: Buffer.concat(parts), errors }));
    });
  });
  return { started, ended, stdin: child.stdin, stdout: child.stdout };
}

/** Runs a program with an empty stdin to its end. */
export function runMeasured(options) {
  const run = startMeasured(options);
  run.stdin.end();
  return run.ended;
}

function accountOf(start, [end, userUs, systemUs, rssKb, status], output) {
  return {
    startMs: start / 1e6,
    endMs: end / 1e6,
    wall: (end - start) / 1e6,
    cpu: (userUs + systemUs) / 1000,
    rss: rssKb / 1024,
    code: (status & 0x7f) === 0 ? status >> 8 : -(status & 0x7f),
    ...output,
  };
}
