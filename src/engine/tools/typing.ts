import { isDeepStrictEqual } from "node:util";
import type { SandboxPolicy } from "../../protocol/index.js";
import type { Verdict } from "../../rules/index.js";
import type { Settings } from "../settings.js";
import type { TerminalStart } from "../terminal.js";
import type { Decision } from "./decision.js";

type Now = Pick<Settings, "approvalPolicy" | "sandboxPolicy" | "cwd">;
type Where = Pick<TerminalStart, "policy" | "place">;

/**
 * Whether the model may type into a terminal. What is typed may be a command, and it runs with what the terminal was
 * given, not with what commands are given now: an approval was for the command that started it. So it is free only where a
 * command could do as much unasked. `verdict`: what rules say of the text as a script. They can only forbid and ask: it may
 * be no script, or half a line of one.
 */
export function decideTyping(
  { approvalPolicy, sandboxPolicy, cwd }: Now,
  terminal: Where,
  verdict: Pick<Verdict, "kind" | "reason">,
): Decision {
  if (verdict.kind === "forbid") return { kind: "refuse", reason: `nothing was typed: ${verdict.reason}` };
  if (verdict.kind === "ask") return askOr(approvalPolicy, verdict.reason);
  if (approvalPolicy === "untrusted") return { kind: "ask", reason: "it types into a running program" };
  if (sandboxPolicy.mode === "danger-full-access" || isNoWider(terminal, sandboxPolicy, cwd)) return { kind: "run" };
  const reason = `it types into a program that runs with ${terminal.policy.mode}, more than commands are given now (${sandboxPolicy.mode})`;
  return askOr(approvalPolicy, reason);
}

function askOr(approvalPolicy: Now["approvalPolicy"], reason: string): Decision {
  if (approvalPolicy !== "never") return { kind: "ask", reason };
  return { kind: "refuse", reason: `nothing was typed: ${reason}, and approval policy "never" forbids asking` };
}

/** Conservative: what is not surely as narrow counts as wider. */
function isNoWider({ policy, place }: Where, now: SandboxPolicy, cwd: string): boolean {
  if (policy.mode === "read-only") return true;
  return policy.mode === "workspace-write" && isDeepStrictEqual(policy, now) && place.cwd === cwd;
}
