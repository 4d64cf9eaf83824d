import type { Config } from "../../config/index.js";
import type { CommandExplanation } from "../../engine/index.js";
import { placeOf, type Rule, type RuleSet, shown } from "../../rules/index.js";

type Explained = CommandExplanation;

/** 0 it runs unasked, 1 it is asked about, 3 it is refused. */
export function codeOf({ kind }: Explained["decision"]): number {
  return { run: 0, confine: 0, ask: 1, refuse: 3 }[kind];
}

/** The parts of a command with the rules that match, then what comes of it, for people. */
export function explanationText(explained: Explained, config: Config): string {
  const { verdict, decision, proposal } = explained;
  const parts = verdict.parts.map(
    (part) => `${SAYS[part.by]}  ${part.command}${part.rule ? `\n        ${ruleText(part.rule)}` : ""}\n`,
  );
  const reason = `${VERDICTS[verdict.kind]}: ${verdict.reason}\n`;
  const because = "reason" in decision && decision.reason !== undefined ? `: ${decision.reason}` : "";
  const always = proposal === undefined ? "" : `"always" would keep: allow ${shown(proposal)}\n`;
  return `${parts.join("")}${reason}${OUTCOMES[decision.kind](decision)}${because}\n${always}${settingsText(config)}`;
}

const VERDICTS = {
  forbid: "forbidden",
  ask: "to be asked about",
  allow: "allowed",
  safe: "safe",
  none: "not covered",
} as const;

const SAYS = { rule: "rule  ", safe: "safe  ", walled: "walled", nothing: "no rule" } as const;

const OUTCOMES: Readonly<Record<Explained["decision"]["kind"], (decision: Explained["decision"]) => string>> = {
  run: () => "It would run without a question, with full access",
  confine: (decision) =>
    `It would run without a question, within the walls of ${decision.kind === "confine" ? decision.policy.mode : ""}`,
  ask: () => "It would be asked about",
  refuse: () => "It would be refused",
};

function settingsText({ approvalPolicy, sandboxPolicy, cwd }: Config): string {
  return `(approval policy ${approvalPolicy}, sandbox mode ${sandboxPolicy.mode}, in ${cwd})\n`;
}

/** The same for programs. */
export function explanationJson(explained: Explained, { approvalPolicy, sandboxPolicy, cwd }: Config): object {
  const { argv, verdict, decision, proposal, problems } = explained;
  return {
    command: argv,
    cwd,
    approval_policy: approvalPolicy,
    sandbox_mode: sandboxPolicy.mode,
    outcome: decision.kind,
    ...(decision.kind === "confine" ? { confined_to: decision.policy.mode } : {}),
    ...("reason" in decision && decision.reason !== undefined ? { reason: decision.reason } : {}),
    verdict: verdict.kind,
    because: verdict.reason,
    parts: verdict.parts.map(({ command, by, rule }) => ({ command, by, ...(rule ? { rule: ruleJson(rule) } : {}) })),
    ...(proposal === undefined ? {} : { proposed_execpolicy_amendment: proposal }),
    problems,
  };
}

/** The rules in the order of their files, for people. */
export function rulesText({ rules, problems }: RuleSet, { home }: Config): string {
  if (rules.length > 0) return rules.map((rule) => `${ruleText(rule)}\n`).join("");
  return problems.length > 0 ? "" : `There are no rules; they would stand in ${home}/rules.toml\n`;
}

export function rulesJson({ rules, problems }: RuleSet): object {
  return { rules: rules.map(ruleJson), problems: problems.map(({ message }) => message) };
}

function ruleText(rule: Rule): string {
  const whole = rule.exact ? " (and nothing behind it)" : "";
  const where = rule.cwd === undefined ? "" : ` in ${folderOf(rule.cwd)}`;
  const reason = rule.reason === undefined ? "" : `: ${rule.reason}`;
  return `${rule.decision.padEnd(6)}  ${shown(rule.prefix)}${whole}${where}  ${placeOf(rule)}${reason}`;
}

function ruleJson({ prefix, exact, decision, cwd, reason, path, line }: Rule): object {
  return {
    ...{ prefix, exact, decision, cwd: cwd === undefined ? null : folderOf(cwd) },
    ...{ reason: reason ?? null, path, line: line ?? null },
  };
}

function folderOf({ folder, below }: NonNullable<Rule["cwd"]>): string {
  return below ? `${folder === "/" ? "" : folder}/**` : folder;
}
