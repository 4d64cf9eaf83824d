import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { makeFolder } from "../base/index.js";
import { isTable } from "./layers.js";
import { digestOf, type ProjectFile } from "./project-files.js";
import { readRegularFile } from "./regular-file.js";

/** What the user trusted of one folder, and when. */
export interface TrustRecord {
  /** ISO 8601, UTC. */
  readonly trustedAt: string;
  /** Of `files`; what counts. */
  readonly sha256: string;
  /** Texts by name, as in `PROJECT_FILES`: kept to show what has changed since. */
  readonly files: Readonly<Record<string, string>>;
}

/** Folders by their real path. */
export type TrustRecords = ReadonlyMap<string, TrustRecord>;

/** `message` says why nothing is known: then nothing is trusted. */
export type TrustRead =
  | { readonly ok: true; readonly records: TrustRecords }
  | { readonly ok: false; readonly message: string };

const VERSION = 1;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_FOLDERS = 1000;

export function trustPath(home: string): string {
  return join(home, "trust.json");
}

/** What was trusted; nothing where there is no such file yet. */
export function readTrust(home: string): TrustRead {
  const path = trustPath(home);
  const file = readRegularFile(path, MAX_BYTES);
  if (file.type === "missing") return { ok: true, records: new Map() };
  const wrong = (why: string): TrustRead => ({ ok: false, message: `${path}: ${why}` });
  if (file.type === "refused") return wrong(file.why);
  if (file.more) return wrong(`is larger than ${MAX_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(file.bytes.toString("utf8"));
  } catch {
    // JSON.parse has no other way to say so.
    return wrong("is not JSON; move it away, and trust your folders again");
  }
  const records = decode(value);
  return records === undefined
    ? wrong("is not in the form that this version writes; move it away, and trust your folders again")
    : { ok: true, records };
}

/** The record of trust in these files, as they were read. */
export function recordOf(files: readonly ProjectFile[], now: number): TrustRecord {
  return {
    trustedAt: new Date(now).toISOString(),
    sha256: digestOf(files),
    files: Object.fromEntries(files.map(({ name, text }) => [name, text])),
  };
}

/**
 * Lays changes over what is stored (undefined forgets a folder): at once or not at all, for the user's eyes alone. `unique`
 * names the file beside it. Returns what went wrong, for people.
 */
export function changeTrust(
  home: string,
  changes: ReadonlyMap<string, TrustRecord | undefined>,
  unique: string,
): string | undefined {
  const stored = readTrust(home);
  if (!stored.ok) return stored.message;
  const records = new Map(stored.records);
  for (const [key, record] of changes) {
    if (record === undefined) records.delete(key);
    else records.set(key, record);
  }
  const path = trustPath(home);
  if (records.size > MAX_FOLDERS)
    return `${path}: holds ${MAX_FOLDERS} folders; belay trust --remove DIR takes one out`;
  const text = `${JSON.stringify({ version: VERSION, folders: Object.fromEntries(records) }, undefined, 1)}\n`;
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return `${path}: would pass ${MAX_BYTES} bytes; belay trust --remove DIR takes a folder out`;
  }
  return replaceFile(path, { home, text, unique });
}

function replaceFile(
  path: string,
  { home, text, unique }: { readonly home: string; readonly text: string; readonly unique: string },
): string | undefined {
  const staged = `${path}.${unique}.tmp`;
  let fd: number | undefined;
  try {
    makeFolder(home);
    fd = openSync(staged, "wx", 0o600);
    writeFileSync(fd, text);
    fsyncSync(fd);
    renameSync(staged, path);
    return undefined;
  } catch (error) {
    // The disk's state is an outcome: what was stored before still stands.
    if (fd !== undefined) rmSync(staged, { force: true });
    return `${path}: can't be written: ${(error as Error).message}`;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function decode(value: unknown): TrustRecords | undefined {
  if (!isTable(value) || value.version !== VERSION || !isTable(value.folders)) return undefined;
  const records = new Map<string, TrustRecord>();
  for (const [key, record] of Object.entries(value.folders)) {
    if (!isAbsolute(key) || !isRecord(record)) return undefined;
    records.set(key, record);
  }
  return records;
}

function isRecord(value: unknown): value is TrustRecord {
  if (!isTable(value) || typeof value.sha256 !== "string" || typeof value.trustedAt !== "string") return false;
  if (!isTable(value.files)) return false;
  return Object.values(value.files).every((text) => typeof text === "string");
}
