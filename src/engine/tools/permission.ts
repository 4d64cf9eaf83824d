import type { EventOf, SandboxPolicy } from "../../protocol/index.js";
import { type Judgement, judgeCommand } from "./command-verdict.js";
import { decideCommand } from "./decision.js";
import { keepRule } from "./kept-rule.js";
import { parseCommand } from "./parsed-command.js";
import { userShell } from "./shell-command.js";
import type { ToolContext, ToolOutput } from "./tool.js";

export const FULL_ACCESS: SandboxPolicy = { mode: "danger-full-access" };

/** What of a command decides whether it may run; `cwd` is absolute. */
export interface AskedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The model asks to run it outside of the sandbox. */
  readonly escalated: boolean;
  /** The model's own words on why, shown with an approval request. */
  readonly justification: string | undefined;
}

/** `policy`: what the command must run under. */
export type Permission =
  | { readonly granted: true; readonly policy: SandboxPolicy; readonly judgement: Judgement }
  | { readonly granted: false; readonly refusal: ToolOutput };

/** Decides by rules, earlier answers and the settings, and asks where a person must. Throws when the call is cancelled. */
export async function askPermission(wanted: AskedCommand, context: ToolContext): Promise<Permission> {
  const { argv: command, cwd, escalated } = wanted;
  const judgement = await judgeCommand({ ...context, argv: command, cwd });
  for (const message of judgement.problems) void context.emit({ type: "background_event", message });
  const level = await context.sandboxLevel();
  const unconfinable = level.walls === undefined ? level.reasons.walls.join("; ") : undefined;
  const decision = decideCommand(context.settings, { ...judgement, escalated, unconfinable });
  if (decision.kind === "run") return { granted: true, policy: FULL_ACCESS, judgement };
  if (decision.kind === "confine") return { granted: true, policy: decision.policy, judgement };
  const refuse = (output: string): Permission => ({
    granted: false,
    refusal: { status: "failed", output, declined: true, command },
  });
  if (decision.kind === "refuse") return refuse(decision.reason);
  const reason = [wanted.justification, decision.reason].filter((text) => text !== undefined).join(" — ") || null;
  const approved = await requestApproval({ command, cwd, reason, judgement }, context);
  return approved ? { granted: true, policy: FULL_ACCESS, judgement } : refuse("exec command rejected by user");
}

/**
 * Asks whether a command may run with full access, and keeps the answer as far as it goes: for the session, or as a rule. False:
 * no. Throws when the call is cancelled.
 */
export async function requestApproval(
  asked: Pick<EventOf<"exec_approval_request">, "cwd" | "reason"> & {
    readonly command: readonly string[];
    readonly judgement: Judgement;
  },
  context: ToolContext,
): Promise<boolean> {
  const { command, cwd, reason, judgement } = asked;
  const proposal = await judgement.proposal();
  const answer = await context.approve({
    type: "exec_approval_request",
    call_id: context.callId,
    command: [...command],
    cwd,
    reason,
    parsed_cmd: parseCommand(command, userShell(context.env)),
    ...(proposal === undefined ? {} : { proposed_execpolicy_amendment: [...proposal.prefix] }),
  });
  const isKept = typeof answer === "object" && (await keepRule(answer, proposal, context));
  // What could not be kept for good is not asked again in this session at least.
  const isForSession = answer === "approved_for_session" || (typeof answer === "object" && !isKept);
  if (isForSession) context.approvals.grant((await judgement.reading()).key);
  return isForSession || isKept || answer === "approved";
}
