import { delimiter, isAbsolute, relative } from "node:path";
import { realPath } from "../../base/index.js";
import { judge, type Proposal, proposeRule, type Reading, readCommand, type Verdict } from "../../rules/index.js";
import type { Approvals } from "../approvals.js";
import type { CommandRules } from "../command-rules.js";
import type { Settings } from "../settings.js";
import { userShell } from "./shell-command.js";

/** A command, and all that decides about it. */
export interface CommandInQuestion {
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly settings: Pick<Settings, "cwd" | "approvalPolicy">;
  readonly rules: CommandRules;
  readonly approvals: Approvals;
  /** Also where nothing depends on it, for somebody who wants to know. */
  readonly thorough?: boolean;
}

/** What rules and earlier answers say of a command. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Approved for the session, in whatever spelling. */
  readonly granted: boolean;
  /** Mistakes in rules files that nobody was told of yet, for people. */
  readonly problems: readonly string[];
  /** What the command comes to; its key is what a grant is kept by. */
  reading(): Promise<Reading>;
  /** A rule that would allow it for good; undefined when none is good. */
  proposal(): Promise<Proposal | undefined>;
}

const UNRULED: Verdict = { kind: "none", walled: false, reason: "there are no rules", parts: [] };

/** Looks a command up. It is parsed only where that can change anything: not without rules and grants where nobody is asked. */
export async function judgeCommand(command: CommandInQuestion): Promise<Judgement> {
  const { settings, env, approvals, rules } = command;
  const set = await rules.current();
  let read: Promise<Reading> | undefined;
  const reading = () => {
    read ??= readCommand({ ...command, shell: userShell(env), cdPath: env.CDPATH !== undefined });
    return read;
  };
  const isOpen = set.rules.length === 0 && settings.approvalPolicy !== "untrusted" && command.thorough !== true;
  const verdict = isOpen ? UNRULED : besidePath(judge(await reading(), set), command);
  return {
    verdict,
    granted: approvals.hasGrants && approvals.isGranted((await reading()).key),
    problems: rules.takeProblems(set),
    reading,
    proposal: async () => {
      // Without rules nothing was looked up yet.
      const found = isOpen ? judge(await reading(), set) : verdict;
      return proposeRule(await reading(), found, realPath(settings.cwd) ?? settings.cwd);
    },
  };
}

/** Where PATH leads into the folder worked in, `ls` may be a program of that folder: safe within walls alone. */
function besidePath(verdict: Verdict, { env, settings, cwd }: CommandInQuestion): Verdict {
  if (verdict.kind !== "safe") return verdict;
  const folders = (env.PATH ?? "").split(delimiter);
  const own = folders.some((folder) => !isAbsolute(folder) || isBelow(folder, settings.cwd) || isBelow(folder, cwd));
  return own ? { ...verdict, walled: true } : verdict;
}

function isBelow(folder: string, top: string): boolean {
  return !/^\.\.(?:\/|$)/.test(relative(top, folder));
}
