import type { Conversation } from "../../engine/index.js";
import { type EventMsg, isTerminal, type Op, type TerminalMsg } from "../../protocol/index.js";
import { BROKEN_PIPE_EXIT_CODE, type FrontDeps, SIGNAL_EXIT_CODES, type StopSignal } from "../host/index.js";
import { stopKept } from "./kept-terminals.js";

/** What made this side stop a turn. */
export type StopCause = StopSignal | "deadline" | "broken_pipe";

/** The exit code of a deadline that passed, as of timeout(1). */
const DEADLINE_EXIT_CODE = 124;

export interface TurnRun {
  readonly end: TerminalMsg;
  /** The first request to stop; the turn may still have ended by itself. */
  readonly cause: StopCause | undefined;
}

/**
 * Submits one op and waits for the end of its turn, which a signal, the deadline or a reader of stdout that leaves
 * bring about earlier, and stops the terminals that it leaves. `present` gets every event before the terminal one, and
 * then those of the terminals' ends.
 */
export async function runTurn(options: {
  readonly conversation: Conversation;
  readonly op: Op;
  readonly deps: Pick<FrontDeps, "signals" | "stdout">;
  readonly deadlineMs: number | undefined;
  readonly present: (msg: EventMsg) => void | Promise<void>;
}): Promise<TurnRun> {
  const { conversation, op, deps, deadlineMs, present } = options;
  let turnId: string | undefined;
  let cause: StopCause | undefined;
  let stopping: Promise<unknown> | undefined;
  let finish: (end: TerminalMsg) => void = () => {};
  const ended = new Promise<TerminalMsg>((resolve) => (finish = resolve));
  const stop = (why: StopCause): void => {
    cause ??= why;
    stopping ??= conversation.interrupt();
  };

  const unsubscribe = conversation.subscribe(({ id, msg }) => {
    if (!isTerminal(msg)) return present(msg);
    if (id === turnId) finish(msg);
    return undefined;
  });
  turnId = conversation.submit(op);
  const deadline = deadlineMs === undefined ? undefined : setTimeout(stop, deadlineMs, "deadline");
  // Never taken back: a first signal that comes while the run is being closed must not cut that short.
  deps.signals.onStop(stop);
  const forgetReader = deps.stdout.onBroken(() => stop("broken_pipe"));
  try {
    const end = await ended;
    await stopping;
    return { end: await stopKept(end, conversation), cause };
  } finally {
    clearTimeout(deadline);
    unsubscribe();
    forgetReader();
  }
}

/** By how the turn ended; a turn that was complete before it could be stopped is a success. */
export function exitCodeOf({ end, cause }: TurnRun): number {
  if (end.type === "task_complete") return end.failed === true ? 1 : 0;
  if (cause === undefined) return 1;
  if (cause === "deadline") return DEADLINE_EXIT_CODE;
  return cause === "broken_pipe" ? BROKEN_PIPE_EXIT_CODE : SIGNAL_EXIT_CODES[cause];
}
