import * as v from "valibot";

/** When a person is asked before a command runs or a patch is applied. */
export const askForApprovalSchema = v.picklist(["untrusted", "on-failure", "on-request", "never"]);

/** What commands may touch. Paths are absolute. */
export const sandboxPolicySchema = v.variant("mode", [
  v.object({ mode: v.literal("danger-full-access") }),
  v.object({ mode: v.literal("read-only") }),
  v.object({
    mode: v.literal("workspace-write"),
    writable_roots: v.optional(v.array(v.string()), []),
    network_access: v.optional(v.boolean(), false),
    exclude_tmpdir_env_var: v.optional(v.boolean(), false),
    exclude_slash_tmp: v.optional(v.boolean(), false),
  }),
]);

/**
 * Which level of containment is in force in a mode. `walls`: the mode is kept; `partial`: but for system calls; `cage`: full access, in a PID namespace;
 * `none`: in a confined mode no command runs unasked, full access has no PID namespace (`summary` says what a stop then
 * reaches).
 */
export const sandboxLevelSchema = v.object({
  mode: v.picklist(["read-only", "workspace-write", "danger-full-access"]),
  level: v.picklist(["walls", "partial", "cage", "none"]),
  /** For people, as is `missing`: what is missing and what to do about it. */
  summary: v.string(),
  missing: v.array(v.string()),
});

/** The answer to an approval request; `abort` also interrupts the turn. */
export const reviewDecisionSchema = v.picklist(["approved", "approved_for_session", "denied", "abort"]);

/** The answer to a request for a command: also "always", with the rule that was proposed (Codex 0.169). */
export const execDecisionSchema = v.union([
  ...reviewDecisionSchema.options.map((option) => v.literal(option)),
  v.object({
    approved_execpolicy_amendment: v.object({ proposed_execpolicy_amendment: v.array(v.string()) }),
  }),
]);

export const reasoningEffortSchema = v.picklist(["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"]);
/** How much a model says: OpenAI's `text.verbosity`. */
export const verbositySchema = v.picklist(["low", "medium", "high"]);
export const reasoningSummarySchema = v.picklist(["auto", "concise", "detailed", "none"]);

/** What a patch does to one file, keyed by absolute path where it stands; `unified_diff` starts at its first `@@` line. */
export const fileChangeSchema = v.union([
  v.literal("delete"),
  v.object({ add: v.object({ content: v.string() }) }),
  v.object({ update: v.object({ unified_diff: v.string(), move_path: v.nullable(v.string()) }) }),
]);

export type AskForApproval = v.InferOutput<typeof askForApprovalSchema>;
export type SandboxPolicy = v.InferOutput<typeof sandboxPolicySchema>;
export type SandboxMode = SandboxPolicy["mode"];
/** Without the rules that a command's answer can bring. */
export type PlainDecision = v.InferOutput<typeof reviewDecisionSchema>;
export type ReviewDecision = v.InferOutput<typeof execDecisionSchema>;
export type ReasoningEffort = v.InferOutput<typeof reasoningEffortSchema>;
export type Verbosity = v.InferOutput<typeof verbositySchema>;
export type ReasoningSummary = v.InferOutput<typeof reasoningSummarySchema>;
export type FileChange = v.InferOutput<typeof fileChangeSchema>;
export type LevelReport = v.InferOutput<typeof sandboxLevelSchema>;
