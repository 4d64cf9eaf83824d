import { findGitRoot } from "../../config/index.js";
import type { SandboxPolicy } from "../../protocol/index.js";

/**
 * The folders in which a command's changes are looked after: those it may write in, or with full access the project's; not
 * the temporary ones. Empty: it can't change anything.
 */
export function changeableRoots(policy: SandboxPolicy, cwd: string): string[] {
  if (policy.mode === "read-only") return [];
  if (policy.mode === "workspace-write") return [cwd, ...policy.writable_roots];
  return [findGitRoot(cwd) ?? cwd];
}
