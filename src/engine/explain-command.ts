import { resolve } from "node:path";
import type { Config } from "../config/index.js";
import type { RuleSet, Verdict } from "../rules/index.js";
import { probe } from "../sandbox/index.js";
import { Approvals } from "./approvals.js";
import { CommandRules } from "./command-rules.js";
import { judgeCommand } from "./tools/command-verdict.js";
import { type CommandDecision, decideCommand } from "./tools/decision.js";
import { scriptArgv, userShell } from "./tools/shell-command.js";

/** What would become of a command if a model asked for it now. */
export interface CommandExplanation {
  readonly argv: readonly string[];
  readonly verdict: Verdict;
  readonly decision: CommandDecision;
  /** The words of a rule that would allow it for good; undefined when none is good, or none is needed. */
  readonly proposal: readonly string[] | undefined;
  /** Mistakes in rules files, for people. */
  readonly problems: readonly string[];
}

/** Decides about a command as a conversation does, and runs nothing but the trial of this machine's walls. */
export async function explainCommand(
  config: Config,
  command: { readonly argv: readonly string[] } | { readonly script: string },
  signal: AbortSignal,
): Promise<CommandExplanation> {
  const { cwd, home, commandEnv: env, approvalPolicy, sandboxPolicy } = config;
  const argv = "argv" in command ? command.argv : scriptArgv(userShell(env), command.script, { login: true });
  const settings = { cwd, approvalPolicy, sandboxPolicy };
  const rules = new CommandRules(config);
  const judgement = await judgeCommand({
    ...{ argv, cwd: resolve(cwd), env, settings, rules, approvals: new Approvals() },
    thorough: true,
  });
  const { walls, reasons } = await probe({ cwd, home }, { env, signal });
  const unconfinable = walls === undefined ? reasons.walls.join("; ") : undefined;
  const decision = decideCommand(settings, { ...judgement, escalated: false, unconfinable });
  const proposal = decision.kind === "ask" ? (await judgement.proposal())?.prefix : undefined;
  return { argv, verdict: judgement.verdict, decision, proposal, problems: judgement.problems };
}

/** The rules that hold in a folder. */
export function listRules(config: Config): Promise<RuleSet> {
  return new CommandRules(config).current();
}
