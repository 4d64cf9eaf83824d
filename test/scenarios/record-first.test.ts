import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { call, text } from "../support/model-server.js";
import { mockConfig, openScene, PROGRAM } from "../support/program.js";

/** What the program asks of the system is only to be seen from outside; some containers forbid to look. */
const untraceable =
  spawnSync("strace", ["-f", "-e", "trace=fdatasync", "true"]).status === 0
    ? false
    : "needs strace, and the right to use it";

test("what a person is asked, and the end of a turn, are on disk before they are shown", {
  skip: untraceable,
}, async (t) => {
  const { place, server } = await openScene(t);
  place.configure(mockConfig(server).replace('approval_policy = "never"', 'approval_policy = "untrusted"'));
  server.enqueue(call("exec_command", { cmd: "touch asked" }, "c1"), text("Done."));
  const trace = join(place.tmp, "trace");
  const argv = [
    "-f",
    "-qq",
    "-y",
    "-s",
    "200",
    "-e",
    "trace=fdatasync,write",
    "-o",
    trace,
    process.execPath,
    PROGRAM,
    "proto",
  ];
  const child = spawn("strace", argv, { cwd: place.dir, env: place.env, stdio: ["pipe", "pipe", "inherit"] });
  const send = (id: string, op: object) => void child.stdin.write(`${JSON.stringify({ id, op })}\n`);
  send("turn", { type: "user_input", items: [{ type: "text", text: "go" }] });
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const before = seen;
    seen += chunk;
    const came = (type: string) => seen.includes(`"${type}"`) && !before.includes(`"${type}"`);
    if (came("exec_approval_request")) send("yes", { type: "exec_approval", id: "c1", decision: "approved" });
    if (came("task_complete")) child.stdin.end();
  });
  await new Promise((settle) => child.on("close", settle));
  const lines = readFileSync(trace, "utf8").split("\n");
  const indexOf = (pattern: RegExp, from = 0) => lines.findIndex((line, at) => at >= from && pattern.test(line));
  const written = (what: RegExp) => indexOf(new RegExp(`write\\(\\d+<[^>]*rollout-[^>]*>, "[^\\n]*${what.source}`));
  const shown = (what: string) => indexOf(new RegExp(`write\\(1<[^>]*>, "[^\\n]*${what}`));
  for (const [record, event] of [
    [/function_call/, "exec_approval_request"],
    [/task_complete/, "task_complete"],
  ] as const) {
    const [recorded, told] = [written(record), shown(event)];
    const synced = indexOf(/fdatasync(?:\(\d+<[^>]*rollout-[^>]*>\)| resumed>\)) += 0/, recorded);
    assert.ok(recorded >= 0 && recorded < synced && synced < told, `${event}: ${recorded}, ${synced}, ${told}`);
  }
});
