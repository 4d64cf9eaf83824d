import type { AskForApproval, SandboxPolicy } from "../../protocol/index.js";

/** What the settings say of an action. `reason` is shown to the user, or to the model when it is refused. */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "ask"; readonly reason: string | undefined }
  | { readonly kind: "refuse"; readonly reason: string };

interface Policies {
  readonly approvalPolicy: AskForApproval;
  readonly sandboxPolicy: SandboxPolicy;
}

/**
 * Whether a command may run. Commands can't be confined in this version: under a mode that asks for confinement they run
 * only when a person approves them, and not at all when nobody may be asked.
 */
export function decideCommand(
  { approvalPolicy, sandboxPolicy }: Policies,
  known: { readonly granted: boolean },
): Decision {
  if (known.granted) return { kind: "run" };
  if (sandboxPolicy.mode === "danger-full-access") {
    return approvalPolicy === "untrusted" ? { kind: "ask", reason: undefined } : { kind: "run" };
  }
  const unconfined = `sandbox mode ${sandboxPolicy.mode} can't confine commands in this version of Belay`;
  if (approvalPolicy !== "never") return { kind: "ask", reason: `${unconfined}: it would run with full access` };
  return {
    kind: "refuse",
    reason: `${unconfined}, and approval policy "never" forbids asking: the command was not run. Patches and answers still work; the user can allow commands with sandbox mode danger-full-access.`,
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
