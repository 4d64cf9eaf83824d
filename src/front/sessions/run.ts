import { findHome, loadConfig } from "../../config/index.js";
import {
  archiveSession,
  collectGarbage,
  deleteSession,
  findSession,
  listSessions,
  lockedIds,
  type Moved,
  renameSession,
  type SessionSummary,
  sessionIds,
  unarchiveSession,
} from "../../rollout/index.js";
import { type FrontDeps, sanitise } from "../host/index.js";
import { exportSession } from "./export.js";
import { searchSessions } from "./search.js";
import { showSession } from "./show.js";
import { ago, shortIds, size, table } from "./table.js";

/** What the command line of `belay sessions` asks for. */
export type SessionsArgs =
  | {
      readonly action: "list";
      readonly limit: number;
      readonly here?: boolean;
      readonly archived?: boolean;
      readonly cursor?: string;
      readonly json?: boolean;
    }
  | { readonly action: "show"; readonly session: string; readonly limit: number; readonly json?: boolean }
  | { readonly action: "search"; readonly text: string; readonly limit: number; readonly json?: boolean }
  | { readonly action: "export"; readonly session: string; readonly output?: string; readonly redact?: boolean }
  | { readonly action: "rename"; readonly session: string; readonly name: string }
  | { readonly action: "archive" | "unarchive"; readonly session: string }
  | { readonly action: "delete"; readonly session: string; readonly yes?: boolean }
  | { readonly action: "gc"; readonly dryRun?: boolean; readonly json?: boolean };

/** What the commands work with. */
export interface SessionsContext {
  readonly home: string;
  readonly deps: FrontDeps;
  /** Ends with a stop signal. */
  readonly signal: AbortSignal;
}

const FAILED = 1;
const USAGE = 2;

/** Does what was asked; resolves with the exit code: 0 done, 1 it can't be done, 2 wrong usage or no such session. */
export async function runSessions(args: SessionsArgs, deps: FrontDeps): Promise<number> {
  const home = findHome(deps.env, deps.cwd);
  if (home === undefined) return complain(deps, "no home folder: set BELAY_HOME or HOME", USAGE);
  const stop = new AbortController();
  deps.signals.onStop(() => stop.abort(new Error("stopped")));
  const context: SessionsContext = { home, deps, signal: stop.signal };
  try {
    return await act(args, context);
  } catch (error) {
    // A file that went away or can't be read, or a stop: what the system says is what there is to know.
    return complain(deps, (error as Error).message, FAILED);
  }
}

async function act(args: SessionsArgs, context: SessionsContext): Promise<number> {
  const { home, deps } = context;
  switch (args.action) {
    case "list":
      return list(args, context);
    case "search":
      await searchSessions(args, context);
      return 0;
    case "gc":
      return gc(args, context);
    case "show":
    case "export": {
      const found = findSession(home, args.session);
      if (!found.ok) return complain(deps, found.message, USAGE);
      if (args.action === "show") await showSession(found.session, args, context);
      else await exportSession(found.session, args, context);
      return 0;
    }
    case "delete":
      if (args.yes !== true) return askForYes(args.session, context);
      return removed(args.session, context);
    case "rename":
      return moved(
        renameSession({ home, wanted: args.session, name: args.name, now: deps.clock.now() }),
        "renamed",
        deps,
      );
    case "archive":
      return moved(archiveSession({ home, wanted: args.session, now: deps.clock.now() }), "archived", deps);
    case "unarchive":
      return moved(unarchiveSession({ home, wanted: args.session, now: deps.clock.now() }), "unarchived", deps);
    default:
      return args satisfies never;
  }
}

function list(args: Extract<SessionsArgs, { action: "list" }>, { home, deps }: SessionsContext): number {
  const { limit, cursor, archived = false } = args;
  const page = listSessions({
    home,
    pageSize: limit,
    cursor,
    archived,
    cwd: args.here === true ? deps.cwd : undefined,
  });
  if (args.json === true) {
    const sessions = page.sessions.map(jsonOf);
    void deps.stdout.write(`${JSON.stringify({ sessions, next_cursor: page.nextCursor ?? null })}\n`);
    return 0;
  }
  if (page.sessions.length === 0) {
    void deps.stderr.write("belay: there are no sessions here\n");
    return 0;
  }
  const now = deps.clock.now();
  const short = shortIds(sessionIds(home));
  const rows = page.sessions.map((session) => [
    short.get(session.id) ?? session.id,
    ago(session.usedAt, now),
    session.cwd?.split("/").at(-1) ?? "",
    session.name ?? session.preview,
  ]);
  const columns = [
    { title: "ID", most: 36 },
    { title: "USED", most: 12 },
    { title: "FOLDER", most: 16 },
    { title: "ABOUT", most: 80 },
  ];
  void deps.stdout.write(table(columns, rows));
  if (page.nextCursor !== undefined) {
    void deps.stderr.write(`belay: there are more: -n ${limit * 2}, or --cursor ${page.nextCursor}\n`);
  }
  return 0;
}

async function gc(args: Extract<SessionsArgs, { action: "gc" }>, { home, deps }: SessionsContext): Promise<number> {
  const loaded = await loadConfig({ env: deps.env, cwd: deps.cwd, profile: undefined, overrides: [], flags: {} });
  if (!loaded.ok) return complain(deps, loaded.message, USAGE);
  const dryRun = args.dryRun === true;
  const report = collectGarbage({
    home,
    limits: loaded.config.sessionLimits,
    now: deps.clock.now(),
    dryRun,
    unusedBlobs: "always",
  });
  if (!dryRun)
    await forgetCheckpoints(
      report.deleted.map(({ id }) => id),
      { home, deps },
    );
  if (args.json === true) {
    const { deleted, blobs, bytesBefore, bytesAfter } = report;
    const line = { deleted, blobs, bytes_before: bytesBefore, bytes_after: bytesAfter, dry_run: dryRun };
    void deps.stdout.write(`${JSON.stringify(line)}\n`);
    return 0;
  }
  const done = dryRun ? "would delete" : "deleted";
  const lines = [
    ...report.deleted.map(
      ({ id, bytes, why }) => `${done} ${id} (${size(bytes)}, ${why === "old" ? "unused for long" : "over the quota"})`,
    ),
    `${done} ${report.deleted.length} sessions and ${report.blobs.count} large texts that nothing refers to`,
    `${size(report.bytesBefore)} before, ${size(report.bytesAfter)} after`,
  ];
  void deps.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

async function removed(wanted: string, { home, deps }: SessionsContext): Promise<number> {
  const change = deleteSession({ home, wanted, now: deps.clock.now() });
  if (change.ok) await forgetCheckpoints([change.session.id], { home, deps });
  return moved(change, "deleted", deps);
}

/** What these sessions' turns changed can't be undone any more. */
async function forgetCheckpoints(
  ids: readonly string[],
  { home, deps }: Pick<SessionsContext, "home" | "deps">,
): Promise<void> {
  if (ids.length === 0) return;
  const { removeCheckpoints } = await import("../../checkpoint/index.js");
  const now = deps.clock.now();
  removeCheckpoints(home, ids, { now, atRest: lockedIds(home, now).size === 0 });
}

function askForYes(wanted: string, { home, deps }: SessionsContext): number {
  const found = findSession(home, wanted);
  if (!found.ok) return complain(deps, found.message, USAGE);
  const { id, preview, name, bytes } = found.session;
  return complain(
    deps,
    `this removes session ${id} for good (${name ?? preview}, ${size(bytes)}): say --yes to do it`,
    USAGE,
  );
}

function moved(change: Moved, what: string, deps: FrontDeps): number {
  if (!change.ok) return complain(deps, change.message, FAILED);
  void deps.stdout.write(`${change.session.id} ${what}\n`);
  return 0;
}

function complain({ stderr }: FrontDeps, message: string, code: number): number {
  void stderr.write(`${sanitise(message).replace(/^/gm, "belay: ")}\n`);
  return code;
}

/** A session for programs; times are ISO 8601. */
export function jsonOf(session: SessionSummary) {
  return {
    id: session.id,
    name: session.name ?? null,
    preview: session.preview,
    cwd: session.cwd ?? null,
    created_at: new Date(session.createdAt).toISOString(),
    used_at: new Date(session.usedAt).toISOString(),
    bytes: session.bytes,
    archived: session.archived,
    model_provider: session.modelProvider ?? null,
    originator: session.originator ?? null,
    version: session.version ?? null,
    branch: session.branch ?? null,
    forked_from: session.forkedFrom ?? null,
    path: session.path,
  };
}
