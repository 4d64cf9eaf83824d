import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Exit } from "../../src/process/index.js";
import type { SandboxPolicy } from "../../src/protocol/index.js";

export interface Job {
  readonly id: string;
  readonly policy: SandboxPolicy;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** An argument of a process that is stopped once it is seen. */
  readonly mark?: string;
  readonly end?: "abort" | "limit" | "hang";
}

export type Result = { readonly id: string } & (
  | { readonly refused: string }
  | (Pick<Exit, "end" | "code" | "signal" | "error" | "leftovers" | "contained"> & {
      readonly refused?: undefined;
      readonly output: string;
      readonly seen: number;
      readonly appeared: readonly string[];
      readonly proc: string | undefined;
    })
);

export interface User {
  readonly name: string;
  readonly id: number | undefined;
}

const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

const root: User = { name: "root", id: undefined };
/** Not where Node itself lies in a folder that is closed to others, such as root's own. */
const nobodyHasNode = () =>
  spawnSync(process.execPath, ["--version"], { uid: NOBODY, gid: NOBODY, cwd: "/" }).status === 0;

/** Who commands are run as: root and somebody without rights, or whoever runs the tests. */
export const USERS: readonly User[] = !isRoot
  ? [{ name: "an unprivileged user", id: undefined }]
  : nobodyHasNode()
    ? [root, { name: "an unprivileged user", id: NOBODY }]
    : [root];

/** Why tests of the sandbox can't run here; false when they can. */
export const noBubblewrap: string | false =
  spawnSync("bwrap", ["--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "true"]).status === 0
    ? false
    : "needs bubblewrap (bwrap), which is missing or can't make namespaces here";

export const READ_ONLY: SandboxPolicy = { mode: "read-only" };
export const FULL: SandboxPolicy = { mode: "danger-full-access" };
export const WORKSPACE = {
  mode: "workspace-write",
  writable_roots: [],
  network_access: false,
  exclude_slash_tmp: true,
  exclude_tmpdir_env_var: true,
} satisfies SandboxPolicy;

/**
 * A piece of the disk for one user: `ws` (a repository with a commit and settings), `outside`, `home`, and the program
 * that runs jobs. Not in /tmp, which may be writable in the sandbox.
 */
export interface World {
  readonly base: string;
  readonly ws: string;
  readonly outside: string;
  readonly home: string;
  readonly user: User;
}

export function makeWorld(user: User): World {
  const base = mkdtempSync("/var/tmp/belay-sandbox-");
  chmodSync(base, 0o755);
  const [ws, outside, home] = ["ws", "outside", "home"].map((name) => join(base, name)) as [string, string, string];
  for (const folder of [ws, outside, home, join(ws, ".vscode"), join(ws, ".codex"), join(ws, ".agents")])
    mkdirSync(folder);
  writeFileSync(join(outside, "secret.txt"), "secret\n");
  writeFileSync(join(home, "auth.json"), '{"key":"in-auth-json"}\n', { mode: 0o600 });
  writeFileSync(join(home, ".npmrc"), "registry=here\n");
  writeFileSync(join(ws, ".vscode", "tasks.json"), "{}\n");
  const build = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  for (const part of ["src/base", "src/process", "src/sandbox", "test/sandbox"])
    cpSync(join(build, part), join(base, "program", part), { recursive: true });
  writeFileSync(join(base, "program", "package.json"), '{"type":"module"}');
  // The one package that these rooms use: the checkout's own may lie where an ordinary user can't read.
  cpSync(resolve("node_modules/valibot"), join(base, "program/node_modules/valibot"), { recursive: true });
  const setUp = `git init -q . && git config user.name n && git config user.email e && echo a > a && git add a && git commit -qm a && ln -s ../outside link`;
  const made = spawnSync("sh", ["-c", setUp], {
    cwd: ws,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: home },
  });
  if (made.status !== 0) throw new Error(made.stderr);
  if (user.id !== undefined) spawnSync("chown", ["-R", `${user.id}:${user.id}`, ws, outside, home]);
  return { base, ws, outside, home, user };
}

export function removeWorld(world: World): void {
  rmSync(world.base, { recursive: true, force: true });
}

export interface JobOptions {
  /** A socket of the machine's that somebody listens on meanwhile. */
  readonly listen?: string;
  readonly atOnce?: number;
  /** Behind the walls that can be made without bubblewrap. */
  readonly partial?: boolean;
  /** Full access in no PID namespace. */
  readonly uncaged?: boolean;
  /** What goes before the program that runs jobs. */
  readonly inside?: readonly string[];
}

let orders = 0;

/** Starts the program that runs jobs. */
export function startJobs(world: World, jobs: readonly Job[], options: JobOptions = {}): ChildProcess {
  const { inside = [], ...rest } = options;
  orders += 1;
  const file = join(world.base, `order-${orders}.json`);
  writeFileSync(file, JSON.stringify({ place: { cwd: world.ws, home: world.home }, atOnce: 3, ...rest, jobs }));
  const program = join(world.base, "program/test/sandbox/runner.js");
  const ids = world.user.id === undefined ? {} : { uid: world.user.id, gid: world.user.id };
  const argv = [...inside, process.execPath, program, file];
  return spawn(argv[0]!, argv.slice(1), {
    cwd: "/",
    env: { PATH: process.env.PATH, HOME: world.home, BELAY_TEST_SECRET: "in-the-environment" },
    stdio: ["ignore", "pipe", "inherit"],
    ...ids,
  });
}

/** Runs jobs to their end; the results by the jobs' ids. */
export async function runJobs(
  world: World,
  jobs: readonly Job[],
  options: JobOptions = {},
): Promise<Map<string, Result>> {
  const child = startJobs(world, jobs, options);
  const lines = (await text(child.stdout!)).split("\n").filter((line) => line.startsWith("{"));
  const results = lines.map((line) => JSON.parse(line) as Result);
  return new Map(results.map((result) => [result.id, result]));
}

export function sh(script: string): string[] {
  return ["sh", "-c", script];
}
