import { dotted, show, type Table } from "./layers.js";
import {
  digestOf,
  type ProjectFile,
  type ProjectFolder,
  type ProjectPlace,
  readProjectFolders,
} from "./project-files.js";
import { type SplitTable, settingsOf, splitProjectTable } from "./project-keys.js";
import { parseToml } from "./toml.js";
import { readTrust, type TrustRecord, type TrustRecords } from "./trust-store.js";

/**
 * `trusted`: what is there now is what the user trusted. `new`: nothing of the folder ever was. `changed`: something else was.
 * `unreadable`: a file can't be read, so nothing can be said.
 */
export type TrustState = "trusted" | "new" | "changed" | "unreadable";

/** A folder that has files to trust, or had. */
export interface JudgedFolder extends ProjectFolder {
  readonly state: TrustState;
  /** What was trusted last. */
  readonly record: TrustRecord | undefined;
}

export interface JudgedProject {
  readonly folders: readonly JudgedFolder[];
  /** Why what was trusted is not known; every folder is `new` then. */
  readonly storeProblem: string | undefined;
}

/** Reads the project's files once and compares them with what the user trusted. */
export function judgeProject(place: ProjectPlace): JudgedProject {
  const folders = readProjectFolders(place);
  const stored = readTrust(place.home);
  const records: TrustRecords = stored.ok ? stored.records : new Map();
  const judged = folders.map((folder) => judgeFolder(folder, records.get(folder.key)));
  return {
    folders: judged.filter((folder) => folder !== undefined),
    storeProblem: stored.ok ? undefined : stored.message,
  };
}

function judgeFolder(folder: ProjectFolder, record: TrustRecord | undefined): JudgedFolder | undefined {
  const { files, unreadable } = folder;
  if (unreadable.length > 0) return { ...folder, state: "unreadable", record };
  if (files.length === 0) return record === undefined ? undefined : { ...folder, state: "changed", record };
  if (record === undefined) return { ...folder, state: "new", record };
  return { ...folder, state: digestOf(files) === record.sha256 ? "trusted" : "changed", record };
}

/** Names and texts of files that were trusted and are not there any more. */
export function goneFrom({ record, files, unreadable }: JudgedFolder): (readonly [string, string])[] {
  const there = new Set([...files, ...unreadable].map(({ name }) => name));
  return Object.entries(record?.files ?? {}).filter(([name]) => !there.has(name));
}

/** What a file of a project comes to where it is trusted. */
export interface Effect {
  /** Its settings that count, each as `key` and a short `value`. */
  readonly sets: readonly { readonly key: string; readonly value: string }[];
  /** Keys that no project may set. */
  readonly refused: readonly string[];
  /** A mistake in it: `PATH:LINE:COLUMN: what`. Trusted all the same, it would keep Belay from starting. */
  readonly wrong: string | undefined;
}

/** What a `config.toml` of a project sets; undefined for its other files, which belong to those who read them. */
export async function effectOf(file: ProjectFile): Promise<Effect | undefined> {
  if (!isSettings(file)) return undefined;
  const parsed = await parseSettings(file);
  if (!parsed.ok) return { sets: [], refused: [], wrong: parsed.message };
  const { allowed, refused } = parsed;
  const sets = settingsOf(allowed).map(({ path, value }) => ({ key: dotted(path), value: showWhole(value) }));
  return { sets, refused, wrong: undefined };
}

export function isSettings({ name }: Pick<ProjectFile, "name">): boolean {
  return name.endsWith("/config.toml");
}

export type ParsedSettings = ({ readonly ok: true } & SplitTable) | { readonly ok: false; readonly message: string };

/** The text that was read, and no other, as settings. */
export async function parseSettings({ path, text }: ProjectFile): Promise<ParsedSettings> {
  const parsed = await parseToml(text);
  if (parsed.ok) return { ok: true, ...splitProjectTable(parsed.table) };
  return { ok: false, message: `${path}:${parsed.line}:${parsed.column}: ${parsed.message}` };
}

/** Arrays of short values and inner tables are shown as they are: what is granted stands in them. */
function showWhole(value: unknown): string {
  if (Array.isArray(value) && value.length <= 20) return `[${value.map(showWhole).join(", ")}]`;
  if (typeof value !== "object" || value === null || value instanceof Date || Array.isArray(value)) return show(value);
  const entries = Object.entries(value as Table).slice(0, 20);
  return `{ ${entries.map(([key, inner]) => `${dotted([key])} = ${showWhole(inner)}`).join(", ")} }`;
}
