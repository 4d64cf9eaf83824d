import { createHash } from "node:crypto";
import { relative } from "node:path";
import { joined, type PlannedFile, unifiedDiff } from "../patch/index.js";

/** Files larger than this are named in the diff, but not shown. */
const SHOWN_LIMIT = 4 * 1024 * 1024;

const NO_BLOB = "0".repeat(40);

/** One content of a file: git's id of it, and the bytes where they can be shown. */
interface Version {
  readonly id: string;
  readonly bytes: Buffer | undefined;
}

/** A file since the turn began; undefined where it did not, or does not, exist. */
interface Tracked {
  readonly before: Version | undefined;
  readonly after: Version | undefined;
}

/** What the patches of one turn changed, against the turn's start: kept from the patches themselves, no git needed. */
export class TurnDiff {
  readonly #files = new Map<string, Tracked>();
  #last = "";

  /** Absolute paths of all files touched, in the order they were. */
  paths(): string[] {
    return [...this.#files.keys()];
  }

  /** Takes in what an applied patch did. */
  add(files: readonly PlannedFile[]): void {
    for (const { path, existed, before, pieces, moveTo } of files) {
      const content = pieces === undefined ? undefined : versionOf(joined(pieces));
      this.#put(path, existed ? versionOf(before) : undefined, moveTo === undefined ? content : undefined);
      if (moveTo !== undefined) this.#put(moveTo, undefined, content);
    }
  }

  /**
   * The diff as git writes it; paths are relative to `root` (a git root), absolute without one. Undefined when it is what
   * it was at the last call.
   */
  async render(root: string | undefined): Promise<string | undefined> {
    const parts: string[] = [];
    for (const [path, tracked] of [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const name = root === undefined ? path : relative(root, path);
      parts.push(await fileDiff(name, tracked));
    }
    const diff = parts.join("");
    if (diff === this.#last) return undefined;
    this.#last = diff;
    return diff;
  }

  #put(path: string, before: Version | undefined, after: Version | undefined): void {
    const known = this.#files.get(path);
    this.#files.set(path, { before: known === undefined ? before : known.before, after });
  }
}

async function fileDiff(name: string, { before, after }: Tracked): Promise<string> {
  if (before?.id === after?.id) return "";
  const head = [
    `diff --git a/${name} b/${name}`,
    ...(before === undefined ? ["new file mode 100644"] : []),
    ...(after === undefined ? ["deleted file mode 100644"] : []),
    `index ${before?.id ?? NO_BLOB}..${after?.id ?? NO_BLOB}`,
  ];
  const from = before === undefined ? "/dev/null" : `a/${name}`;
  const to = after === undefined ? "/dev/null" : `b/${name}`;
  const [old, now] = [before ?? NOTHING, after ?? NOTHING].map((version) => version.bytes);
  if (old === undefined || now === undefined)
    return `${[...head, `Binary files ${from} and ${to} differ`].join("\n")}\n`;
  return `${[...head, `--- ${from}`, `+++ ${to}`].join("\n")}\n${await unifiedDiff(old, now)}`;
}

const NOTHING: Version = { id: NO_BLOB, bytes: Buffer.alloc(0) };

/** Large contents and binary ones are kept by their id alone; so is what the patch could not hold itself. */
function versionOf(bytes: Buffer | undefined): Version {
  if (bytes === undefined) return { id: NO_BLOB, bytes: undefined };
  const id = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  return { id, bytes: bytes.length <= SHOWN_LIMIT && !bytes.includes(0) ? bytes : undefined };
}
