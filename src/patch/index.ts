export { type ApplyFailure, type ApplyOptions, applyPlan } from "./apply.js";
export { describeChanges, type PlannedFile, unifiedDiff } from "./diff.js";
export { joined } from "./edit.js";
export { type FileOps, type FileStat, nodeFileOps } from "./file-ops.js";
export { parsePatch } from "./parse.js";
export type { Hunk, HunkLine, Patch, Refusal, Section } from "./patch.js";
export { insideRoots, realRoots } from "./paths.js";
export { type PatchPlan, type PlanOptions, planPatch } from "./plan.js";
export { type RecoveredPatch, type RecoverOptions, recoverPatches } from "./recover.js";
