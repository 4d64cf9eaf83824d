import type { Part, Reading } from "./command.js";
import { covers, recognises } from "./match.js";
import { placeOf, type Rule, type RuleSet } from "./rule.js";
import { safetyOf } from "./safe.js";

/** What rules and the list of safe programs say of one part of a command. */
export interface PartVerdict {
  /** The words as a shell would take them; of a script that is not understood, as far as they can be told. */
  readonly command: string;
  readonly by: "rule" | "safe" | "walled" | "nothing";
  /** The strictest rule that matches. */
  readonly rule: Rule | undefined;
}

/**
 * What they say of the whole, with the reason for people. `forbid`, `ask`: a rule does. `allow`: each part is allowed by a
 * rule or safe, at least one by a rule. `safe`: all are on the list; with `walled`, within walls alone. `none`: anything else.
 */
export interface Verdict {
  readonly kind: "forbid" | "ask" | "allow" | "safe" | "none";
  readonly walled: boolean;
  readonly reason: string;
  readonly parts: readonly PartVerdict[];
}

/** Looks a command up in the rules; the strictest counts. What is not understood is allowed by nothing. */
export function judge(reading: Reading, set: RuleSet): Verdict {
  const parts = reading.ok
    ? reading.parts.map((part) => judgePart(part, set.rules))
    : judgeMentions(reading, set.rules);
  const strictest =
    parts.find(({ rule }) => rule?.decision === "forbid") ?? parts.find(({ rule }) => rule?.decision === "ask");
  const verdict = (kind: Verdict["kind"], reason: string): Verdict => ({
    kind,
    walled: parts.some(({ by }) => by === "walled"),
    reason,
    parts,
  });
  if (strictest?.rule?.decision === "forbid")
    return verdict("forbid", `${sayRule(strictest.rule)} forbids ${strictest.command}`);
  if (strictest?.rule !== undefined)
    return verdict("ask", `${sayRule(strictest.rule)} wants ${strictest.command} asked about`);
  if (!reading.ok) return verdict("none", `the command is not understood: ${reading.why}`);
  if (parts.every(({ by }) => by === "safe" || by === "walled")) return verdict("safe", "it only reads");
  const open = parts.find(({ by }) => by === "nothing") ?? parts.find(({ by }) => by === "walled");
  if (open?.by === "nothing") return verdict("none", `no rule speaks of ${open.command}`);
  if (open !== undefined) return verdict("none", `${open.command} is safe within walls alone, and no rule allows it`);
  const allowing = parts.find(({ rule }) => rule !== undefined)?.rule;
  const suspension = set.problems.find((problem) => problem.suspends);
  if (suspension !== undefined)
    return verdict("ask", `the rules can't be trusted to be complete: ${suspension.message}`);
  return verdict("allow", allowing === undefined ? "" : `${sayRule(allowing)} allows ${shown(allowing.prefix)}`);
}

const STRICTNESS = { allow: 0, ask: 1, forbid: 2 } as const;

function judgePart(part: Part, rules: readonly Rule[]): PartVerdict {
  const matching = rules.filter((rule) =>
    rule.decision === "allow"
      ? covers(rule, part)
      : part.mentioned.some((mention) => recognises(rule, mention, part.cwd)),
  );
  const rule = strictestOf(matching);
  const command = shown(part.words);
  if (rule !== undefined) return { command, by: "rule", rule };
  const safety = safetyOf(part.words);
  return { command, by: safety === undefined ? "nothing" : safety === "open" ? "safe" : "walled", rule: undefined };
}

function judgeMentions({ mentioned }: Extract<Reading, { ok: false }>, rules: readonly Rule[]): PartVerdict[] {
  const strict = rules.filter((rule) => rule.decision !== "allow");
  return mentioned.flatMap((mention) => {
    const rule = strictestOf(strict.filter((one) => recognises(one, mention, undefined)));
    return rule === undefined ? [] : [{ command: shown(mention.words), by: "rule" as const, rule }];
  });
}

function strictestOf(rules: readonly Rule[]): Rule | undefined {
  return rules.toSorted((a, b) => STRICTNESS[b.decision] - STRICTNESS[a.decision])[0];
}

function sayRule(rule: Rule): string {
  return `${placeOf(rule)}${rule.reason === undefined ? "" : ` (${rule.reason})`}`;
}

/** The longest command that a reason quotes, in characters. */
const MAX_SHOWN = 200;

/** Words as a person would type them; cut when long. */
export function shown(words: readonly (string | undefined)[]): string {
  const text = words
    .map((word) =>
      word === undefined ? "…" : /^[A-Za-z0-9_./:=@%+,~^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
    )
    .join(" ");
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
