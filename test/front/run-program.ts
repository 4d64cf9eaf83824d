import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Step } from "./fake-engine.js";

const PROGRAM = fileURLToPath(new URL("program.js", import.meta.url));

/** A folder that counts as a git repository, with an empty home beside it. */
export interface Place {
  readonly dir: string;
  readonly home: string;
  remove(): void;
}

export function makePlace(): Place {
  const root = mkdtempSync(join(tmpdir(), "belay-front-"));
  const dir = join(root, "work");
  const home = join(root, "home");
  mkdirSync(join(dir, ".git"), { recursive: true });
  mkdirSync(home);
  return { dir, home, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Resolves once stderr or stdout contains the text. */
  seen(text: string): Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the program on a script; its stdin is a pipe that stays open until the test ends it. */
export function startProgram(
  words: readonly string[],
  options: {
    readonly place: Place;
    readonly script?: readonly Step[];
    readonly env?: Record<string, string>;
    readonly cwd?: string;
  },
): Started {
  const { place, script = [] } = options;
  const env = {
    PATH: process.env.PATH,
    HOME: place.home,
    BELAY_HOME: place.home,
    OPENAI_API_KEY: "sk-test",
    FAKE_SCRIPT: JSON.stringify(script),
    ...options.env,
  };
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    cwd: options.cwd ?? place.dir,
    env,
    timeout: 40_000,
    killSignal: "SIGKILL",
  });
  const texts = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      for (const look of watchers) look();
    });
  }
  // The program may leave before it has read everything.
  child.stdin.on("error", () => {});
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, ...texts })));
  const seen = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (texts.stdout.includes(text) || texts.stderr.includes(text)) resolve();
      };
      watchers.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without "${text}": ${texts.stderr}`)));
    });
  return { child, ended, seen };
}

/** Runs the program to its end with `input` on stdin. */
export function runProgram(
  words: readonly string[],
  options: Parameters<typeof startProgram>[1] & { readonly input?: string | Uint8Array },
): Promise<Ended> {
  const { child, ended } = startProgram(words, options);
  child.stdin.end(options.input ?? "");
  return ended;
}
