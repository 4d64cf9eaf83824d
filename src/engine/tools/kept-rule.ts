import type { ReviewDecision } from "../../protocol/index.js";
import type { Proposal } from "../../rules/index.js";
import type { ToolContext } from "./tool.js";

type Amendment = Exclude<ReviewDecision, string>;

/**
 * Keeps the rule that a person approved for good. False, and told, when it is not the one that was proposed (a rule that
 * nobody weighed is not written), or when it could not be written.
 */
export async function keepRule(
  { approved_execpolicy_amendment: { proposed_execpolicy_amendment: wanted } }: Amendment,
  proposal: Proposal | undefined,
  context: ToolContext,
): Promise<boolean> {
  const say = (message: string) => void context.emit({ type: "background_event", message });
  if (proposal === undefined || JSON.stringify(wanted) !== JSON.stringify(proposal.prefix)) {
    say(
      `no rule was kept: ${JSON.stringify(wanted)} is not what was proposed. The command is approved for this session`,
    );
    return false;
  }
  context.signal.throwIfAborted();
  const saved = await context.rules.save(proposal, context.signal);
  if (!saved.ok) say(`no rule was kept: ${saved.message}. The command is approved for this session`);
  return saved.ok;
}
