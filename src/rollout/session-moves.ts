import { renameSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { makeFolder } from "../base/index.js";
import { allFiles } from "./locate.js";
import { holderOf } from "./lock.js";
import { ARCHIVED, parseRolloutName, SESSIONS } from "./paths.js";
import { readHead } from "./session-head.js";
import { findSession, type SessionSummary } from "./session-list.js";
import { writeName } from "./session-names.js";

/** What a change of a session came to. */
export type Moved =
  | { readonly ok: true; readonly session: SessionSummary }
  | { readonly ok: false; readonly message: string };

interface Wanted {
  readonly home: string;
  /** As in `findSession`. */
  readonly wanted: string;
  /** Unix ms. */
  readonly now: number;
}

/** Puts a session out of the lists, into `archived_sessions/`, as Codex does. It can be resumed there too. */
export function archiveSession(asked: Wanted): Moved {
  return move(asked, (session) => {
    if (session.archived) return "is archived already";
    const folder = join(asked.home, ARCHIVED);
    makeFolder(folder);
    renameSync(session.path, join(folder, basename(session.path)));
    return undefined;
  });
}

export function unarchiveSession(asked: Wanted): Moved {
  return move(asked, (session) => {
    if (!session.archived) return "is not archived";
    const day = parseRolloutName(basename(session.path))?.time.slice(0, 10) ?? "";
    const folder = join(asked.home, SESSIONS, ...day.split("-"));
    makeFolder(folder);
    renameSync(session.path, join(folder, basename(session.path)));
    return undefined;
  });
}

/** Removes a session for good; not one that others were forked from, for their turns are in its file. */
export function deleteSession(asked: Wanted): Moved {
  return move(asked, (session) => {
    const forks = forksOf(asked.home, session.id);
    if (forks.length > 0) {
      return `is what ${forks.join(", ")} ${forks.length === 1 ? "was" : "were"} forked from: delete what was forked first, or archive it`;
    }
    removeFiles(asked.home, session.id);
    return undefined;
  });
}

/** Gives a session a name by which it can be resumed; "" takes it away. */
export function renameSession({ name, ...asked }: Wanted & { readonly name: string }): Moved {
  const found = findSession(asked.home, asked.wanted);
  if (!found.ok) return found;
  writeName(asked.home, { id: found.session.id, name, now: asked.now });
  return { ok: true, session: { ...found.session, name: name === "" ? undefined : name } };
}

/** Removes all files of a session, also those that reverts left. */
export function removeFiles(home: string, id: string): void {
  for (const archived of [false, true]) {
    for (let found = fileOf(home, id, archived); found !== undefined; found = fileOf(home, id, archived))
      unlinkSync(found);
  }
}

/** The sessions whose history begins in this one. */
export function forksOf(home: string, id: string): string[] {
  const files = [...allFiles(home, { archived: false }), ...allFiles(home, { archived: true })];
  return files.flatMap((file) => (baseOf(file.path) === id ? [file.id] : []));
}

/** The session that a file's history begins in. */
export function baseOf(path: string): string | undefined {
  try {
    return readHead(path).meta?.history_base?.thread_id;
  } catch {
    // Gone meanwhile, or not to be read.
    return undefined;
  }
}

function fileOf(home: string, id: string, archived: boolean): string | undefined {
  for (const file of allFiles(home, { archived })) if (file.id === id) return file.path;
  return undefined;
}

function move({ home, wanted, now }: Wanted, change: (session: SessionSummary) => string | undefined): Moved {
  const found = findSession(home, wanted);
  if (!found.ok) return found;
  const { session } = found;
  const holder = holderOf(home, session.id, now);
  if (holder !== undefined) {
    return { ok: false, message: `session ${session.id} is in use by process ${holder.pid}: close it there first` };
  }
  try {
    const wrong = change(session);
    return wrong === undefined ? { ok: true, session } : { ok: false, message: `session ${session.id} ${wrong}` };
  } catch (error) {
    // The disk says no: what it says is what the user needs to know.
    return { ok: false, message: `session ${session.id}: ${(error as Error).message}` };
  }
}
