import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Budget, Checkpoints, Undoing, type UndoRequest } from "../../src/checkpoint/index.js";

const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const CONVERSATION = "conversation";

/** Settings of no user: git as it comes. */
export const GIT_ENV = {
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  HOME: "/nowhere",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.org",
};

export function git(folder: string, ...args: string[]): string {
  return execFileSync("git", ["-c", "protocol.file.allow=always", ...args], {
    cwd: folder,
    env: GIT_ENV,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** A project folder and a home of the test's own, and one process's view of them. */
export interface Place {
  readonly work: string;
  readonly home: string;
  readonly checkpoints: Checkpoints;
  /** One call of a turn: looked at before, done, looked at after. */
  call(turn: string, act: () => void | Promise<void>, roots?: readonly string[]): Promise<void>;
  /** Ends a turn; the files it changed. */
  end(turn: string): Promise<readonly string[]>;
  undo(request?: Partial<UndoRequest>): Promise<{ readonly ok: boolean; readonly message: string }>;
  readonly undoing: Undoing;
  /** The process ends, and another one begins. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export function openPlace(
  options: { readonly budget?: Budget; readonly env?: Readonly<Record<string, string>> } = {},
): Place {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "belay-undo-")));
  const work = join(base, "work");
  const home = join(base, "home");
  mkdirSync(work);
  const env = options.env ?? GIT_ENV;
  const budget = options.budget === undefined ? {} : { budget: options.budget };
  const open = () => new Checkpoints({ home, conversation: CONVERSATION, clock, env, owner: "test", ...budget });
  let checkpoints = open();
  const { signal } = new AbortController();
  const undoing = new Undoing({ home, clock, env, owner: "test", isAlive: () => false, signal });
  let calls = 0;
  return {
    work,
    home,
    get checkpoints() {
      return checkpoints;
    },
    undoing,
    reopen: async () => {
      await checkpoints.close();
      checkpoints = open();
    },
    call: async (turn, act, roots = [work]) => {
      calls += 1;
      const watched = await checkpoints.before({ turn, call: `call-${calls}`, cwd: work }, { roots }, signal);
      await act();
      if (watched !== undefined) checkpoints.after(watched);
    },
    end: async (turn) => (await checkpoints.settle(turn, 60_000)).files,
    undo: async (request = {}) => {
      const prepared = await undoing.prepare({ conversation: CONVERSATION, ...request });
      if (!prepared.ok) return prepared;
      const end = await undoing.carryOut(CONVERSATION, prepared.undo);
      return end.ok ? { ok: end.left.length === 0, message: JSON.stringify(end.left) } : end;
    },
    close: async () => {
      await checkpoints.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}
