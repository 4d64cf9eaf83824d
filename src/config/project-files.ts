import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { realPath } from "../base/index.js";
import { findGitRoot, foldersDown } from "./git-root.js";
import { findUserHome } from "./home.js";
import { staysInside } from "./real-path.js";
import { readRegularFile } from "./regular-file.js";
import type { Env } from "./types.js";

/**
 * The files by which a project can change what Belay may do, from lowest to highest: below its folder, in this spelling. Nothing
 * else in a project counts as a setting, so a file that is to count belongs here.
 */
export const PROJECT_FILES: readonly string[] = [".codex/config.toml", ".belay/config.toml", ".belay/rules.toml"];

/** A file with more than this is not read. */
const MAX_FILE_BYTES = 256 * 1024;

export interface ProjectFile {
  /** One of `PROJECT_FILES`. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/** What one folder asks for. Its files were read once: what is judged, shown and used is this text. */
export interface ProjectFolder {
  /** Absolute, as the user named it. */
  readonly folder: string;
  /** Its real path, by which trust in it is kept. */
  readonly key: string;
  readonly files: readonly ProjectFile[];
  /** Files that are there and can't be read; `why` completes "PATH: ". */
  readonly unreadable: readonly { readonly name: string; readonly path: string; readonly why: string }[];
}

export interface ProjectPlace {
  readonly env: Env;
  /** Belay's home folder. */
  readonly home: string;
  /** Absolute. */
  readonly cwd: string;
}

/** The folders from the git root (without one, the cwd alone) down to the cwd, in this order. Never waits for a file. */
export function readProjectFolders(place: ProjectPlace): ProjectFolder[] {
  const root = findGitRoot(place.cwd) ?? place.cwd;
  const folders = foldersDown(root, place.cwd).map((folder) => readFolder(folder, { root, place }));
  return folders.filter((folder) => folder !== undefined);
}

/** A SHA-256 in hex of the names and texts of files; "" of none. */
export function digestOf(files: readonly Pick<ProjectFile, "name" | "text">[]): string {
  if (files.length === 0) return "";
  const hash = createHash("sha256");
  // The lengths keep one file's end from passing for another one's start.
  for (const { name, text } of files) hash.update(`${name}\0${Buffer.byteLength(text)}\0`).update(text);
  return hash.digest("hex");
}

interface Surroundings {
  /** The project's folder, which links may not leave. */
  readonly root: string;
  readonly place: ProjectPlace;
}

function readFolder(folder: string, { root, place }: Surroundings): ProjectFolder | undefined {
  const key = realPath(folder);
  if (key === undefined || key === realUserHome(place.env)) return undefined;
  const files: ProjectFile[] = [];
  const unreadable: { name: string; path: string; why: string }[] = [];
  for (const name of PROJECT_FILES) {
    const path = join(folder, name);
    if (isHome(dirname(path), place.home)) continue;
    const read = readText(path, root);
    if (read === undefined) continue;
    if (read.ok) files.push({ name, path, text: read.text });
    else unreadable.push({ name, path, why: read.why });
  }
  return { folder, key, files, unreadable };
}

/** `~/.belay` and `~/.codex` are homes, not a project's, whichever of them is used now. */
function realUserHome(env: Env): string | undefined {
  const user = findUserHome(env);
  return user === undefined ? undefined : realPath(user);
}

function isHome(folder: string, home: string): boolean {
  const real = realPath(folder);
  return real !== undefined && real === realPath(home);
}

type TextRead = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Undefined when there is no such file. */
function readText(path: string, root: string): TextRead | undefined {
  const file = readRegularFile(path, MAX_FILE_BYTES);
  if (file.type === "missing") return undefined;
  if (file.type === "refused") return { ok: false, why: file.why };
  // Only the user sees the text, but what a stranger's link leads to is not for a terminal or a log either.
  if (!staysInside(path, root)) return { ok: false, why: "links to a file outside of the project" };
  if (file.more) return { ok: false, why: `is larger than ${MAX_FILE_BYTES} bytes` };
  if (!isUtf8(file.bytes)) return { ok: false, why: "is not UTF-8 text" };
  return { ok: true, text: file.bytes.toString("utf8") };
}
