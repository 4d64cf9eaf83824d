import type { BoundedText, Clock, Scope } from "../base/index.js";
import { type Command, CommandInput, type Exit } from "../process/index.js";
import type { EventMsg, ProcessOutcome, SandboxPolicy, TerminalInfo } from "../protocol/index.js";
import { type Place, type Ran, runSandboxed, type SandboxLevel } from "../sandbox/index.js";
import { Unread } from "./unread.js";

/** What a terminal is started with. */
export interface TerminalStart {
  /** Of the call that starts it. */
  readonly callId: string;
  /** As people and models know it. */
  readonly argv: readonly string[];
  /** What is run for it. */
  readonly command: Command;
  readonly tty: boolean;
  readonly policy: SandboxPolicy;
  readonly place: Place;
  readonly level: SandboxLevel;
  readonly timeoutMs: number | undefined;
  /** Bytes of output kept for one answer to the model, and for the event of its end. */
  readonly keep: { readonly head: number; readonly tail: number };
  /** Under the turn that started it while that runs; a promise when a reader asks to wait. */
  emit(msg: EventMsg): Promise<void> | undefined;
  /** Tells how it ended: events, and what there is to note for the model. */
  end(id: number, ran: Ran): readonly string[];
}

/** How a terminal ended. */
export interface TerminalEnd {
  /** Undefined: it did not start. */
  readonly exit: Exit | undefined;
  /** Why it did not start. */
  readonly reason: string | undefined;
  readonly notes: readonly string[];
}

/** What typing came to. */
export interface Typed {
  readonly bytes: number;
  /** Of those; the rest was not typed and never will be. */
  readonly taken: number;
  /** With pipes: whether each Ctrl-C reached somebody. */
  readonly interrupted: boolean;
}

interface Around {
  readonly scope: Scope;
  readonly clock: Clock;
  /** While it is pending, events wait for it. */
  held(): Promise<unknown> | undefined;
}

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

/** One command that runs beyond the call that started it, until it ends or is stopped. */
export class Terminal {
  readonly id: number;
  readonly start: TerminalStart;
  readonly #around: Around;
  readonly #input = new CommandInput();
  readonly #unread: Unread;
  readonly #startedAt: number;
  readonly #waiting = new Set<() => void>();
  #pid: number | undefined;
  #end: TerminalEnd | undefined;

  constructor(id: number, start: TerminalStart, around: Around) {
    this.id = id;
    this.start = start;
    this.#around = around;
    this.#unread = new Unread(start.keep);
    this.#startedAt = around.clock.monotonic();
  }

  /** Undefined while it runs; set once its end has been told in events. */
  get end(): TerminalEnd | undefined {
    return this.#end;
  }

  /** Runs the command to its end, and tells of that. Never throws. */
  async run(): Promise<void> {
    const ran = await this.#run();
    this.#unread.finish();
    await this.#around.held();
    const notes = this.start.end(this.id, ran);
    this.#end = ran.ok ? { exit: ran.exit, reason: undefined, notes } : { exit: undefined, reason: ran.reason, notes };
    for (const settle of [...this.#waiting]) settle();
  }

  /** Waits for the end, at most `ms`. `cut`: the signal was aborted, whatever else is so. */
  wait(ms: number, signal: AbortSignal): Promise<"ended" | "running" | "cut"> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", settle);
        this.#waiting.delete(settle);
        resolve(signal.aborted ? "cut" : this.#end === undefined ? "running" : "ended");
      };
      const timer = setTimeout(settle, ms);
      signal.addEventListener("abort", settle, { once: true });
      this.#waiting.add(settle);
      if (signal.aborted || this.#end !== undefined) settle();
    });
  }

  /**
   * Types, as fast as the program reads, for at most `ms`. In a pseudo-terminal every character goes as it is; with pipes
   * Ctrl-C is SIGINT to all that came from the command.
   */
  async type(chars: string, ms: number, signal: AbortSignal): Promise<Typed> {
    const late = new AbortController();
    const cancel = () => late.abort();
    const timer = setTimeout(cancel, ms);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      return await this.#type(this.start.tty ? [chars] : chars.split(CTRL_C), late.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    }
  }

  async #type(parts: readonly string[], signal: AbortSignal): Promise<Typed> {
    const all = parts.map((part) => Buffer.from(part));
    const bytes = all.reduce((sum, part) => sum + part.length, 0);
    let taken = 0;
    let interrupted = true;
    for (const [at, part] of all.entries()) {
      if (signal.aborted) break;
      if (at > 0) interrupted = this.#input.interrupt() && interrupted;
      const more = part.length === 0 ? 0 : await this.#input.write(part, signal);
      taken += more;
      if (more < part.length) break;
    }
    return { bytes, taken, interrupted };
  }

  /** The end of its input: Ctrl-D in a pseudo-terminal. */
  async endInput(signal: AbortSignal): Promise<void> {
    if (this.start.tty) await this.#input.write(Buffer.from(CTRL_D), signal);
    else this.#input.end();
  }

  /** What it printed since the last time. */
  read(): BoundedText {
    return this.#unread.take();
  }

  /** Tells it to stop, and all that came from it: at once. */
  cancel(kind: "interrupted" | "closed"): void {
    this.#around.scope.cancel({ kind });
  }

  /** Stops it; resolves once its end has been told. */
  async stop(kind: "interrupted" | "closed"): Promise<void> {
    this.cancel(kind);
    while (this.#end === undefined) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Of a running one, for a receipt. */
  kept(): ProcessOutcome {
    const { callId, argv } = this.start;
    return {
      ...{ call_id: callId, pid: this.#pid ?? 0, command: [...argv] },
      ...{ outcome: "kept", process_id: String(this.id), exit_code: null },
    };
  }

  info(): TerminalInfo {
    const { callId, argv, command, tty, policy } = this.start;
    return {
      ...{ call_id: callId, process_id: String(this.id), command: [...argv], cwd: command.cwd },
      ...{ os_pid: this.#pid ?? null, tty, sandbox_mode: policy.mode },
      running_ms: Math.round(this.#around.clock.monotonic() - this.#startedAt),
    };
  }

  async #run(): Promise<Ran> {
    const { command, policy, place, level, timeoutMs, keep } = this.start;
    const { signal } = this.#around.scope;
    try {
      return await runSandboxed(command, policy, {
        ...{ signal, timeoutMs, keep, place, level, input: this.#input },
        onStart: (pid) => {
          this.#pid = pid;
        },
        onOutput: (stream, chunk) => {
          this.#unread.push(stream, chunk);
          return this.#emit({ type: "exec_command_output_delta", call_id: this.start.callId, stream, chunk });
        },
      });
    } catch (error) {
      // A bug: nobody may be waiting who could be told by a throw, so the terminal ends with it as its reason.
      return { ok: false, reason: `it failed: ${String(error)}` };
    }
  }

  #emit(msg: EventMsg): Promise<void> | undefined {
    const held = this.#around.held();
    return held === undefined ? this.start.emit(msg) : held.then(() => this.start.emit(msg));
  }
}
