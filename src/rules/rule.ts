export type RuleDecision = "allow" | "ask" | "forbid";

/** What a rules file says of the commands that begin with some words. */
export interface Rule {
  readonly prefix: readonly string[];
  /** The whole command, with nothing behind the prefix. */
  readonly exact: boolean;
  readonly decision: RuleDecision;
  /** Where it holds; undefined: everywhere. `folder` is absolute; `below`: and in all folders in it. */
  readonly cwd: { readonly folder: string; readonly below: boolean } | undefined;
  readonly reason: string | undefined;
  readonly path: string;
  /** From 1; undefined when it can't be told. */
  readonly line: number | undefined;
}

/** The text of a rules file, and whose it is. */
export interface RuleSource {
  readonly path: string;
  readonly text: string;
  /** Of the user, or of a project whose content the user trusts. */
  readonly origin: "home" | "project";
}

/** Something wrong with a rules file: where, what, what becomes of it, what to do; a line for people. */
export interface RuleProblem {
  readonly message: string;
  /** A rule that forbids or asks may be lost: until it is mended, nothing is allowed by rules. */
  readonly suspends: boolean;
}

/** All rules that hold. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly problems: readonly RuleProblem[];
}

/** Where a rule stands, for people: FILE:LINE. */
export function placeOf({ path, line }: Pick<Rule, "path" | "line">): string {
  return line === undefined ? path : `${path}:${line}`;
}
