import { BoundedText } from "../base/index.js";
import { Capture } from "./capture.js";
import { type Launched, launch } from "./launch.js";
import { type Mark, newMark } from "./marks.js";
import { listen, type Report } from "./namespace.js";
import { returnPipes, takePipes } from "./pipes.js";
import { ProcessTree } from "./process-tree.js";
import { underReaper } from "./reaper.js";
import { findRefusal } from "./refusal.js";
import type { Command, Exit, OutputStream, RunOptions } from "./types.js";
import { settlesWithin } from "./wait.js";

const GRACE_MS = 300;
const DRAIN_MS = 200;
/** How long a leader that was told to die may take to be collected, ms. */
const COLLECT_BOUND_MS = 2000;
/** Node fires a timer at once when it is set for longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Of what a namespace's maker says that could not make one, characters. */
const COMPLAINT_LIMIT = 1000;

/** Why the wait for a command was over; the first one counts. */
type Cause = "ended" | "cancelled" | "timed_out" | "failed";

interface Status {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: number;
}

interface Watch {
  readonly cause: Promise<Cause>;
  /** What the namespace or reaper tells of its program; undefined when the command has none. */
  readonly report: Report | undefined;
  readonly exited: Promise<Status>;
  /** How the program ended, when that was told before the end of what leads it. */
  readonly ownEnd: () => Status | undefined;
  readonly fail: (error: unknown) => void;
  readonly failure: () => { readonly error: unknown } | undefined;
  readonly stop: () => void;
}

/** See `run`. */
export async function execute(command: Command, options: RunOptions): Promise<Exit> {
  if (options.signal.aborted) return unstarted(options, { end: "cancelled", error: undefined });
  const refusal = findRefusal(command);
  if (refusal !== undefined) return unstarted(options, { end: "not_started", error: refusal });
  const input = options.input !== undefined;
  const pipes = await takePipes({ input });
  // The fence: nothing is waited for between this look and the call to the system.
  if (options.signal.aborted) {
    if (pipes !== undefined) returnPipes(pipes);
    return unstarted(options, { end: "cancelled", error: undefined });
  }
  const startedAt = performance.now();
  const mark = command.namespace === true ? undefined : newMark();
  const marked = { ...command, env: { ...command.env, ...mark } };
  const launched = await launch(command.reaper === true ? underReaper(marked) : marked, { pipes, input });
  if ("error" in launched) return unstarted(options, { end: "not_started", error: launched.error });
  const led = command.namespace === true ? "namespace" : command.reaper === true ? "reaper" : undefined;
  return supervise(launched, { startedAt, mark, led, keepsChildren: command.keepsChildren === true }, options);
}

interface Run {
  readonly startedAt: number;
  /** Undefined for a namespace, which needs none. */
  readonly mark: Mark | undefined;
  /** What tells of the program, and holds all that comes from it. */
  readonly led: "namespace" | "reaper" | undefined;
  readonly keepsChildren: boolean;
}

async function supervise(launched: Launched, begun: Run, options: RunOptions): Promise<Exit> {
  const { pid } = launched;
  const drainMs = options.drainMs ?? DRAIN_MS;
  const tree = new ProcessTree(pid, begun);
  const gate = begun.led !== undefined ? gateFor(options.onOutput) : undefined;
  const onReady = () => {
    gate?.open();
    options.onReady?.();
  };
  const watch = watchFor(launched, { ...options, onReady });
  const onOutput = gate?.onOutput ?? options.onOutput;
  const capture = new Capture({ keep: options.keep, onOutput, onFailure: watch.fail });
  const release = () => capture.release();
  options.signal.addEventListener("abort", release, { once: true });
  try {
    capture.read("stdout", launched.stdout);
    capture.read("stderr", launched.stderr);
    attachInput(launched, { options, tree, watch });
    options.onStart?.(pid);
  } catch (error) {
    // Thrown again below, once the command is dead.
    watch.fail(error);
  }
  const cause = await watch.cause;
  watch.stop();
  if (cause !== "ended" || options.signal.aborted) capture.release();
  // A namespace still being made holds nothing that could use its grace, and must not start anything during it.
  const graceMs = watch.report?.started() === false ? 0 : (options.graceMs ?? GRACE_MS);
  // What ends soon after the leader was about to: `make > >(tee log)` leaves a tee that still has lines to write.
  const patience = { withinMs: drainMs, held: () => capture.paused, signal: options.signal };
  const ending = { byItself: cause === "ended", patience, keeps: begun.keepsChildren, graceMs };
  const { ended, kept, dead } = await endTree(tree, ending);
  tree.release();
  options.input?.detach();
  const collected = await settlesWithin(watch.exited, COLLECT_BOUND_MS);
  if (!collected) launched.child.unref();
  if (watch.report !== undefined) await settlesWithin(watch.report.closed, drainMs);
  watch.report?.close();
  gate?.drop();
  await capture.finish(drainMs);
  options.signal.removeEventListener("abort", release);
  const failure = watch.failure();
  if (failure !== undefined) throw failure.error;
  const status = collected ? await watch.exited : undefined;
  if (cause === "ended" && watch.report?.started() === false) return unmade(capture, options);
  const ownEnd = cause === "ended" ? watch.ownEnd() : undefined;
  const error = dead && collected ? lostReaper(begun, watch, status) : undying(pid);
  return {
    ...howItEnded(cause, ownEnd ?? status),
    error,
    pid,
    durationMs: ((ownEnd ?? status)?.at ?? performance.now()) - begun.startedAt,
    stdout: capture.stdout,
    stderr: capture.stderr,
    output: capture.output,
    leftovers: cause === "ended" && !ended && kept.length === 0,
    kept,
    contained: begun.led !== undefined && error === undefined,
  };
}

function undying(pid: number): string {
  return `process group ${pid} was still there after SIGKILL`;
}

/** Why a reaper's end does not prove that of all others: it was killed, once there was something it could have started. */
function lostReaper({ led }: Run, { report }: Watch, status: Status | undefined): string | undefined {
  if (led !== "reaper" || report?.started() === false || status?.signal == null) return undefined;
  return "what kept the command's processes together was killed: some may live on";
}

/** A program that has not started can't be told anything: a signal would hit the maker of its namespace. */
function attachInput(
  { stdin }: Launched,
  { options, tree, watch }: { readonly options: RunOptions; readonly tree: ProcessTree; readonly watch: Watch },
): void {
  if (stdin === undefined) return;
  const interrupt = () => watch.report?.started() !== false && tree.interrupt();
  options.input?.attach({ pipe: stdin, interrupt });
}

interface Ending {
  /** The leader has ended by itself. */
  readonly byItself: boolean;
  readonly patience: Parameters<ProcessTree["ends"]>[0];
  readonly keeps: boolean;
  readonly graceMs: number;
}

/** The end of all of the tree. `ended`: by itself; `kept`: what is left running instead. */
async function endTree(tree: ProcessTree, { byItself, patience, keeps, graceMs }: Ending) {
  const ended = byItself && (!tree.isAlive() || (await tree.ends(patience)));
  const kept = byItself && keeps ? tree.found() : [];
  return { ended, kept, dead: ended || kept.length > 0 || (await tree.stop(graceMs)) };
}

interface WatchOptions extends RunOptions {
  /** The program of a namespace starts now. */
  readonly onReady: () => void;
}

/** Waits for what comes first: the end, cancellation, the time limit, or a consumer that throws. */
function watchFor({ child, report: channel }: Launched, { signal, timeoutMs, onReady }: WatchOptions): Watch {
  let settle: (cause: Cause) => void = () => undefined;
  const cause = new Promise<Cause>((resolve) => {
    settle = resolve;
  });
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    settle("failed");
  };
  // `exit`, not `close`: a process that left the session may hold the pipes open for as long as it likes.
  const exited = new Promise<Status>((resolve) => {
    child.once("exit", (code, name) => {
      settle("ended");
      resolve({ code, signal: name, at: performance.now() });
    });
  });
  let ownEnd: Status | undefined;
  const report =
    channel &&
    listen(channel, {
      onStart: onReady,
      onEnd: (code) => {
        ownEnd = { code, signal: null, at: performance.now() };
        settle("ended");
      },
    });
  const cancel = () => settle("cancelled");
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const limit = timeoutMs === undefined ? undefined : Math.min(timeoutMs, LONGEST_TIMER_MS);
  const timer = limit === undefined ? undefined : setTimeout(() => settle("timed_out"), limit);
  return {
    cause,
    report,
    exited,
    ownEnd: () => ownEnd,
    fail,
    failure: () => failure,
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    },
  };
}

function howItEnded(cause: Cause, status: Status | undefined): Pick<Exit, "end" | "code" | "signal"> {
  const end = cause === "cancelled" || cause === "timed_out" ? cause : status?.signal == null ? "exited" : "signalled";
  return { end, code: status?.code ?? undefined, signal: status?.signal ?? undefined };
}

/**
 * Output of a namespace's maker is not the program's. The start is heard of over another pipe than the output, so what
 * comes before it waits, and holds the pipes, until the program has started or never will.
 */
function gateFor(onOutput: RunOptions["onOutput"]) {
  let isOpen = false;
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return {
    open: () => {
      isOpen = true;
      settle();
    },
    /** Gives up what waits, unless the gate is open. */
    drop: () => settle(),
    onOutput: (stream: OutputStream, chunk: Uint8Array) =>
      isOpen ? onOutput?.(stream, chunk) : settled.then(() => (isOpen ? onOutput?.(stream, chunk) : undefined)),
  };
}

/** The namespace could not be made, so nothing of the command ran: what was written is its maker's complaint. */
function unmade(capture: Capture, options: RunOptions): Exit {
  const complaint = capture.output.parts().head.trim().slice(0, COMPLAINT_LIMIT);
  return unstarted(options, { end: "not_started", error: complaint || "the command's namespace could not be made" });
}

function unstarted(options: RunOptions, how: Pick<Exit, "end" | "error">): Exit {
  return {
    ...how,
    code: undefined,
    signal: undefined,
    pid: undefined,
    durationMs: 0,
    stdout: new BoundedText(options.keep),
    stderr: new BoundedText(options.keep),
    output: new BoundedText(options.keep),
    leftovers: false,
    kept: [],
    contained: how.end === "not_started" || how.end === "cancelled",
  };
}
