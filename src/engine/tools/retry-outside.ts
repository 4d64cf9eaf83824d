import type { Exit } from "../../process/index.js";
import type { SandboxPolicy } from "../../protocol/index.js";
import { findDenial } from "../../sandbox/index.js";
import type { Judgement } from "./command-verdict.js";
import { requestApproval } from "./permission.js";
import type { ToolContext, ToolOutput } from "./tool.js";

/** How a command fared once; `exit` undefined: it was not started. */
export interface Attempt {
  readonly output: ToolOutput;
  readonly exit: Exit | undefined;
}

interface Denied {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Under which it ran. */
  readonly policy: SandboxPolicy;
  readonly attempt: Attempt;
  readonly judgement: Judgement;
}

/**
 * What becomes of a command that ran within its walls. When it failed and there is evidence that the sandbox was the cause, the
 * model is told, and where the policy lets people be asked after the fact, the user may have it run again with full
 * access (`again`). The output is that of both runs.
 */
export async function retryOutside(
  denied: Denied,
  context: ToolContext,
  again: () => Promise<Attempt>,
): Promise<ToolOutput> {
  const { output } = denied.attempt;
  const reason = reasonOf(denied);
  if (reason === undefined || output.status !== "done" || typeof output.output !== "string") return output;
  const cause = `The sandbox (${denied.policy.mode}) was probably the cause: ${reason}.`;
  const told = `${output.output}\nNote: ${cause}`;
  const { approvalPolicy } = context.settings;
  if (approvalPolicy !== "on-failure" && approvalPolicy !== "on-request") return { ...output, output: told };
  const answer = await ask(denied, cause, context);
  if (answer === undefined) return { status: "cut", output: `Output so far:\n${told}` };
  if (!answer) {
    return { ...output, output: `${told} The user was asked to let it run outside of the sandbox, and declined.` };
  }
  const second = await again();
  const introduction = `${told} The user let it run again outside of the sandbox:`;
  if (typeof second.output.output !== "string") return second.output;
  return { ...second.output, output: `${introduction}\n${second.output.output}` };
}

function reasonOf({ attempt: { exit }, policy, cwd }: Denied): string | undefined {
  if (exit === undefined || (exit.end !== "exited" && exit.end !== "signalled")) return undefined;
  const { head, tail } = exit.output.parts();
  return findDenial({ text: `${head}\n${tail}`, code: exit.code, cwd, policy });
}

/** Undefined when the call was cancelled while it waited. */
async function ask({ argv, cwd, judgement }: Denied, cause: string, context: ToolContext) {
  try {
    const reason = `it failed. ${cause} Run it again with full access?`;
    return await requestApproval({ command: argv, cwd, reason, judgement }, context);
  } catch (error) {
    // The turn was stopped: the first run is done, and its output is kept.
    if (context.signal.aborted) return undefined;
    throw error;
  }
}
