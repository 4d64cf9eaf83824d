import type { AskForApproval, SandboxPolicy } from "../../protocol/index.js";

/**
 * What the settings say of an action. `run` is with full access, `confine` within the walls of the sandbox mode. `reason` is
 * shown to the user, or to the model when it is refused.
 */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "ask"; readonly reason: string | undefined }
  | { readonly kind: "refuse"; readonly reason: string };

export type CommandDecision = Decision | { readonly kind: "confine" };

interface Policies {
  readonly approvalPolicy: AskForApproval;
  readonly sandboxPolicy: SandboxPolicy;
}

/** What is known of a command and of the machine. */
export interface KnownOfCommand {
  /** The user allowed it for this session. */
  readonly granted: boolean;
  /** The model asks for full access. */
  readonly escalated: boolean;
  /** Why this machine can't confine commands; undefined when it can. */
  readonly unconfinable: string | undefined;
}

/**
 * Whether a command may run, and how. What was approved runs with full access. Where commands can't be confined, a mode that
 * asks for it lets them run only when a person approves, and not at all when nobody may be asked.
 */
export function decideCommand({ approvalPolicy, sandboxPolicy }: Policies, known: KnownOfCommand): CommandDecision {
  if (known.granted) return { kind: "run" };
  if (approvalPolicy === "untrusted") return { kind: "ask", reason: undefined };
  if (sandboxPolicy.mode === "danger-full-access") return { kind: "run" };
  if (known.unconfinable === undefined) {
    if (!known.escalated || approvalPolicy === "never") return { kind: "confine" };
    return { kind: "ask", reason: `it would run outside of the sandbox (${sandboxPolicy.mode})` };
  }
  const unconfined = `sandbox mode ${sandboxPolicy.mode} can't be kept here: ${known.unconfinable}`;
  if (approvalPolicy !== "never") return { kind: "ask", reason: `${unconfined}. It would run with full access` };
  return {
    kind: "refuse",
    reason: `the command was not run. ${unconfined}. Approval policy "never" forbids asking. Patches and answers still work; the user can allow commands with sandbox mode danger-full-access.`,
  };
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
      : "it writes outside of the writable folders, or into .git or a folder of agent settings";
  if (approvalPolicy !== "never") return { kind: "ask", reason: outside };
  return { kind: "refuse", reason: `patch rejected: ${outside}, and approval policy "never" forbids asking` };
}
