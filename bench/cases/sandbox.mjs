import { spawn } from "node:child_process";
import { now } from "../accounting.mjs";
import { row } from "../figures.mjs";
import { openProto } from "../proto-client.mjs";
import { STEPS } from "../script.mjs";
import { samplesOf } from "../turns.mjs";

const POLICIES = [
  { mode: "read-only" },
  { mode: "workspace-write", writable_roots: [] },
  { mode: "danger-full-access" },
];

/** What a mode costs a command: from its begin event to its end event, against the same command started by Node alone. */
export async function sandbox(lab) {
  const rows = [];
  for (const policy of POLICIES) {
    const times = samplesOf();
    const argv = await runSteps(lab, policy, times.belay);
    for (let round = 0; round < STEPS; round += 1) times.bare.push(await bareSpawn(argv, lab));
    rows.push(row(`a command in ${policy.mode}, ms`, times));
  }
  return rows;
}

/** Runs the turn of many commands; resolves with the last one. */
async function runSteps(lab, policy, times) {
  const proto = openProto(lab, lab.server.url("steps", lab.nextRun()));
  let argv = [];
  let begun = 0;
  const watch = proto.next((msg) => {
    if (msg.type === "exec_command_begin") {
      begun = now();
      argv = msg.command;
    }
    if (msg.type === "exec_command_end") times.push(now() - begun);
    return msg.type === "task_complete";
  }, 120_000);
  proto.submit({ type: "override_turn_context", sandbox_policy: policy });
  proto.submit({ type: "user_input", items: [{ type: "text", text: "go on" }] });
  await watch;
  await proto.close();
  if (times.length !== STEPS) throw new Error(`${times.length} commands in ${policy.mode}`);
  return argv;
}

/** With its output read to the end. */
function bareSpawn([program, ...args], { work: cwd, programs }) {
  const start = now();
  const child = spawn(program, args, { cwd, env: programs.belay.env, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.resume();
  child.stderr.resume();
  return new Promise((resolve) => child.once("close", () => resolve(now() - start)));
}
