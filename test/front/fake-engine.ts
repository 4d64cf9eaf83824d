import { writeSync } from "node:fs";
import type { Conversation, Conversations, Listener, TurnEnd } from "../../src/engine/index.js";
import type { Event, EventMsg, Op, TerminalMsg } from "../../src/protocol/index.js";

/**
 * One step of a scripted turn. `echo`: ends the turn with the prompt as its final message; `long`: with so many letters;
 * `flood`: the event so many times, waiting for slow listeners; `hang`: until an interrupt;
 * `stubborn`: until an interrupt, which is then not obeyed.
 */
export type Step =
  | EventMsg
  | { readonly type: "flood"; readonly count: number; readonly msg: EventMsg }
  | { readonly type: "long"; readonly length: number }
  | { readonly type: "echo" | "hang" | "stubborn" };

export interface FakeConversation extends Conversation {
  readonly ops: readonly Op[];
}

/** A conversation as the front ends know it, whose turns play a script; what is submitted to it is kept in `ops`. */
export function fakeConversation(script: readonly Step[]): FakeConversation {
  const ops: Op[] = [];
  const listeners = new Set<Listener>();
  let backlog: Event[] | undefined = [];
  let nextId = 0;
  let turn: { readonly ended: Promise<TurnEnd>; interrupt(): void } | undefined;

  const emit = async (event: Event): Promise<void> => {
    backlog?.push(event);
    await Promise.all([...listeners].map((listener) => listener(event)));
  };

  const play = (id: string): void => {
    let interrupt = (): void => {};
    const interrupted = new Promise<void>((resolve) => (interrupt = resolve));
    const ended = (async (): Promise<TurnEnd> => {
      for (const step of script) {
        if (step.type === "stubborn") await new Promise<void>((resolve) => setTimeout(resolve, 20_000));
        else if (step.type === "hang") {
          // As a socket would, it keeps the process alive.
          const alive = setInterval(() => {}, 1000);
          await interrupted;
          clearInterval(alive);
          const event: TerminalMsg = { type: "turn_aborted", reason: "interrupted", stop_ms: 1 };
          turn = undefined;
          void emit({ id, msg: event });
          return { turnId: id, status: "interrupted", event };
        } else if (step.type === "flood") {
          for (let n = 0; n < step.count; n += 1) await emitting(emit({ id, msg: step.msg }));
        } else if (step.type === "task_complete" || step.type === "long" || step.type === "echo") {
          const event = finalOf(step, ops.at(-1));
          turn = undefined;
          void emit({ id, msg: event });
          return { turnId: id, status: "completed", event };
        } else await emit({ id, msg: step as EventMsg });
      }
      throw new Error("the script has no end");
    })();
    turn = { ended, interrupt };
  };

  void emit({
    id: "",
    msg: { type: "session_configured", session_id: "c0", model: "m", history_log_id: 0, history_entry_count: 0 },
  });
  return {
    id: "c0",
    ops,
    submit(op, id) {
      const submissionId = id ?? String(nextId++);
      ops.push(op);
      if (op.type === "user_turn" || op.type === "user_input") setImmediate(play, submissionId);
      if (op.type === "interrupt") turn?.interrupt();
      if (op.type === "shutdown") void emit({ id: submissionId, msg: { type: "shutdown_complete" } });
      return submissionId;
    },
    runTurn(op, id) {
      const given = this.submit(op, id);
      return { id: given, ended: new Promise((resolve) => setImmediate(() => resolve(turn?.ended))) };
    },
    subscribe(listener) {
      const before = backlog ?? [];
      backlog = undefined;
      for (const event of before) void listener(event);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async interrupt() {
      // Whatever was submitted before has begun by then.
      await new Promise<void>((resolve) => setImmediate(resolve));
      turn?.interrupt();
      return turn?.ended;
    },
    async close() {
      await this.interrupt();
    },
  };
}

/** Says on stderr when a listener makes an event wait for long. */
async function emitting(waiting: Promise<void>): Promise<void> {
  const timer = setTimeout(() => writeSync(2, "[flood waits]\n"), 100);
  await waiting;
  clearTimeout(timer);
}

function finalOf(step: Step, op: Op | undefined): TerminalMsg {
  if (step.type === "task_complete") return step;
  if (step.type === "long") return { type: "task_complete", last_agent_message: "y".repeat(step.length) };
  const items = op !== undefined && "items" in op ? op.items : [];
  const texts = items.map((item) => (item.type === "text" ? item.text : item.type));
  return { type: "task_complete", last_agent_message: texts.join("|") };
}

/** The part of the engine a program hosts; says on stderr when everything is to be killed. */
export function fakeEngine(script: readonly Step[]) {
  return {
    createConversations: (): Conversations => ({
      start: () => fakeConversation(script),
      resume: async () => ({ ok: false, reason: "not_found", message: "there are no sessions here" }),
      fork: async () => ({ ok: false, reason: "not_found", message: "there are no sessions here" }),
      find: () => undefined,
      sandboxReport: () => Promise.resolve({ mode: "danger-full-access", level: "cage", summary: "", missing: [] }),
      runCommand: async () => ({ ok: false, reason: "this engine runs no commands" }),
      close: async () => {},
    }),
    killEverythingNow: () => void writeSync(2, "[killed]\n"),
  };
}
