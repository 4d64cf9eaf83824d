import { relative } from "node:path";
import {
  type Change,
  type History,
  netChanges,
  type OnConflict,
  type PreparedUndo,
  type Trouble,
  type TurnHistory,
  type UndoEnd,
  type Undoing,
} from "../../checkpoint/index.js";
import { unifiedDiff } from "../../patch/index.js";
import { type Style, sanitise } from "../host/index.js";

/** Paths shown of one kind, and the largest file whose lines are counted, bytes. */
const SHOWN = 100;
const COUNTED_BYTES = 256 * 1024;

/** What an undo will do: a line for each path, then what stands in its way. */
export async function describePlan(
  plan: PreparedUndo,
  options: { readonly undoing: Undoing; readonly style: Style; readonly cwd: string; readonly onConflict: OnConflict },
): Promise<string> {
  const { undoing, style, cwd, onConflict } = options;
  const what = plan.call === undefined ? `turn ${plan.turn}` : `call ${plan.call} of turn ${plan.turn}`;
  const title = plan.of === undefined ? `undo of ${what}` : `redo of ${what}`;
  const lines = [style.bold(sanitise(title))];
  for (const change of plan.changes.slice(0, SHOWN)) lines.push(await changeLine(change, { undoing, style, cwd }));
  if (plan.changes.length > SHOWN) lines.push(`  and ${plan.changes.length - SHOWN} more`);
  const fate = {
    refuse: "changed since",
    keep: "changed since, and left as they are",
    overwrite: "changed since, and undone too",
  };
  lines.push(...troubles(fate[onConflict], plan.conflicts, cwd).map(style.yellow));
  lines.push(...troubles("can't be brought back", plan.lost, cwd).map(style.red));
  lines.push(...plan.notes.map((note) => style.yellow(`note: ${sanitise(note)}`)));
  return `${lines.join("\n")}\n`;
}

async function changeLine(
  change: Change,
  { undoing, style, cwd }: { readonly undoing: Undoing; readonly style: Style; readonly cwd: string },
): Promise<string> {
  const { path, before, after } = change;
  const name = shown(path, cwd);
  if (after === null) return `  ${style.red("D")} ${name}${before?.kind === "folder" ? "/" : ""}`;
  const folder = after.kind === "folder" ? "/" : "";
  if (before === null) return `  ${style.green("A")} ${name}${folder}`;
  return `  ${style.cyan("M")} ${name}${folder}${await countOf(change, undoing)}`;
}

/** The lines that come and go, where both contents are at hand. */
async function countOf(change: Change, undoing: Undoing): Promise<string> {
  const { now, then } = undoing.contents(change, COUNTED_BYTES);
  if (now === undefined || then === undefined) return "";
  if (now.equals(then)) return " (mode)";
  if (now.includes(0) || then.includes(0)) return " (binary)";
  const lines = (await unifiedDiff(now, then)).split("\n");
  const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
  return ` +${count("+")} -${count("-")}`;
}

function troubles(title: string, list: readonly Trouble[], cwd: string): string[] {
  if (list.length === 0) return [];
  const lines = list.slice(0, SHOWN).map(({ path, why }) => `  ${shown(path, cwd)}: ${sanitise(why)}`);
  return [`${title}:`, ...lines, ...(list.length > SHOWN ? [`  and ${list.length - SHOWN} more`] : [])];
}

/** What came of it. */
export function describeEnd({ of, changes }: PreparedUndo, left: readonly Trouble[]): string {
  const done = of === undefined ? "undone; belay undo --redo takes that back" : "redone";
  const lines = left.map(({ path, why }) => `left as it is: ${sanitise(path)}: ${sanitise(why)}`);
  return `${[...lines, `${countedPaths(changes.length)} ${done}`].join("\n")}\n`;
}

function countedPaths(count: number): string {
  return count === 1 ? "1 path" : `${count} paths`;
}

/** The turns of a conversation that changed files, oldest first. */
export function describeTurns(conversation: string, { turns }: History): string {
  const lines = turns.map((turn) => {
    const files = filesOf(turn);
    const calls = turn.calls.map(({ call, undone }) => `${call.call}${undone === undefined ? "" : " (undone)"}`);
    const state = turn.undone !== undefined ? "undone" : turn.ended ? "" : "not ended";
    const time = new Date(turn.at).toISOString().slice(0, 19).replace("T", " ");
    const parts = [`turn ${turn.turn}`, time, `${files.length} files`, `calls: ${calls.join(", ")}`, state];
    return `  ${parts
      .filter((part) => part !== "")
      .map(sanitise)
      .join("  ")}`;
  });
  const head = `conversation ${sanitise(conversation)}`;
  return `${[head, ...(lines.length === 0 ? ["  no turn has changed any files"] : lines)].join("\n")}\n`;
}

/** The same for programs. */
export function jsonOfTurns(conversation: string, { turns }: History): string {
  const list = turns.map((turn) => ({
    turn: turn.turn,
    at: new Date(turn.at).toISOString(),
    cwd: turn.cwd,
    ended: turn.ended,
    undone: turn.undone !== undefined,
    calls: turn.calls.map(({ call, undone }) => ({ call_id: call.call, undone: undone !== undefined })),
    files: filesOf(turn),
  }));
  return `${JSON.stringify({ conversation, turns: list })}\n`;
}

/** A plan, and how it ended when it was carried out. */
export function jsonOf(plan: PreparedUndo, end: UndoEnd | undefined): string {
  const { turn, call, of, changes, conflicts, lost, notes, refusal } = plan;
  const files = changes.map(({ path, before, after }) => ({
    path,
    action: after === null ? "delete" : before === null ? "add" : "modify",
  }));
  const outcome =
    end === undefined
      ? { ok: refusal === undefined, dry_run: true, ...(refusal === undefined ? {} : { message: refusal }) }
      : end.ok
        ? { ok: true, left: end.left }
        : { ok: false, message: end.message };
  return `${JSON.stringify({ ...outcome, turn, call, redo: of !== undefined, files, conflicts, lost, notes })}\n`;
}

function filesOf({ calls }: TurnHistory): string[] {
  return netChanges(calls).map(({ path }) => path);
}

function shown(path: string, cwd: string): string {
  const name = relative(cwd, path);
  return sanitise(name === "" || name.startsWith("..") ? path : name).replaceAll("\n", "\\n");
}
