import { spawn } from "node:child_process";
import { accessSync, constants, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { makeFolder } from "../base/index.js";

/** The environment that git is looked for and run in. */
export type Env = Readonly<Record<string, string | undefined>>;

/** How to run git on one repository: only ever to read, with nothing of the repository's settings that starts programs. */
export interface Git {
  readonly program: string;
  readonly env: Env;
  readonly gitDir: string;
  readonly workTree: string;
  /** In the place of the repository's own. */
  readonly index?: string;
}

/** A repository of which only the words of its `.git` are known: no git was run. */
export interface GitPlace {
  readonly gitDir: string;
  /** Where objects and settings are; another folder in a linked work tree. */
  readonly commonDir: string;
}

/** Longest answer taken from git but for contents, bytes. */
const OUTPUT_LIMIT = 128 * 1024 * 1024;

/** Settings of a repository that would have git start something, or ask somebody, or fetch. */
const HARMLESS = [
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "core.hooksPath=/dev/null",
  "protocol.allow=never",
  "core.quotePath=false",
].flatMap((setting) => ["-c", setting]);

/** The repository whose work tree's root is the folder; undefined when it is none. */
export function gitPlaceOf(folder: string): GitPlace | undefined {
  const path = join(folder, ".git");
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const gitDir = stat.isDirectory() ? path : followGitFile(path);
    if (gitDir === undefined || !statSync(join(gitDir, "HEAD"), { throwIfNoEntry: false })?.isFile()) return undefined;
    return { gitDir, commonDir: commonDirOf(gitDir) };
  } catch {
    // What can't be looked at is no repository to us.
    return undefined;
  }
}

/** Finds git on PATH, in no folder that what is undone could have written. */
export function findGit(env: Env, roots: readonly string[]): string | undefined {
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, "git");
    try {
      accessSync(path, constants.X_OK);
      const real = realpathSync(path);
      if (!roots.some((root) => real.startsWith(`${root}/`) || folder.startsWith(`${root}/`))) return path;
    } catch {
      // Not there: the next folder.
    }
  }
  return undefined;
}

/** Makes a repository of our own without anything in it, so that git can be run by no settings but ours. Throws system errors. */
export function makeNeutralGitDir(folder: string): void {
  for (const name of ["objects", "refs"]) makeFolder(join(folder, name));
  writeFileSync(join(folder, "HEAD"), "ref: refs/heads/none\n", { mode: 0o600 });
  writeFileSync(join(folder, "config"), "[core]\n\trepositoryformatversion = 0\n", { mode: 0o600 });
}

/** Runs git to its end; undefined when it fails. Throws the signal's reason. */
export async function runGit(
  git: Git,
  args: readonly string[],
  { input = "", signal }: { readonly input?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const ended = await talk(git, args, {
    signal,
    input,
    onData: (chunk) => {
      bytes += chunk.length;
      if (bytes <= OUTPUT_LIMIT) parts.push(chunk);
    },
  });
  return ended && bytes <= OUTPUT_LIMIT ? Buffer.concat(parts) : undefined;
}

/** The raw contents of blobs, one after the other; those that are missing are left out. Throws the signal's reason. */
export async function readBlobs(
  git: Git,
  oids: readonly string[],
  { onBlob, signal }: { readonly onBlob: (oid: string, bytes: Buffer) => void; readonly signal?: AbortSignal },
): Promise<void> {
  let waiting: Buffer[] = [];
  let held = 0;
  let wanted = 1;
  const take = (): void => {
    if (held < wanted) return;
    let bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
    for (;;) {
      const lineEnd = bytes.indexOf(10);
      if (lineEnd < 0) break;
      const [oid = "", type, size] = bytes.toString("latin1", 0, lineEnd).split(" ");
      const length = type === "blob" ? Number(size) : undefined;
      const end = lineEnd + 1 + (length === undefined ? 0 : length + 1);
      if (bytes.length < end) {
        wanted = end;
        break;
      }
      if (length !== undefined) onBlob(oid, bytes.subarray(lineEnd + 1, end - 1));
      bytes = bytes.subarray(end);
      wanted = 1;
    }
    waiting = bytes.length > 0 ? [bytes] : [];
    held = bytes.length;
  };
  await talk(git, ["cat-file", "--batch"], {
    signal,
    input: oids.map((oid) => `${oid}\n`).join(""),
    onData: (chunk) => {
      waiting.push(chunk);
      held += chunk.length;
      take();
    },
  });
}

interface Talk {
  readonly input: string;
  readonly signal?: AbortSignal | undefined;
  readonly onData: (chunk: Buffer) => void;
}

/** True when git ended with 0. */
function talk(git: Git, args: readonly string[], { input, signal, onData }: Talk): Promise<boolean> {
  return new Promise((resolvePromise, reject) => {
    signal?.throwIfAborted();
    const child = spawn(git.program, [...HARMLESS, ...args], {
      cwd: git.workTree,
      env: gitEnv(git),
      stdio: ["pipe", "pipe", "ignore"],
    });
    const kill = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", kill, { once: true });
    const settle = (ok: boolean): void => {
      signal?.removeEventListener("abort", kill);
      if (signal?.aborted === true) reject(signal.reason);
      else resolvePromise(ok);
    };
    child.once("error", () => settle(false));
    child.once("close", (code) => settle(code === 0));
    child.stdout.on("data", (chunk: Buffer) => {
      try {
        onData(chunk);
      } catch (error) {
        // What can't be taken in (a full disk) is the caller's to hear of, and there is no use for more.
        reject(error);
        kill();
      }
    });
    // Git that ends before it has read all of its input says so by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

function gitEnv({ env, gitDir, workTree, index }: Git): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith("GIT_"));
  return {
    ...Object.fromEntries(kept),
    GIT_DIR: gitDir,
    GIT_WORK_TREE: workTree,
    ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_LITERAL_PATHSPECS: "1",
    LC_ALL: "C",
  };
}

function followGitFile(path: string): string | undefined {
  const text = readFileSync(path, "utf8");
  const target = /^gitdir: ([^\n]+)/.exec(text)?.[1];
  return target === undefined ? undefined : realpathSync(resolve(dirname(path), target));
}

function commonDirOf(gitDir: string): string {
  try {
    return realpathSync(resolve(gitDir, readFileSync(join(gitDir, "commondir"), "utf8").trimEnd()));
  } catch {
    // An ordinary repository has no such file.
    return gitDir;
  }
}
