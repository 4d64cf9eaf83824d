import { extname, join } from "node:path";
import { realPath } from "../base/index.js";
import { findGitRoot, foldersDown } from "./git-root.js";
import { staysInside } from "./real-path.js";
import { type FileRead, readRegularFile } from "./regular-file.js";

/** Instruction files in the order a model reads them: the user's own first, then from the git root down to the cwd. */
export interface ProjectDocs {
  readonly parts: readonly { readonly path: string; readonly text: string }[];
  /** The cap was reached: the last part ends with a line that says so, and later files were not read. */
  readonly cut: boolean;
  /** For people: files that were passed over, and why. */
  readonly warnings: readonly string[];
}

export interface DocsInput {
  readonly home: string;
  /** Absolute. */
  readonly cwd: string;
  /** Bytes of UTF-8 over all files, without the line about the cut; 0 leaves out all but the user's own file. */
  readonly maxBytes: number;
  /** Names (no paths) that stand in where a folder has no AGENTS.md. */
  readonly fallbackNames?: readonly string[];
}

export const DEFAULT_DOC_BYTES = 32_768;

/** Of UTF-8; it is dropped, and does not count. */
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

const NAMES = ["AGENTS.override.md", "AGENTS.md"];

interface Reading {
  readonly parts: { path: string; text: string }[];
  readonly warnings: string[];
  readonly maxBytes: number;
  left: number;
  cut: boolean;
}

/**
 * Reads the instruction files. In each folder the first of AGENTS.override.md, AGENTS.md and the fallback names that can be
 * read is taken, also when it is empty. Never waits: what is no regular file is passed over with a warning.
 */
export function readProjectDocs(input: DocsInput): ProjectDocs {
  const { home, cwd, fallbackNames = [] } = input;
  const maxBytes = input.maxBytes === 0 ? DEFAULT_DOC_BYTES : input.maxBytes;
  const reading: Reading = { parts: [], warnings: [], maxBytes, left: maxBytes, cut: false };
  readFolder(reading, { folder: home, names: NAMES, root: undefined });
  if (input.maxBytes > 0) {
    const root = findGitRoot(cwd) ?? cwd;
    for (const folder of foldersDown(root, cwd)) {
      // The home folder may lie in the project (as dotfiles do): its file is already there.
      if (folder !== home) readFolder(reading, { folder, names: [...NAMES, ...fallbackNames], root });
      if (reading.cut) break;
    }
  }
  return { parts: reading.parts, cut: reading.cut, warnings: reading.warnings };
}

interface Folder {
  readonly folder: string;
  readonly names: readonly string[];
  /** The project's folder, which links may not leave; undefined for the user's own files. */
  readonly root: string | undefined;
}

function readFolder(reading: Reading, { folder, names, root }: Folder): void {
  for (const name of names) {
    const path = join(folder, name);
    const file = readDoc(path, { root, limit: reading.left });
    if (file.type === "missing") continue;
    if (file.type === "refused") {
      reading.warnings.push(`${path}: ${file.why}; it was passed over`);
      continue;
    }
    addPart(reading, path, file);
    return;
  }
}

function readDoc(path: string, options: { readonly root: string | undefined; readonly limit: number }): FileRead {
  const file = readRegularFile(path, options.limit + BYTE_ORDER_MARK.length);
  if (file.type !== "read") return file;
  if (options.root !== undefined && leavesProject(path, options.root)) {
    return { type: "refused", why: "links to a file outside of the project that is no Markdown file" };
  }
  return file.bytes.includes(0) ? { type: "refused", why: "holds NUL bytes" } : file;
}

/**
 * A cloned repository must not be able to send a key or /proc/self/environ to a model by a link named AGENTS.md: a link out of
 * the project is followed only to a `.md` file (as people link to notes they share between projects).
 */
function leavesProject(path: string, root: string): boolean {
  if (staysInside(path, root)) return false;
  const real = realPath(path);
  // It could be read, but not be placed: taken for the worse.
  return real === undefined || extname(real).toLowerCase() !== ".md";
}

function addPart(reading: Reading, path: string, file: FileRead & { type: "read" }): void {
  const hasMark = BYTE_ORDER_MARK.equals(file.bytes.subarray(0, BYTE_ORDER_MARK.length));
  const content = hasMark ? file.bytes.subarray(BYTE_ORDER_MARK.length) : file.bytes;
  // A decoder that expects more holds back a character that the end cuts.
  const whole = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
  let text = file.more ? whole(content) : new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
  let cut = file.more;
  const bytes = Buffer.from(text);
  if (bytes.length > reading.left) {
    // Bytes that are no UTF-8 grow when they are replaced.
    text = whole(bytes.subarray(0, reading.left));
    cut = true;
  }
  if (!cut && text.trim() === "") return;
  reading.left -= Buffer.byteLength(text);
  if (cut) {
    reading.cut = true;
    reading.warnings.push(`${path}: cut, as the instruction files together pass ${reading.maxBytes} bytes`);
    text += `${text === "" || text.endsWith("\n") ? "" : "\n"}[cut here: the instruction files together pass ${reading.maxBytes} bytes]`;
  }
  reading.parts.push({ path, text });
}
