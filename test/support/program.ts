import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import type { WireName } from "./model-frames.js";
import { type ModelServer, startModelServer } from "./model-server.js";
import { Lookout, WAIT_LIMIT_MS } from "./waiting.js";

/** The built program. */
export const PROGRAM = resolve("dist/belay.cjs");

/** The value of the key that `mockConfig` names. */
export const MOCK_KEY = "mock-key-0123456789";

/** The variable by which what was started in a place is told from the rest of the machine. */
const MARK = "BELAY_TEST_PLACE";

const RUN_LIMIT_MS = 40_000;
const QUIET_LIMIT_MS = 3_000;

/** Folders of one test: a home, a project that is a git repository, and a folder for temporary files. */
export interface Place {
  readonly home: string;
  readonly dir: string;
  readonly tmp: string;
  /** What a program that runs here has in its environment: PATH, HOME, BELAY_HOME, SHELL, TMPDIR, MOCK_API_KEY, a mark of ours. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file of the project; returns its path. */
  write(name: string, content: string | Uint8Array): string;
  /** A file of the project as text. */
  read(name: string): string;
  /** Writes config.toml. */
  configure(toml: string): void;
  /** The ids of all living processes that were started in this place, wherever they went. Needs /proc. */
  processes(): number[];
  /** Resolves once at least so many live; rejects after 10 s. */
  populated(count: number): Promise<void>;
  /** Resolves once none of them lives; rejects after 3 s, naming those that do. */
  quiet(): Promise<void>;
  remove(): void;
}

export function makePlace(): Place {
  const root = mkdtempSync(join(tmpdir(), "belay-place-"));
  const [home, dir, tmp] = [join(root, "home"), join(root, "work"), join(root, "tmp")];
  for (const path of [home, dir, tmp]) mkdirSync(path);
  execFileSync("git", ["init", "--quiet", "--template=", "--initial-branch=main", dir], {
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "" },
  });
  appendFileSync(join(dir, ".git", "config"), "[user]\n\tname = Tester\n\temail = tester@example.com\n");
  const env = {
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? "/usr/bin:/bin"}`,
    HOME: home,
    BELAY_HOME: home,
    SHELL: "/bin/sh",
    TMPDIR: tmp,
    MOCK_API_KEY: MOCK_KEY,
    [MARK]: home,
  };
  const processes = () => processesWith(`${MARK}=${home}`);
  return {
    home,
    dir,
    tmp,
    env,
    write: (name, content) => {
      const path = join(dir, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
    read: (name) => readFileSync(join(dir, name), "utf8"),
    configure: (toml) => writeFileSync(join(home, "config.toml"), toml),
    processes,
    populated: (count) => untilLiving(processes, { fits: (pids) => pids.length >= count, withinMs: WAIT_LIMIT_MS }),
    quiet: () => untilLiving(processes, { fits: (pids) => pids.length === 0, withinMs: QUIET_LIMIT_MS }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A config.toml for a model server: provider `mock`, no questions, no sandbox, two retries. `top` comes before the tables. */
export function mockConfig(server: Pick<ModelServer, "url">, options: { wire?: WireName; top?: string } = {}): string {
  return `model = "mock-model"
model_provider = "mock"
approval_policy = "never"
sandbox_mode = "danger-full-access"
${options.top ?? ""}
[model_providers.mock]
name = "Mock"
base_url = "${server.url}"
env_key = "MOCK_API_KEY"
wire_api = "${options.wire ?? "responses"}"
request_max_retries = 2
stream_max_retries = 2
stream_idle_timeout_ms = 10000
`;
}

export interface StartOptions {
  /** Over the place's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the project. */
  readonly cwd?: string;
  /** Who runs it, when not whoever runs the tests. */
  readonly user?: number | undefined;
  /** Default: the built program. */
  readonly program?: string;
  /** Words of a command that takes the working folder and then those of the program, and becomes it (`small-disk.ts`). */
  readonly under?: readonly string[];
  /** What stdin delivers before its end; `open`: a pipe left to the test. Default: nothing. */
  readonly stdin?: string | Uint8Array | "open";
}

/** How a run ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start to the end of its output. */
  readonly ms: number;
}

/** A run of the program; killed after 20 s. */
export interface Program {
  readonly pid: number;
  readonly stdin: Writable;
  readonly ended: Promise<Ended>;
  /** Called for each whole line of stdout from now on. */
  onLine(listener: (line: string) => void): void;
  /** Resolves once stdout or stderr contains the text; rejects when the run ends without it, or after 10 s. */
  seen(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Nobody reads stdout from here on. */
  leaveStdout(): void;
}

export function startProgram(words: readonly string[], place: Place, options: StartOptions = {}): Program {
  const started = performance.now();
  const ids = options.user === undefined ? {} : { uid: options.user, gid: options.user };
  const cwd = options.cwd ?? place.dir;
  const own = [process.execPath, options.program ?? PROGRAM, ...words];
  const [command = "", ...argv] = options.under === undefined ? own : [...options.under, cwd, ...own];
  const child = spawn(command, argv, {
    ...ids,
    cwd,
    env: { ...place.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: RUN_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const texts = { stdout: "", stderr: "" };
  const lookout = new Lookout(() => `${texts.stdout}\n${texts.stderr}`);
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      lookout.look();
    });
  }
  // The program may leave before it has read everything.
  child.stdin.on("error", () => {});
  const given = options.stdin ?? "";
  if (given !== "open") child.stdin.end(given);
  const ended = new Promise<Ended>((settle) => {
    child.on("close", (code, signal) => settle({ code, signal, ...texts, ms: performance.now() - started }));
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    lookout.look();
  });
  return {
    pid: child.pid!,
    stdin: child.stdin,
    ended,
    onLine: (listener) => forEachLine(child, listener),
    seen: async (text) => {
      const isThere = () => texts.stdout.includes(text) || texts.stderr.includes(text);
      const find = () => (isThere() ? "seen" : isOver ? "ended" : undefined);
      const found = await lookout.until({ what: `"${text}"`, find });
      if (found === "ended") throw new Error(`ended without "${text}":\n${texts.stdout}\n${texts.stderr}`);
    },
    signal: (name) => void child.kill(name),
    leaveStdout: () => child.stdout.destroy(),
  };
}

/** A place, a model server and the programs that run there; all gone, and checked, when the test ends. */
export interface Scene {
  readonly place: Place;
  readonly server: ModelServer;
  start(words: readonly string[], options?: StartOptions): Program;
  /** To its end. */
  run(
    words: readonly string[],
    options?: Omit<StartOptions, "stdin"> & { stdin?: string | Uint8Array },
  ): Promise<Ended>;
}

/** Fails the test at its end by what the model server had against the requests, and by processes that were left. */
export async function openScene(t: TestContext, options: { wire?: WireName; top?: string } = {}): Promise<Scene> {
  const server = await startModelServer({ wire: options.wire ?? "responses" });
  const place = makePlace();
  place.configure(mockConfig(server, options));
  const programs = new Set<Program>();
  const start: Scene["start"] = (words, startOptions) => {
    const program = startProgram(words, place, startOptions);
    programs.add(program);
    void program.ended.then(() => programs.delete(program));
    return program;
  };
  t.after(async () => {
    for (const program of programs) program.signal("SIGKILL");
    await Promise.all([...programs].map((program) => program.ended));
    try {
      await server.close();
      await place.quiet();
    } finally {
      place.remove();
    }
  });
  return { place, server, start, run: (words, startOptions) => start(words, startOptions).ended };
}

function forEachLine(child: ChildProcessByStdio<Writable, Readable, Readable>, listener: (line: string) => void): void {
  let rest = "";
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) listener(line);
  });
}

/** Everything a program starts has its environment, whatever group or session it moved to. Zombies have none. */
function processesWith(variable: string): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => environmentText(pid).split("\0").includes(variable));
}

function environmentText(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    // It has ended, or is another user's.
    return "";
  }
}

async function untilLiving(
  living: () => number[],
  options: { readonly fits: (pids: readonly number[]) => boolean; readonly withinMs: number },
): Promise<void> {
  const limit = performance.now() + options.withinMs;
  for (let pids = living(); !options.fits(pids); pids = living()) {
    if (performance.now() > limit) throw new Error(`alive: ${pids.map(describeProcess).join("; ")}`);
    await new Promise((settle) => setTimeout(settle, 10));
  }
}

function describeProcess(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")}`;
  } catch {
    // Gone by now.
    return String(pid);
  }
}
