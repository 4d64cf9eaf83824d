import type { Area } from "../../checkpoint/index.js";
import { findGitRoot } from "../../config/index.js";
import type { SandboxPolicy } from "../../protocol/index.js";
import type { Settings } from "../settings.js";
import type { Judgement } from "./command-verdict.js";
import { isReadingCommand } from "./shell-command.js";

/**
 * The folders in which a command's changes are looked after: those it may write in, or with full access the project's; not
 * the temporary ones. Empty: it can't change anything.
 */
export function changeableRoots(policy: SandboxPolicy, cwd: string): string[] {
  if (policy.mode === "read-only") return [];
  if (policy.mode === "workspace-write") return [cwd, ...policy.writable_roots];
  return [findGitRoot(cwd) ?? cwd];
}

interface Granted {
  readonly argv: readonly string[];
  readonly policy: SandboxPolicy;
  readonly judgement: Judgement;
}

/** Where a command may change files, as far as that is looked after; undefined where it can't, or surely does not. */
export function areaOf(
  { argv, policy, judgement }: Granted,
  { settings }: { readonly settings: Settings },
): Area | undefined {
  const { kind, walled } = judgement.verdict;
  if ((kind === "safe" && !walled) || isReadingCommand(argv)) return undefined;
  return areaOfPolicy(policy, settings.cwd);
}

/** The same of a command of which nothing is known. */
export function areaOfPolicy(policy: SandboxPolicy, cwd: string): Area | undefined {
  const roots = changeableRoots(policy, cwd);
  return roots.length === 0 ? undefined : { roots };
}
