import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { runMeasured } from "../accounting.mjs";
import { median, row } from "../figures.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 5;
const LISTED = 1000;
/** Turns of a session, and after how many of them it is compacted. */
const LENGTHS = [
  { turns: 1, beside: 1 },
  { turns: 1000, beside: 0.5 },
  { turns: 10_000, beside: 0.2 },
  { turns: 10_000, every: 500, beside: 0.2 },
];

/** What recording costs, how long a list takes, and how long it is to the first request of a session gone on with. */
export async function sessions(lab) {
  const folder = mkdtempSync(join(tmpdir(), "belay-bench-sessions-"));
  try {
    const { RolloutWriter } = await roomOf(folder);
    return [
      ...(await appending(RolloutWriter, folder)),
      await listing(lab, RolloutWriter),
      ...(await resuming(lab, RolloutWriter)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The room of session files as a module of its own. */
async function roomOf(folder) {
  const outfile = join(folder, "rollout.mjs");
  await build({
    entryPoints: ["src/rollout/index.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  return import(pathToFileURL(outfile));
}

async function appending(RolloutWriter, home) {
  const samples = { plain: samplesOf(), synced: samplesOf() };
  const writer = writerOf(RolloutWriter, { home, id: idOf(1), start: Date.now() });
  const line = event("token", { text: "x".repeat(200) });
  for (let round = 0; round < 20; round += 1) {
    const started = performance.now();
    for (let n = 0; n < 500; n += 1) writer.append([line]);
    samples.plain.belay.push(((performance.now() - started) / 500) * 1000);
    const syncing = performance.now();
    for (let n = 0; n < 5; n += 1) {
      writer.append([line]);
      await writer.flush();
    }
    samples.synced.belay.push(((performance.now() - syncing) / 5) * 1000);
  }
  writer.close();
  return [
    row("append a line, µs", samples.plain, [{ most: 100 }]),
    row("append a line and sync it, µs", samples.synced),
  ];
}

/** A list of a home of its own, less what the program's start takes. */
async function listing(lab, RolloutWriter) {
  const samples = samplesOf();
  const { command, env } = lab.programs.belay;
  const home = join(env.CODEX_HOME, "listed");
  for (let n = 0; n < LISTED; n += 1) record(RolloutWriter, { home, id: idOf(n), turns: 5, cwd: lab.work });
  const run = async (count) => {
    const argv = [...command, "sessions", "list", "--json", "-n", String(count)];
    const { wall, stdout } = await runMeasured({ argv, env: { ...env, CODEX_HOME: home }, cwd: lab.work });
    if (JSON.parse(stdout).sessions.length !== count) throw new Error(`not ${count} sessions are listed`);
    return wall;
  };
  const bare = join(env.CODEX_HOME, "bare");
  record(RolloutWriter, { home: bare, id: idOf(1), turns: 1, cwd: lab.work });
  const start = async () => {
    const argv = [...command, "sessions", "list", "--json"];
    return (await runMeasured({ argv, env: { ...env, CODEX_HOME: bare }, cwd: lab.work })).wall;
  };
  const starts = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    starts.push(await start());
    samples.belay.push(Math.max(0, (await run(LISTED)) - median(starts)));
  }
  return row(`list ${LISTED} sessions, ms beyond the start`, samples, [{ most: 100 }]);
}

async function resuming(lab, RolloutWriter) {
  const rows = [];
  let made = 2000;
  for (const { turns, every, beside } of LENGTHS) {
    const samples = samplesOf();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of lab.names) {
        // A file of its own for each run: Codex keeps an index of those it has seen.
        const id = idOf(++made);
        record(RolloutWriter, { home: lab.programs[name].env.CODEX_HOME, id, turns, every, cwd: lab.work });
        const measured = await measureTurn(lab, { name, script: "text", expect: "Hello.", resume: id });
        samples[name].push(measured.toRequest);
      }
    }
    const what = every === undefined ? `${turns} turns` : `${turns} turns, compacted every ${every}`;
    rows.push(row(`resume ${what}: start to request, ms`, samples, [{ most: 1000 }, { than: "codex", most: beside }]));
  }
  return rows;
}

function record(RolloutWriter, { home, id, turns, every, cwd }) {
  mkdirSync(home, { recursive: true });
  const writer = writerOf(RolloutWriter, { home, id, cwd, start: Date.now() - 1e6 });
  for (let n = 1; n <= turns; n += 1) {
    const turn = `${id.slice(0, 24)}${String(n).padStart(12, "0")}`;
    const shown = (type, kind, said) =>
      event("item_completed", {
        thread_id: id,
        turn_id: turn,
        item: { type, id: `${turn}${type}`, content: [{ type: kind, text: said }] },
      });
    writer.append([
      event("task_started", { turn_id: turn }),
      {
        type: "turn_context",
        payload: {
          turn_id: turn,
          cwd,
          model: "bench-model",
          approval_policy: "never",
          sandbox_policy: { mode: "danger-full-access" },
        },
      },
      { ...message("user", "input_text", `question ${n}`), submission: "0" },
      shown("UserMessage", "text", `question ${n}`),
      message("assistant", "output_text", `the answer to question ${n}, in a few words`),
      shown("AgentMessage", "Text", `the answer to question ${n}, in a few words`),
      event("task_complete", { turn_id: turn, last_agent_message: null }),
    ]);
    if (every === undefined || n % every > 0) continue;
    const summary = message(
      "user",
      "input_text",
      "<conversation_summary>\nquestions were answered\n</conversation_summary>",
    );
    writer.append([{ type: "compacted", payload: { message: "", replacement_history: [summary.payload] } }]);
  }
  writer.close();
  utimesSync(writer.path, Date.now() / 1000, Date.now() / 1000);
}

function writerOf(RolloutWriter, { home, id, cwd = "/", start }) {
  let time = start;
  const clock = { now: () => ++time, monotonic: () => time };
  writeFileSync(join(home, ".keep"), "");
  const writer = RolloutWriter.create({ home, id, clock });
  const timestamp = new Date(start).toISOString();
  const meta = {
    id,
    timestamp,
    cwd,
    originator: "belay",
    cli_version: "0",
    source: "exec",
    model_provider: "bench",
    history_mode: "paginated",
    belay_schema: 1,
  };
  writer.append([{ type: "session_meta", payload: meta }]);
  return writer;
}

function event(type, fields) {
  return { type: "event_msg", payload: { type, ...fields } };
}

function message(role, type, text) {
  return { type: "response_item", payload: { type: "message", role, content: [{ type, text }] } };
}

/** An id of now, as sessions have them. */
function idOf(n) {
  const time = (Date.now() - 1e6).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`;
}
