import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { allFiles, locateSession, type SessionFile } from "./locate.js";
import { parseRolloutName } from "./paths.js";
import { readHead } from "./session-head.js";
import { readNames } from "./session-names.js";

/** A session as lists show it. Times are Unix ms. */
export interface SessionSummary {
  readonly id: string;
  readonly path: string;
  readonly name: string | undefined;
  /** The first text its user typed, on one line; "" when there is none. */
  readonly preview: string;
  readonly cwd: string | undefined;
  readonly createdAt: number;
  readonly usedAt: number;
  /** Of its own file. */
  readonly bytes: number;
  readonly archived: boolean;
  readonly modelProvider: string | undefined;
  /** The program that recorded it, and its version. */
  readonly originator: string | undefined;
  readonly version: string | undefined;
  readonly branch: string | undefined;
  /** The session it was forked from. */
  readonly forkedFrom: string | undefined;
}

export interface ListOptions {
  readonly home: string;
  /** Default 50. */
  readonly pageSize?: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
  readonly archived?: boolean;
  /** Only sessions of this folder. */
  readonly cwd?: string | undefined;
}

export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  readonly nextCursor: string | undefined;
}

interface Stated extends SessionFile {
  readonly usedAt: number;
  readonly bytes: number;
}

/** Sessions, the last used first. Reads names, times and the heads of those it lists, no whole file. */
export function listSessions({ home, pageSize = 50, cursor, archived = false, cwd }: ListOptions): SessionPage {
  const files = byUse(home, archived);
  const names = readNames(home);
  const from = cursor === undefined ? 0 : files.findIndex((file) => isBehind(file, cursor));
  const sessions: SessionSummary[] = [];
  for (let at = from === -1 ? files.length : from; at < files.length; at += 1) {
    const file = files[at]!;
    if (sessions.length === pageSize) return { sessions, nextCursor: cursorOf(files[at - 1]!) };
    const summary = summarise(file, { home, names });
    if (summary !== undefined && (cwd === undefined || summary.cwd === cwd)) sessions.push(summary);
  }
  return { sessions, nextCursor: undefined };
}

/** What a person's word for a session comes to. */
export type FoundSession =
  | { readonly ok: true; readonly session: SessionSummary }
  | { readonly ok: false; readonly reason: "not_found" | "ambiguous"; readonly message: string };

/** A session by its id, the beginning of one, its name, or the path of its file; archived ones too. */
export function findSession(home: string, wanted: string): FoundSession {
  if (isAbsolute(wanted) || wanted.endsWith(".jsonl")) return findByPath(home, resolve(wanted));
  const word = wanted.toLowerCase();
  const files = [...byUse(home, false), ...byUse(home, true)];
  const names = readNames(home);
  const exact = files.filter((file) => file.id === word);
  const named = files.filter((file) => names.get(file.id) === wanted);
  const begun = word.length < 4 ? [] : files.filter((file) => file.id.startsWith(word));
  const fitting = [exact, named, begun].find((list) => list.length > 0) ?? [];
  const [first, second] = fitting;
  if (first === undefined) {
    const short = word.length < 4 ? " (an id needs four characters at least)" : "";
    return {
      ok: false,
      reason: "not_found",
      message: `there is no session ${wanted}${short}: belay sessions list shows those there are`,
    };
  }
  if (second !== undefined) {
    const ids = fitting.slice(0, 5).map((file) => file.id);
    return {
      ok: false,
      reason: "ambiguous",
      message: `${wanted} could be ${fitting.length} sessions: ${ids.join(", ")}${fitting.length > 5 ? ", ..." : ""}`,
    };
  }
  const session = summarise(first, { home, names });
  return session === undefined ? unreadable(first.path) : { ok: true, session };
}

/** The session used last, in this folder where one is given. */
export function lastSession(home: string, cwd: string | undefined): FoundSession {
  const session = listSessions({ home, pageSize: 1, cwd }).sessions[0];
  if (session !== undefined) return { ok: true, session };
  const where = cwd === undefined ? "" : ` in ${cwd} (--all looks everywhere)`;
  return { ok: false, reason: "not_found", message: `there is no session${where} yet` };
}

function findByPath(home: string, path: string): FoundSession {
  const name = parseRolloutName(path.slice(path.lastIndexOf("/") + 1));
  const file = stated({ id: name?.id ?? "", time: name?.time ?? "", path, archived: false });
  if (file === undefined) return { ok: false, reason: "not_found", message: `${path} does not exist` };
  const session = summarise(file, { home, names: readNames(home) });
  return session === undefined ? unreadable(path) : { ok: true, session };
}

function unreadable(path: string): FoundSession {
  return { ok: false, reason: "not_found", message: `${path} can't be read` };
}

function byUse(home: string, archived: boolean): Stated[] {
  const files = [...allFiles(home, { archived })].flatMap((file) => stated(file) ?? []);
  return files.sort((a, b) => b.usedAt - a.usedAt || (a.id < b.id ? 1 : -1));
}

/** Undefined for a file that went away meanwhile, and for one that a full disk, or a kill at its start, has left empty. */
function stated(file: SessionFile): Stated | undefined {
  const stat = statSync(file.path, { throwIfNoEntry: false });
  return stat?.isFile() && stat.size > 0 ? { ...file, usedAt: stat.mtimeMs, bytes: stat.size } : undefined;
}

interface Summarising {
  readonly home: string;
  readonly names: ReadonlyMap<string, string>;
}

function summarise(file: Stated, { home, names }: Summarising): SessionSummary | undefined {
  try {
    const { meta, cwd, preview } = readHead(file.path);
    const shown = preview ?? previewOfBase(home, meta?.history_base?.thread_id) ?? "";
    const id = file.id === "" ? (meta?.id ?? "") : file.id;
    const created = Date.parse(meta?.timestamp ?? "");
    return {
      id,
      path: file.path,
      name: names.get(id),
      preview: shown,
      cwd,
      createdAt: Number.isNaN(created) ? file.usedAt : created,
      usedAt: file.usedAt,
      bytes: file.bytes,
      archived: file.archived,
      modelProvider: meta?.model_provider ?? undefined,
      originator: meta?.originator ?? undefined,
      version: meta?.cli_version ?? undefined,
      branch: meta?.git?.branch ?? undefined,
      forkedFrom: meta?.forked_from_id ?? undefined,
    };
  } catch {
    // Gone meanwhile, or not ours to read: a list goes on without it.
    return undefined;
  }
}

/** A fork that nothing was said in yet shows what it was forked from. */
function previewOfBase(home: string, id: string | undefined): string | undefined {
  const path = id === undefined ? undefined : locateSession(home, id);
  return path === undefined ? undefined : readHead(path).preview;
}

function cursorOf(file: Stated): string {
  return `${file.usedAt}_${file.id}`;
}

/** A session used since then has moved to the front: it is not shown twice. */
function isBehind(file: Stated, cursor: string): boolean {
  const [time = "", id = ""] = cursor.split("_");
  const usedAt = Number(time);
  return file.usedAt < usedAt || (file.usedAt === usedAt && file.id < id);
}
