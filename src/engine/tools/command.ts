import { constants } from "node:os";
import type { Exit } from "../../process/index.js";
import type { EventOf, ProcessOutcome, SandboxPolicy } from "../../protocol/index.js";
import { type Ran, runSandboxed } from "../../sandbox/index.js";
import { runPatch } from "./apply-patch.js";
import { areaOf } from "./changeable-roots.js";
import { BYTES_PER_TOKEN, boundedOutput, exitText } from "./output-text.js";
import { parseCommand } from "./parsed-command.js";
import { askPermission, FULL_ACCESS } from "./permission.js";
import { type Attempt, retryOutside } from "./retry-outside.js";
import { userShell } from "./shell-command.js";
import { shellPatch } from "./shell-patch.js";
import type { ToolContext, ToolOutput } from "./tool.js";

/** The longest run of a command that names none itself, ms. */
export const DEFAULT_TIMEOUT_MS = 120_000;

/** A command a model wants to run; `cwd` is absolute. */
export interface WantedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly timeoutMs: number;
  /** Tokens of output the model asked for. */
  readonly maxTokens: number | undefined;
  /** The model asks to run it outside of the sandbox. */
  readonly escalated: boolean;
  /** The model's own words on why, shown with an approval request. */
  readonly justification: string | undefined;
}

/** Decides, asks where a person must, runs, and tells of it in events: the one way a tool runs a command. */
export async function runCommand(wanted: WantedCommand, context: ToolContext): Promise<ToolOutput> {
  const shell = userShell(context.env);
  const patch = shellPatch(wanted, shell);
  if (patch !== undefined) return runPatch(patch.text, patch.cwd, context);
  const permission = await askPermission(wanted, context);
  if (!permission.granted) return permission.refusal;
  const { policy, judgement } = permission;
  const runUnder = (how: SandboxPolicy) =>
    context.undoably(areaOf({ argv: wanted.argv, policy: how, judgement }, context), () =>
      runOnce(wanted, how, context),
    );
  const attempt = await runUnder(policy);
  const denied = { argv: wanted.argv, cwd: wanted.cwd, policy, attempt, judgement };
  return retryOutside(denied, context, () => runUnder(FULL_ACCESS));
}

/** One run, told in events of its own. */
async function runOnce(wanted: WantedCommand, policy: SandboxPolicy, context: ToolContext): Promise<Attempt> {
  const { callId } = context;
  const command = [...wanted.argv];
  void context.emit({
    type: "exec_command_begin",
    call_id: callId,
    command,
    cwd: wanted.cwd,
    parsed_cmd: parseCommand(wanted.argv, userShell(context.env)),
  });
  const ran = await execute(wanted, policy, context);
  if (!ran.ok) {
    void context.emit(unstartedEvent(callId, ran.reason));
    return { output: { status: "done", output: `Not started: ${ran.reason}` }, exit: undefined };
  }
  const { exit } = ran;
  void context.emit(endEvent(callId, exit));
  if (exit.pid !== undefined) context.recordProcess(processOutcome(wanted, callId, exit));
  for (const kept of keptOutcomes(callId, exit)) context.recordProcess(kept);
  const text = [exitText(exit, wanted.timeoutMs), ...toldOf(ran.appeared, context)].join("\n");
  if (exit.end !== "cancelled") return { output: { status: "done", output: text }, exit };
  const soFar = exit.pid === undefined ? "" : `Output so far:\n${boundedOutput(exit.output)}`;
  return { output: { status: "cut", output: soFar }, exit };
}

async function execute(wanted: WantedCommand, policy: SandboxPolicy, context: ToolContext): Promise<Ran> {
  const tokens = Math.min(wanted.maxTokens ?? context.outputTokens, context.outputTokens);
  const half = Math.floor((tokens * BYTES_PER_TOKEN) / 2);
  const level = await context.sandboxLevel();
  return runSandboxed({ argv: wanted.argv, cwd: wanted.cwd, env: context.env }, policy, {
    signal: context.signal,
    timeoutMs: wanted.timeoutMs,
    keep: { head: half, tail: half },
    onOutput: (stream, chunk) =>
      context.emit({ type: "exec_command_output_delta", call_id: context.callId, stream, chunk }),
    place: { cwd: context.settings.cwd, home: context.home },
    level,
  });
}

/** Files that other programs obey, and that were not there before: no mount could keep the command from making them. */
export function toldOf(appeared: readonly string[], context: Pick<ToolContext, "emit">): string[] {
  if (appeared.length === 0) return [];
  const message = `while the command ran, these came into being or changed, and other programs obey them: ${appeared.join(", ")}`;
  void context.emit({ type: "background_event", message: `${message}. Look at them before you trust this folder` });
  return [`Note: ${message}. The user was told.`];
}

export function unstartedEvent(callId: string, reason: string): EventOf<"exec_command_end"> {
  return {
    type: "exec_command_end",
    call_id: callId,
    stdout: "",
    stderr: reason,
    exit_code: -1,
    duration: duration(0),
    aggregated_output: "",
    end: "not_started",
  };
}

export function endEvent(callId: string, exit: Exit): EventOf<"exec_command_end"> {
  return {
    type: "exec_command_end",
    call_id: callId,
    stdout: boundedOutput(exit.stdout),
    stderr: exit.end === "not_started" ? (exit.error ?? "") : boundedOutput(exit.stderr),
    exit_code: exitCode(exit),
    duration: duration(exit.durationMs),
    aggregated_output: boundedOutput(exit.output),
    end: exit.end,
    ...(exit.kept.length === 0 ? {} : { kept: exit.kept.map(({ pid, argv }) => ({ pid, command: [...argv] })) }),
  };
}

/** What a command left running, for the receipt. */
export function keptOutcomes(callId: string, { kept }: Exit): ProcessOutcome[] {
  return kept.map(({ pid, argv }) => ({ call_id: callId, pid, command: [...argv], outcome: "kept", exit_code: null }));
}

/** The exit code; 128 + n for a death by signal n as shells have it; -1 when the command never ran or was stopped by us. */
function exitCode(exit: Exit): number {
  if (exit.end === "exited") return exit.code ?? -1;
  if (exit.end === "signalled") return 128 + (constants.signals[exit.signal as NodeJS.Signals] ?? 0);
  return -1;
}

function duration(ms: number): { secs: number; nanos: number } {
  const secs = Math.floor(ms / 1000);
  return { secs, nanos: Math.round((ms - secs * 1000) * 1e6) };
}

/** What a command's processes came to. One whose reaper was killed ended by itself, and still something of it may live. */
export function outcomeOf(exit: Exit): ProcessOutcome["outcome"] {
  const ended = exit.end === "exited" || exit.end === "signalled";
  if (ended && exit.error === undefined) return "exited";
  return exit.contained ? "killed" : "may_survive";
}

export function processOutcome(wanted: Pick<WantedCommand, "argv">, callId: string, exit: Exit): ProcessOutcome {
  return {
    call_id: callId,
    pid: exit.pid ?? 0,
    command: [...wanted.argv],
    outcome: outcomeOf(exit),
    exit_code: exit.code ?? null,
  };
}
