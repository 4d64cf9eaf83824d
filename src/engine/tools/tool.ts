import type { Clock, Scope } from "../../base/index.js";
import type { Area } from "../../checkpoint/index.js";
import type { ToolSpec } from "../../model/index.js";
import type { PlannedFile } from "../../patch/index.js";
import type { CallOutput, EventMsg, ProcessOutcome, ReviewDecision } from "../../protocol/index.js";
import type { SandboxLevel } from "../../sandbox/index.js";
import type { Approvals } from "../approvals.js";
import type { CommandRules } from "../command-rules.js";
import type { Settings } from "../settings.js";
import type { Terminals } from "../terminals.js";

/** One call as the model wrote it: `arguments` is JSON text for function tools, free text for custom ones. */
export interface ToolCall {
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
}

/**
 * What a call came to. `done`: it ran to its end, well or badly; `cut`: it was stopped before its end; `failed`: it did
 * nothing (refused, malformed): `message` says why to the user. `output` is what the model is told.
 */
export type ToolOutput =
  | { readonly status: "done"; readonly output: CallOutput }
  | { readonly status: "cut"; readonly output: string }
  | {
      readonly status: "failed";
      readonly output: string;
      /** Refused by a person or by the settings, rather than malformed. */
      readonly declined?: boolean;
      /** The command that was not run, when it was one. */
      readonly command?: readonly string[];
    };

/** What a tool may use. Everything in it ends with the call. */
export interface ToolContext {
  readonly callId: string;
  readonly turnId: string;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly settings: Settings;
  /** The environment of commands. */
  readonly env: Readonly<Record<string, string>>;
  /** The longest run of a command that names no limit itself, ms. */
  readonly commandTimeoutMs: number;
  /** Tokens of one output that go to the model at most. */
  readonly outputTokens: number;
  /** What this machine can do to contain and confine commands. */
  sandboxLevel(): Promise<SandboxLevel>;
  /** The home folder. */
  readonly home: string;
  readonly approvals: Approvals;
  readonly rules: CommandRules;
  readonly clock: Clock;
  /** The commands that outlive their calls; they end with the conversation. */
  readonly terminals: Terminals;
  /** The program by which this machine makes pseudo-terminals (see `ptyProgram`); undefined when it can't. */
  ptyProgram(): Promise<string | undefined>;
  /** A promise when a reader asks to wait. */
  emit(msg: EventMsg): Promise<void> | undefined;
  /** As `emit` while the turn runs, and later as an event of the conversation: for what outlives the turn. */
  emitBeyond(msg: EventMsg): Promise<void> | undefined;
  /** Emits the request and waits for the answer; `abort` has also stopped the turn. Throws when the call is cancelled. */
  approve(request: EventMsg): Promise<ReviewDecision>;
  /** Puts a process into the turn's receipt. */
  recordProcess(process: ProcessOutcome): void;
  /**
   * Does what may change files in `area`, having made sure that it can be undone. Undefined: nothing can change. Throws when
   * the call is cancelled, before anything was done.
   */
  undoably<T>(area: Area | undefined, act: () => Promise<T>): Promise<T>;
  /** Puts changed files into the turn's receipt, and tells the turn's diff. */
  recordChanges(files: readonly PlannedFile[]): Promise<void>;
}

/** Something a model can call. */
export interface Tool {
  readonly name: string;
  readonly spec: ToolSpec;
  /** In the place of `spec` for models that take custom tools. */
  readonly customSpec?: ToolSpec;
  /** What is wrong with a call's arguments, for the model; undefined when they can be read. */
  problem?(text: string): string | undefined;
  /** Whether this call may run beside the other calls of its response: true only for calls that change nothing. */
  parallel(call: ToolCall): boolean;
  /** Never throws but for cancellation and bugs; checks `signal` right before each side effect. */
  run(call: ToolCall, context: ToolContext): Promise<ToolOutput>;
}
