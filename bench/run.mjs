// Measures Belay beside a bare Node client and, where it is installed, Codex's native binary; prints a table of figures,
// ratios and goals.
//   node bench/run.mjs [CASE...] [--peer CODEX_BINARY] [--peer-mcp OLD_CODEX_BINARY] [--node NODE] [--strict]
// The peers are also taken from BELAY_BENCH_CODEX and BELAY_BENCH_CODEX_MCP (a version with `codex mcp`, such as 0.23.0). --strict: exit code 1 when a goal is missed.
import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { cancel } from "./cases/cancel.mjs";
import { conversations } from "./cases/conversations.mjs";
import { deltas } from "./cases/deltas.mjs";
import { flood } from "./cases/flood.mjs";
import { interrupt } from "./cases/interrupt.mjs";
import { patch } from "./cases/patch.mjs";
import { rules } from "./cases/rules.mjs";
import { sandbox } from "./cases/sandbox.mjs";
import { sessions } from "./cases/sessions.mjs";
import { steps } from "./cases/steps.mjs";
import { turn } from "./cases/turn.mjs";
import { undo } from "./cases/undo.mjs";
import { version } from "./cases/version.mjs";
import { allHold, table } from "./figures.mjs";
import { firstExisting, openLab } from "./lab.mjs";

const CASES = {
  version,
  turn,
  steps,
  deltas,
  flood,
  cancel,
  interrupt,
  patch,
  rules,
  sandbox,
  conversations,
  undo,
  sessions,
};

const options = readArguments(process.argv.slice(2));
const lab = await openLab(options);
const measured = [];
try {
  console.log(describe(options));
  for (const name of options.names) {
    console.error(`${name} …`);
    measured.push({ name, rows: await CASES[name](lab) });
  }
} finally {
  await lab.close();
}
console.log(`${table(measured)}\n\nload average at the end: ${loadavg()[0].toFixed(1)}`);
const held = allHold(measured);
if (!held) console.log("goals were missed");
if (options.strict && !held) process.exitCode = 1;

function readArguments(args) {
  const names = [];
  const values = {};
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at];
    if (arg === "--strict") values.strict = true;
    else if (["--peer", "--peer-mcp", "--node"].includes(arg)) {
      at += 1;
      values[arg.slice(2)] = args[at] ?? usage(`${arg} needs a path`);
    } else if (Object.hasOwn(CASES, arg)) names.push(arg);
    else usage(`there is no case ${arg}; cases are ${Object.keys(CASES).join(", ")}`);
  }
  const codex = firstExisting([values.peer, process.env.BELAY_BENCH_CODEX]);
  if (values.peer !== undefined && codex !== values.peer) usage(`${values.peer} is not there`);
  const codexMcp = firstExisting([values["peer-mcp"], process.env.BELAY_BENCH_CODEX_MCP]);
  const all = names.length === 0 ? Object.keys(CASES) : names;
  return { names: all, codex, codexMcp, node: values.node ?? process.execPath, strict: values.strict === true };
}

function usage(message) {
  console.error(
    `${message}\nusage: node bench/run.mjs [CASE...] [--peer CODEX_BINARY] [--peer-mcp OLD_CODEX_BINARY] [--node NODE] [--strict]`,
  );
  process.exit(2);
}

function describe({ node, codex, codexMcp }) {
  const say = (command) => spawnSync(command, ["--version"], { encoding: "utf8" }).stdout.trim();
  const peer = codex === undefined ? "no peer (--peer names a Codex binary)" : say(codex);
  const old = codexMcp === undefined ? "" : `; for conversations ${say(codexMcp)}`;
  return `Node ${say(node)}, ${peer}${old}. Medians (smallest–largest, number of runs), interleaved.\n`;
}
