import { type Effect, effectOf, goneFrom, type JudgedFolder, type ProjectFile } from "../../config/index.js";
import { unifiedDiff } from "../../patch/index.js";
import type { Style } from "../host/index.js";
import { linesOf, reveal } from "./reveal.js";

/** Settings that decide what may happen unasked: they are told apart from the rest. */
const GRANTING = /^(?:approval_policy|sandbox_mode|sandbox_workspace_write|mcp_servers|hooks)(?:\.|$)/;

export interface Reviewed {
  readonly text: string;
  /** Mistakes that make it useless to trust the files: Belay would not start. */
  readonly wrong: readonly string[];
}

/**
 * A folder's files in full, or against what was trusted, and last what they come to. Each line of a file is led by a bar, so
 * that no file can pass for a word of Belay's.
 */
export async function reviewFolder(folder: JudgedFolder, style: Style): Promise<Reviewed> {
  const before = folder.record?.files ?? {};
  const parts: string[] = [style.bold(`${reveal(folder.folder)}: ${titleOf(folder)}`)];
  for (const file of folder.files) parts.push(...(await showFile(file, { old: before[file.name], style })));
  for (const [name, text] of goneFrom(folder)) parts.push(...(await showGone(name, { text, style })));
  const effects = await Promise.all(folder.files.map(async (file) => ({ file, effect: await effectOf(file) })));
  if (folder.files.length > 0) parts.push(...showEffects(effects, style));
  const wrong = effects.flatMap(({ effect }) => (effect?.wrong === undefined ? [] : [effect.wrong]));
  return { text: `${parts.join("\n")}\n`, wrong };
}

function titleOf({ state, record, files }: JudgedFolder): string {
  if (state === "new") return "never trusted";
  if (state === "trusted") return `trusted on ${reveal(record!.trustedAt)}, and unchanged since`;
  const since = record === undefined ? "" : `, trusted on ${reveal(record.trustedAt)}`;
  if (state === "unreadable") return `can't be trusted: not all of it can be read${since}`;
  return files.length === 0 ? `nothing is left of what was${since.slice(1)}` : `changed since it was${since.slice(1)}`;
}

interface Shown {
  /** What was trusted; undefined: there was no such file. */
  readonly old: string | undefined;
  readonly style: Style;
}

async function showFile({ name, text }: ProjectFile, { old, style }: Shown): Promise<string[]> {
  if (old === text) return [`  ${name} (unchanged)`, ...barred(text, style)];
  if (old === undefined) return [`  ${name} (new)`, ...barred(text, style)];
  return [`  ${name} (changed)`, ...(await barredDiff(old, { text, style }))];
}

async function showGone(name: string, { text, style }: { readonly text: string; readonly style: Style }) {
  return [`  ${reveal(name)} (not there any more)`, ...(await barredDiff(text, { text: "", style }))];
}

function barred(text: string, style: Style): string[] {
  const lines = linesOf(text).map((line) => `  ${style.dim("|")} ${reveal(line)}`);
  return lines.length === 0 ? [`  ${style.dim("(empty)")}`] : lines;
}

async function barredDiff(
  old: string,
  { text, style }: { readonly text: string; readonly style: Style },
): Promise<string[]> {
  const diff = await unifiedDiff(Buffer.from(old), Buffer.from(text));
  return linesOf(diff).map((line) => `  ${style.dim("|")}${colourLine(reveal(line), style)}`);
}

function colourLine(line: string, style: Style): string {
  if (line.startsWith("+")) return style.green(line);
  if (line.startsWith("-")) return style.red(line);
  return line.startsWith("@@") ? style.cyan(line) : line;
}

function showEffects(
  effects: readonly { readonly file: ProjectFile; readonly effect: Effect | undefined }[],
  style: Style,
): string[] {
  const lines: string[] = [];
  for (const { file, effect } of effects) {
    if (effect === undefined) {
      lines.push(`  ${style.red("!")} ${file.name}: rules that say which commands run unasked`);
      continue;
    }
    if (effect.wrong !== undefined) lines.push(`  ${style.red(`a mistake: ${reveal(effect.wrong)}`)}`);
    for (const { key, value } of effect.sets) {
      const line = `${reveal(key)} = ${reveal(value)}`;
      lines.push(GRANTING.test(key) ? `  ${style.red("!")} ${line}` : `    ${line}`);
    }
    if (effect.refused.length > 0) {
      lines.push(`    ${file.name}: not for a project to set, and ignored: ${effect.refused.join(", ")}`);
    }
  }
  return [
    "  Trusted, this counts (! decides what may happen unasked):",
    ...(lines.length > 0 ? lines : ["    nothing"]),
  ];
}
