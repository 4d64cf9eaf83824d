import { ptyProgram } from "../../process/index.js";
import type { SandboxPolicy } from "../../protocol/index.js";
import type { Ran, SandboxLevel } from "../../sandbox/index.js";
import type { TerminalStart } from "../terminal.js";
import { runPatch } from "./apply-patch.js";
import { areaOf } from "./changeable-roots.js";
import { endEvent, keptOutcomes, processOutcome, toldOf, unstartedEvent, type WantedCommand } from "./command.js";
import { parseCommand } from "./parsed-command.js";
import { askPermission, FULL_ACCESS } from "./permission.js";
import { type Attempt, retryOutside } from "./retry-outside.js";
import { userShell } from "./shell-command.js";
import { shellPatch } from "./shell-patch.js";
import { halfOf, outputSoFar, terminalText } from "./terminal-text.js";
import type { ToolContext, ToolOutput } from "./tool.js";

/** What nobody resizes: the size that programs assume of a terminal. */
const SIZE = { rows: 24, cols: 80 };

/** A command that may go on as a terminal. */
export interface WantedTerminal extends Omit<WantedCommand, "timeoutMs"> {
  /** How long the call waits for its end. */
  readonly yieldMs: number;
  readonly tty: boolean;
  /** The longest run; none when undefined. */
  readonly timeoutMs: number | undefined;
}

/**
 * Decides and asks as for any command, starts it, and waits for its end as long as was wanted: from then on it is a
 * terminal that the conversation owns. Until then it is this call's, and ends with it.
 */
export async function runInTerminal(wanted: WantedTerminal, context: ToolContext): Promise<ToolOutput> {
  const patch = shellPatch(wanted, userShell(context.env));
  if (patch !== undefined) return runPatch(patch.text, patch.cwd, context);
  const permission = await askPermission(wanted, context);
  if (!permission.granted) return permission.refusal;
  const { policy, judgement } = permission;
  const { argv, cwd } = wanted;
  const runUnder = (how: SandboxPolicy) =>
    context.undoably(areaOf({ argv, policy: how, judgement }, context), () => runOnce(wanted, how, context));
  const attempt = await runUnder(policy);
  return retryOutside({ argv, cwd, policy, attempt, judgement }, context, () => runUnder(FULL_ACCESS));
}

/** One run, to its end or until it goes on as a terminal. */
async function runOnce(wanted: WantedTerminal, policy: SandboxPolicy, context: ToolContext): Promise<Attempt> {
  const level = await context.sandboxLevel();
  const pty = wanted.tty ? await findPtyFor(level, policy, context) : { program: undefined, notes: [] };
  const { signal } = context;
  signal.throwIfAborted();
  const startedAt = context.clock.monotonic();
  const opened = context.terminals.open((id) => startOf(id, wanted, { context, policy, level, pty: pty.program }));
  if (!opened.ok) {
    return { output: { status: "failed", output: opened.reason, command: wanted.argv }, exit: undefined };
  }
  const { terminal } = opened;
  const cut = () => terminal.cancel("interrupted");
  signal.addEventListener("abort", cut, { once: true });
  const state = await terminal.wait(wanted.yieldMs, signal);
  signal.removeEventListener("abort", cut);
  if (state === "cut") await terminal.stop("interrupted");
  if (state !== "running") context.terminals.forget(terminal);
  const exit = terminal.end?.exit;
  if (state === "cut")
    return { output: { status: "cut", output: outputSoFar(terminal, wanted.maxTokens, context) }, exit };
  const notes = [...pty.notes, ...(state === "running" ? [howToGoOn(terminal.id)] : [])];
  const call = { ms: context.clock.monotonic() - startedAt, maxTokens: wanted.maxTokens, notes };
  return { output: { status: "done", output: terminalText(terminal, call, context) }, exit };
}

interface Pty {
  readonly program: string | undefined;
  /** For the model. */
  readonly notes: readonly string[];
}

async function findPtyFor(level: SandboxLevel, policy: SandboxPolicy, context: ToolContext): Promise<Pty> {
  const full = policy.mode === "danger-full-access";
  const contained = full ? level.cage !== undefined || level.reaper === true : level.walls?.kind === "bubblewrap";
  const program = contained ? await context.ptyProgram() : undefined;
  if (program !== undefined) return { program, notes: [] };
  const why = contained
    ? "util-linux's script, which makes them, is not installed"
    : "there is neither a PID namespace nor a reaper here, without which a pseudo-terminal's processes could not be stopped";
  return {
    program,
    notes: [`No pseudo-terminal: ${why}. It runs with pipes instead; \\u0003 is sent as SIGINT, eof ends its input.`],
  };
}

interface Around {
  readonly context: ToolContext;
  readonly policy: SandboxPolicy;
  readonly level: SandboxLevel;
  readonly pty: string | undefined;
}

/** Everything of a terminal that is the same whenever it ends; tells of its start. */
function startOf(id: number, wanted: WantedTerminal, { context, policy, level, pty }: Around): TerminalStart {
  const { callId, env } = context;
  const tty = pty !== undefined;
  const marks = { process_id: String(id), source: "unified_exec_startup" } as const;
  void context.emit({
    ...{ type: "exec_command_begin", call_id: callId, command: [...wanted.argv], cwd: wanted.cwd },
    ...{ parsed_cmd: parseCommand(wanted.argv, userShell(env)), ...marks, tty },
  });
  const half = halfOf(context.outputTokens);
  const argv = pty === undefined ? wanted.argv : ptyProgram(pty, wanted.argv, SIZE);
  return {
    ...{ callId, argv: wanted.argv, tty, policy, level, timeoutMs: wanted.timeoutMs },
    // Nothing here understands what programs say to draw on a screen.
    command: { argv, cwd: wanted.cwd, env: tty ? { ...env, TERM: "dumb" } : env },
    place: { cwd: context.settings.cwd, home: context.home },
    keep: { head: half, tail: half },
    emit: (msg) => context.emitBeyond(msg),
    end: (_, ran) => tellEnd(wanted, ran, { context, marks }),
  };
}

function tellEnd(
  wanted: WantedTerminal,
  ran: Ran,
  { context, marks }: { readonly context: ToolContext; readonly marks: object },
): readonly string[] {
  const { callId } = context;
  const emit = (msg: Parameters<ToolContext["emit"]>[0]) => context.emitBeyond(msg);
  void emit({ ...(ran.ok ? endEvent(callId, ran.exit) : unstartedEvent(callId, ran.reason)), ...marks });
  if (!ran.ok) return [];
  if (ran.exit.pid !== undefined) context.recordProcess({ ...processOutcome(wanted, callId, ran.exit), ...marks });
  for (const kept of keptOutcomes(callId, ran.exit)) context.recordProcess(kept);
  return toldOf(ran.appeared, { emit });
}

function howToGoOn(id: number): string {
  return `It goes on as a terminal. With write_stdin and session_id ${id}: chars are typed into it, without chars you get what it prints; eof ends its input, close stops it and all it started.`;
}
