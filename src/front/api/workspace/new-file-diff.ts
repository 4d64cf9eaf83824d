import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, readlink } from "node:fs/promises";
import { join } from "node:path";

/** Where git looks for NUL, to tell what is binary. */
const TEXT_PROBE = 8000;
const ID_LENGTH = 7;

/**
 * The diff by which git shows a file that is new; `name` is relative to `root`. Undefined: no file or link, or not to be read.
 * One of more bytes than `limit` is shown as binary files are.
 */
export async function newFileDiff(root: string, name: string, limit: number): Promise<string | undefined> {
  const file = await readEntry(join(root, name), limit);
  if (file === undefined) return undefined;
  const from = quoted(`a/${name}`);
  const to = quoted(`b/${name}`);
  const { bytes, mode } = file;
  const head = `diff --git ${from} ${to}\nnew file mode ${mode}\n`;
  if (bytes === undefined) return `${head}Binary files /dev/null and ${to} differ\n`;
  const id = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex").slice(0, ID_LENGTH);
  const index = `${head}index ${"0".repeat(ID_LENGTH)}..${id}\n`;
  if (bytes.length === 0) return index;
  if (bytes.subarray(0, TEXT_PROBE).includes(0)) return `${index}Binary files /dev/null and ${to} differ\n`;
  // The tab is git's, for patch(1): it tells where a name with spaces ends.
  const end = /\s/.test(name) ? "\t" : "";
  return `${index}--- /dev/null\n+++ ${to}${end}\n${added(bytes.toString("utf8"))}`;
}

function added(text: string): string {
  const ends = text.endsWith("\n");
  const lines = (ends ? text.slice(0, -1) : text).split("\n");
  const range = lines.length === 1 ? "1" : `1,${lines.length}`;
  const body = lines.map((line) => `+${line}\n`).join("");
  return `@@ -0,0 +${range} @@\n${body}${ends ? "" : "\\ No newline at end of file\n"}`;
}

interface Entry {
  readonly mode: string;
  /** Undefined: more than the limit. */
  readonly bytes: Buffer | undefined;
}

async function readEntry(path: string, limit: number): Promise<Entry | undefined> {
  try {
    const stat = await lstat(path);
    if (stat.isSymbolicLink()) return { mode: "120000", bytes: Buffer.from(await readlink(path)) };
    if (!stat.isFile()) return undefined;
    const mode = (stat.mode & 0o111) === 0 ? "100644" : "100755";
    if (stat.size > limit) return { mode, bytes: undefined };
    // Should a link or a FIFO have taken its place since: neither followed nor waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const now = await file.stat();
      if (!now.isFile()) return undefined;
      return { mode, bytes: now.size > limit ? undefined : await file.readFile() };
    } finally {
      await file.close();
    }
  } catch {
    // Gone since it was listed, or not for us to read: git leaves it out as well.
    return undefined;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\" };

/** As git writes a path that has anything but plain characters: in quotes, other bytes in octal. */
function quoted(path: string): string {
  if (/^[\x20-\x7e]*$/.test(path) && !/["\\]/.test(path)) return path;
  const bytes = [...Buffer.from(path)].map((byte) => {
    const character = String.fromCharCode(byte);
    const escaped = ESCAPES[character];
    if (escaped !== undefined) return escaped;
    return byte >= 0x20 && byte < 0x7f ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${bytes.join("")}"`;
}
