import type { AskForApproval, SandboxPolicy } from "../../protocol/index.js";
import type { Verdict } from "../../rules/index.js";

/**
 * What the settings say of an action. `run` is with full access, `confine` within the walls of the sandbox mode. `reason` is
 * shown to the user, or to the model when it is refused.
 */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "ask"; readonly reason: string | undefined }
  | { readonly kind: "refuse"; readonly reason: string };

export type CommandDecision = Decision | { readonly kind: "confine"; readonly policy: SandboxPolicy };

interface Policies {
  readonly approvalPolicy: AskForApproval;
  readonly sandboxPolicy: SandboxPolicy;
}

/** What is known of a command and of the machine. */
export interface KnownOfCommand {
  /** The user allowed it for this session. */
  readonly granted: boolean;
  /** What rules and the list of safe programs say of it. */
  readonly verdict: Pick<Verdict, "kind" | "walled" | "reason">;
  /** The model asks for full access. */
  readonly escalated: boolean;
  /** Why this machine can't confine commands; undefined when it can. */
  readonly unconfinable: string | undefined;
}

/**
 * Whether a command may run, and how. What was approved, or is allowed by a rule, runs with full access; what a rule forbids
 * never runs. Where commands can't be confined, a mode that asks for it lets them run only when a person approves, and not at
 * all when nobody may be asked.
 */
export function decideCommand({ approvalPolicy, sandboxPolicy }: Policies, known: KnownOfCommand): CommandDecision {
  const { verdict } = known;
  if (verdict.kind === "forbid") return { kind: "refuse", reason: `the command was not run: ${verdict.reason}` };
  if (known.granted || verdict.kind === "allow") return { kind: "run" };
  if (verdict.kind === "ask" && approvalPolicy !== "never") return { kind: "ask", reason: verdict.reason };
  if (verdict.kind === "ask") {
    const reason = `the command was not run: ${verdict.reason}, and approval policy "never" forbids asking`;
    return { kind: "refuse", reason };
  }
  if (approvalPolicy === "untrusted") return decideUntrusted(sandboxPolicy, known);
  if (sandboxPolicy.mode === "danger-full-access") return { kind: "run" };
  if (known.unconfinable === undefined) {
    if (!known.escalated || approvalPolicy === "never") return { kind: "confine", policy: sandboxPolicy };
    return { kind: "ask", reason: `it would run outside of the sandbox (${sandboxPolicy.mode})` };
  }
  const unconfined = unkept(sandboxPolicy, known.unconfinable);
  if (approvalPolicy !== "never") return { kind: "ask", reason: `${unconfined}. It would run with full access` };
  return {
    kind: "refuse",
    reason: `the command was not run. ${unconfined}. Approval policy "never" forbids asking. Patches and answers still work; the user can allow commands with sandbox mode danger-full-access.`,
  };
}

/**
 * Only what is known to be safe runs unasked, and whatever the mode, where there are walls it runs within those of
 * read-only: it needs no more.
 */
function decideUntrusted(policy: SandboxPolicy, { verdict, escalated, unconfinable }: KnownOfCommand): CommandDecision {
  if (verdict.kind !== "safe" || escalated) return { kind: "ask", reason: undefined };
  if (unconfinable === undefined) return { kind: "confine", policy: { mode: "read-only" } };
  if (policy.mode !== "danger-full-access") {
    return { kind: "ask", reason: `${unkept(policy, unconfinable)}. It would run with full access` };
  }
  if (!verdict.walled) return { kind: "run" };
  const reason = `files of the project may make it run other programs, and it can't be confined here: ${unconfinable}`;
  return { kind: "ask", reason };
}

function unkept({ mode }: SandboxPolicy, why: string): string {
  return `sandbox mode ${mode} can't be kept here: ${why}`;
}

/** Whether a patch may be applied; `inside`: every path it writes, with links resolved, lies in a writable root and in no guarded folder there. */
export function decidePatch(
  { approvalPolicy, sandboxPolicy }: Policies,
  target: { readonly inside: boolean },
): Decision {
  if (approvalPolicy === "untrusted") return { kind: "ask", reason: undefined };
  if (sandboxPolicy.mode === "danger-full-access" || target.inside) return { kind: "run" };
  const outside =
    sandboxPolicy.mode === "read-only"
      ? "the sandbox mode is read-only"
      : "it writes outside of the writable folders, or into .git or a folder of settings of agents or editors";
  if (approvalPolicy !== "never") return { kind: "ask", reason: outside };
  return { kind: "refuse", reason: `patch rejected: ${outside}, and approval policy "never" forbids asking` };
}
