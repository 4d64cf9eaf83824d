import { constants } from "node:os";
import { type Exit, run } from "../../process/index.js";
import type { EventMsg } from "../../protocol/index.js";
import { runPatch } from "./apply-patch.js";
import { decideCommand } from "./decision.js";
import { BYTES_PER_TOKEN, boundedOutput, exitText } from "./output-text.js";
import { parseCommand } from "./parsed-command.js";
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
  /** The model's own words on why, shown with an approval request. */
  readonly justification: string | undefined;
}

/** Decides, asks where a person must, runs, and tells of it in events: the one way a tool runs a command. */
export async function runCommand(wanted: WantedCommand, context: ToolContext): Promise<ToolOutput> {
  const patch = shellPatch(wanted.argv, wanted.cwd);
  if (patch !== undefined) return runPatch(patch.text, patch.cwd, context);
  const refused = await permission(wanted, context);
  if (refused !== undefined) return refused;
  const { callId } = context;
  const command = [...wanted.argv];
  void context.emit({
    type: "exec_command_begin",
    call_id: callId,
    command,
    cwd: wanted.cwd,
    parsed_cmd: parseCommand(wanted.argv),
  });
  const exit = await execute(wanted, context);
  void context.emit(endEvent(callId, exit));
  const text = exitText(exit, wanted.timeoutMs);
  if (exit.pid === undefined)
    return exit.end === "cancelled" ? { status: "cut", output: "" } : { status: "done", output: text };
  context.recordProcess({
    call_id: callId,
    pid: exit.pid,
    command,
    outcome: processOutcome(exit),
    exit_code: exit.code ?? null,
  });
  if (exit.end !== "cancelled") return { status: "done", output: text };
  return { status: "cut", output: `Output so far:\n${boundedOutput(exit.output)}` };
}

/** Undefined when the command may run. */
async function permission(wanted: WantedCommand, context: ToolContext): Promise<ToolOutput | undefined> {
  const key = JSON.stringify([wanted.cwd, wanted.argv]);
  const decision = decideCommand(context.settings, { granted: context.approvals.isGranted(key) });
  if (decision.kind === "run") return undefined;
  const { argv: command } = wanted;
  if (decision.kind === "refuse") return { status: "failed", output: decision.reason, declined: true, command };
  const answer = await context.approve({
    type: "exec_approval_request",
    call_id: context.callId,
    command: [...command],
    cwd: wanted.cwd,
    reason: [wanted.justification, decision.reason].filter((text) => text !== undefined).join(" — ") || null,
  });
  if (answer === "approved_for_session") context.approvals.grant(key);
  if (answer === "approved" || answer === "approved_for_session") return undefined;
  return { status: "failed", output: "exec command rejected by user", declined: true, command };
}

function execute(wanted: WantedCommand, context: ToolContext): Promise<Exit> {
  const tokens = Math.min(wanted.maxTokens ?? context.outputTokens, context.outputTokens);
  const half = Math.floor((tokens * BYTES_PER_TOKEN) / 2);
  return run(
    { argv: wanted.argv, cwd: wanted.cwd, env: context.env },
    {
      signal: context.signal,
      timeoutMs: wanted.timeoutMs,
      keep: { head: half, tail: half },
      onOutput: (stream, chunk) =>
        context.emit({ type: "exec_command_output_delta", call_id: context.callId, stream, chunk }),
    },
  );
}

function endEvent(callId: string, exit: Exit): EventMsg {
  return {
    type: "exec_command_end",
    call_id: callId,
    stdout: boundedOutput(exit.stdout),
    stderr: exit.end === "not_started" ? (exit.error ?? "") : boundedOutput(exit.stderr),
    exit_code: exitCode(exit),
    duration: duration(exit.durationMs),
    aggregated_output: boundedOutput(exit.output),
    end: exit.end,
  };
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

function processOutcome(exit: Exit): "exited" | "killed" | "may_survive" {
  if (exit.end === "exited" || exit.end === "signalled") return "exited";
  return exit.contained ? "killed" : "may_survive";
}
