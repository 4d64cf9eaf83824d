import { holderOf, type RecordedTurn, readTurns, type SessionSummary } from "../../rollout/index.js";
import { sanitise } from "../host/index.js";
import { jsonOf, type SessionsContext } from "./run.js";
import { size } from "./table.js";

const ANSWER_LINES = 6;

/** Prints what is known of a session and its last turns; takes no lock, so that one in use can be looked at as well. */
export async function showSession(
  session: SessionSummary,
  { limit, json }: { readonly limit: number; readonly json?: boolean },
  { home, deps, signal }: SessionsContext,
): Promise<void> {
  const turns = await readTurns(session.path, { home, signal });
  const holder = holderOf(home, session.id, deps.clock.now());
  const shown = turns.slice(-limit);
  if (json === true) {
    const list = shown.map(({ n, id, startedAt, endedAt, text, answer, status }) => {
      return { n, id, started_at: startedAt, ended_at: endedAt ?? null, text, answer, status };
    });
    const line = { ...jsonOf(session), in_use_by: holder?.pid ?? null, turn_count: turns.length, turns: list };
    void deps.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["session", session.id],
    ["name", session.name],
    ["folder", session.cwd],
    ["begun", new Date(session.createdAt).toISOString()],
    ["used last", new Date(session.usedAt).toISOString()],
    ["recorded by", [session.originator ?? "codex", session.version ?? ""].join(" ").trim()],
    ["forked from", session.forkedFrom],
    ["in use by", holder === undefined ? undefined : `process ${holder.pid}`],
    ["file", `${session.path} (${size(session.bytes)})`],
    ["turns", turns.length === shown.length ? String(turns.length) : `${turns.length}, the last ${shown.length} here`],
  ];
  const head = rows.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(11)} ${sanitise(value)}`]));
  void deps.stdout.write(`${[...head, ...shown.map(describe)].join("\n")}\n`);
}

function describe({ n, text, answer, status }: RecordedTurn): string {
  const note = status === "completed" ? "" : ` [${status === "cut" ? "cut: the program was killed" : status}]`;
  const lines = sanitise(answer).split("\n");
  const more = lines.length > ANSWER_LINES ? ["…"] : [];
  const said = answer === "" ? [] : [...lines.slice(0, ANSWER_LINES), ...more].map((line) => `   ${line}`);
  return [`\n${n}. ${sanitise(text)}${note}`, ...said].join("\n");
}
