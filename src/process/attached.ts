import { type ChildProcess, type IOType, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { listen, REPORT_FD } from "./namespace.js";
import { closePassed, openPassed } from "./passed.js";
import { keepLive, type Signal, send } from "./process-tree.js";
import { explainFailure, findRefusal } from "./refusal.js";
import { descendants, startTime } from "./session-members.js";
import type { Command, Exit } from "./types.js";
import { settlesWithin } from "./wait.js";

const GRACE_MS = 300;
const DRAIN_MS = 200;
/** How long what was killed may take to be gone, ms. */
const KILL_BOUND_MS = 2000;
const POLL_MS = 5;
/** Characters. */
const COMPLAINT_LIMIT = 1000;

export interface AttachedOptions {
  readonly signal: AbortSignal;
  /** As in `RunOptions`. */
  readonly graceMs?: number | undefined;
  /** As in `RunOptions`; there are no pipes to read from. */
  readonly drainMs?: number | undefined;
  readonly onReady?: (() => void) | undefined;
}

/** See `Exit`. */
export type AttachedExit = Pick<Exit, "code" | "signal" | "error" | "leftovers" | "contained"> & {
  readonly end: "exited" | "signalled" | "cancelled" | "not_started";
};

interface Status {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Runs one command with our own standard streams, in our session and group, so that a terminal works for it as it does
 * for us; to the end of what it started: in a namespace all of it. Without one that is what can be found by its parents
 * when it is stopped, and nothing when it ends by itself; `contained` is false. Bounded like `run`.
 */
export async function attach(command: Command, options: AttachedOptions): Promise<AttachedExit> {
  if (options.signal.aborted) return unstarted("cancelled", undefined);
  const refusal = findRefusal(command);
  if (refusal !== undefined) return unstarted("not_started", refusal);
  const started = await start(command);
  if ("error" in started) return unstarted("not_started", started.error);
  return attend(started.child, command, options);
}

async function attend(child: ChildProcess, command: Command, options: AttachedOptions): Promise<AttachedExit> {
  const namespace = command.namespace === true;
  const tree = new AttachedTree(child.pid!, { namespace });
  const release = keepLive(tree);
  let settle: (cause: "ended" | "cancelled") => void = () => undefined;
  const over = new Promise<"ended" | "cancelled">((resolve) => {
    settle = resolve;
  });
  const exited = new Promise<Status>((resolve) => {
    child.once("exit", (code, signal) => {
      tree.leaderEnded();
      settle("ended");
      resolve({ code, signal });
    });
  });
  let ownEnd: Status | undefined;
  const report = namespace
    ? listen(child.stdio[REPORT_FD] as Duplex, {
        onStart: () => options.onReady?.(),
        onEnd: (code) => {
          ownEnd = { code, signal: null };
          settle("ended");
        },
      })
    : undefined;
  const complaint = complaintOf(child);
  const cancel = () => settle("cancelled");
  options.signal.addEventListener("abort", cancel, { once: true });
  if (options.signal.aborted) cancel();
  const cause = await over;
  const drainMs = options.drainMs ?? DRAIN_MS;
  const ended = cause === "ended" && (await settlesWithin(exited, drainMs));
  const dead = ended || (await tree.stop(exited, options.graceMs ?? GRACE_MS));
  release();
  options.signal.removeEventListener("abort", cancel);
  if (report !== undefined) await settlesWithin(report.closed, drainMs);
  report?.close();
  if (!dead) child.unref();
  if (cause === "ended" && report?.started() === false) {
    return unstarted("not_started", complaint() || "the command's namespace could not be made");
  }
  const status = cause === "ended" ? (ownEnd ?? (await exited)) : undefined;
  return {
    end: status === undefined ? "cancelled" : status.signal === null ? "exited" : "signalled",
    code: status?.code ?? undefined,
    signal: status?.signal ?? undefined,
    error: dead ? undefined : `process ${child.pid} was still there after SIGKILL`,
    leftovers: cause === "ended" && !ended,
    contained: namespace && dead,
  };
}

/**
 * What one attached command started: its group is our own, so it is found by its parents and told one by one. Whoever was
 * found once is known by id and start time, also when its parent has ended since.
 */
class AttachedTree {
  readonly #leader: number;
  readonly #namespace: boolean;
  readonly #known = new Map<number, string>();
  readonly #told = new Set<number>();
  #isLeaderGone = false;

  constructor(leader: number, options: { readonly namespace: boolean }) {
    this.#leader = leader;
    this.#namespace = options.namespace;
  }

  leaderEnded(): void {
    this.#isLeaderGone = true;
  }

  /** SIGTERM reaches each once. A namespace's leader stands outside of it: its end is the proof of all the others'. */
  signal(name: Signal): void {
    for (const pid of this.#living()) {
      if (name === "SIGTERM" && this.#told.has(pid)) continue;
      this.#told.add(pid);
      send(pid, name);
    }
  }

  /** SIGTERM, after `graceMs` SIGKILL; false when something known is still there after all that. */
  async stop(exited: Promise<unknown>, graceMs: number): Promise<boolean> {
    if (await this.#repeat("SIGTERM", graceMs)) return true;
    if (await this.#repeat("SIGKILL", KILL_BOUND_MS)) return true;
    if (!this.#isLeaderGone) send(this.#leader, "SIGKILL");
    return (await settlesWithin(exited, KILL_BOUND_MS)) && this.#living().length === 0;
  }

  /** A process born during a look is only seen by the next. */
  async #repeat(name: Signal, withinMs: number): Promise<boolean> {
    for (let elapsed = 0; elapsed < withinMs; elapsed += POLL_MS) {
      this.signal(name);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (this.#isLeaderGone && (this.#namespace || this.#living().length === 0)) return true;
    }
    return false;
  }

  #living(): number[] {
    const found = this.#isLeaderGone ? [] : [...descendants(this.#leader)];
    if (!this.#isLeaderGone && !this.#namespace) found.unshift(this.#leader);
    for (const pid of found) {
      const time = startTime(pid);
      if (time !== undefined && !this.#known.has(pid)) this.#known.set(pid, time);
    }
    const known = [...this.#known].filter(([pid, time]) => startTime(pid) === time).map(([pid]) => pid);
    // Where /proc can't tell, the leader is all that is known of.
    return known.length === 0 && !this.#namespace ? found : known;
  }
}

type Started = { readonly child: ChildProcess } | { readonly error: string };

async function start(command: Command): Promise<Started> {
  const channel: IOType = command.namespace === true ? "pipe" : "ignore";
  const errors =
    command.errorsApart === true && command.namespace === true ? (["pipe", [2]] as const) : (["inherit", []] as const);
  let passed: number[] = [];
  let child: ChildProcess;
  try {
    passed = openPassed(command.passed ?? []);
    child = spawn(command.argv[0]!, command.argv.slice(1), {
      cwd: command.cwd,
      env: { ...command.env },
      stdio: ["inherit", "inherit", errors[0], channel, ...passed, ...errors[1]],
    });
  } catch (error) {
    // Some of the system's refusals are thrown (E2BIG), the others come as an event, below.
    return { error: explainFailure(command, (error as NodeJS.ErrnoException).code ?? "unknown error") };
  } finally {
    closePassed(passed);
  }
  if (child.pid !== undefined) {
    child.on("error", () => undefined);
    return { child };
  }
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
  return { error: explainFailure(command, error.code ?? "unknown error") };
}

/** What the maker of a namespace says, where that is apart from what its program does. */
function complaintOf(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.on("data", (chunk: Uint8Array) => {
    text = (text + Buffer.from(chunk).toString("utf8")).slice(0, COMPLAINT_LIMIT);
  });
  // A pipe that breaks has nothing more to say.
  child.stderr?.on("error", () => undefined);
  return () => text.trim();
}

function unstarted(end: "cancelled" | "not_started", error: string | undefined): AttachedExit {
  return { end, code: undefined, signal: undefined, error, leftovers: false, contained: true };
}
