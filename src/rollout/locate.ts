import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ARCHIVED, parseRolloutName, SESSIONS } from "./paths.js";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A session's file, found by its name alone. */
export interface SessionFile {
  readonly id: string;
  readonly path: string;
  /** As in the name; sorts. */
  readonly time: string;
  readonly archived: boolean;
}

/** The file of a session, the last one where a revert has made several; undefined when there is none. */
export function locateSession(home: string, id: string): string | undefined {
  return locateFile(home, id)?.path;
}

export function locateFile(home: string, id: string): SessionFile | undefined {
  for (const folder of likelyFolders(home, id)) {
    const found = filesIn(folder, false).findLast((file) => file.id === id);
    if (found !== undefined) return found;
  }
  for (const file of allFiles(home, { archived: false })) if (file.id === id) return file;
  for (const file of allFiles(home, { archived: true })) if (file.id === id) return file;
  return undefined;
}

/**
 * All session files, newest name first: the folders of a day are read when they come up, no file is opened. Of several files
 * of one session only the last comes.
 */
export function* allFiles(home: string, { archived }: { readonly archived: boolean }): Generator<SessionFile> {
  const seen = new Set<string>();
  for (const folder of archived ? [join(home, ARCHIVED)] : dayFolders(home)) {
    for (const file of filesIn(folder, archived).reverse()) {
      if (seen.has(file.id)) continue;
      seen.add(file.id);
      yield file;
    }
  }
}

/** The ids of all sessions, archived ones too. */
export function sessionIds(home: string): string[] {
  return [false, true].flatMap((archived) => [...allFiles(home, { archived })].map(({ id }) => id));
}

/** Where the id of a session says that it began; names are of the local time in files of Codex. */
function likelyFolders(home: string, id: string): string[] {
  if (id[14] !== "7") return [];
  const made = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return [0, 1, -1].map((days) => {
    const day = new Date(made + days * DAY_MS).toISOString().slice(0, 10);
    return join(home, SESSIONS, ...day.split("-"));
  });
}

function* dayFolders(home: string): Generator<string> {
  const root = join(home, SESSIONS);
  for (const year of numbered(root)) {
    for (const month of numbered(join(root, year))) {
      for (const day of numbered(join(root, year, month))) yield join(root, year, month, day);
    }
  }
}

/** The last first. */
function numbered(folder: string): string[] {
  return namesIn(folder)
    .filter((name) => /^\d{2,4}$/.test(name))
    .sort()
    .reverse();
}

function filesIn(folder: string, archived: boolean): SessionFile[] {
  const names = namesIn(folder).sort();
  return names.flatMap((name) => {
    const parsed = parseRolloutName(name);
    return parsed === undefined ? [] : [{ ...parsed, path: join(folder, name), archived }];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not there, or not to be read: it has no sessions for us.
    return [];
  }
}
