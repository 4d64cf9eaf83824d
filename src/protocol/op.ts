import * as v from "valibot";
import {
  askForApprovalSchema,
  execDecisionSchema,
  reasoningEffortSchema,
  reasoningSummarySchema,
  reviewDecisionSchema,
  sandboxPolicySchema,
} from "./policy.js";

/** The submission half of the queue pair (Codex 0.23 `codex proto`). Unknown fields are ignored, as Codex does. */

export const inputItemSchema = v.variant("type", [
  v.object({ type: v.literal("text"), text: v.string() }),
  v.object({ type: v.literal("image"), image_url: v.string() }),
  v.object({ type: v.literal("local_image"), path: v.string() }),
]);

/** Settings of a conversation that an op can change; what is missing or null stays as it is. */
const overrides = {
  cwd: v.optional(v.nullable(v.string())),
  approval_policy: v.optional(v.nullable(askForApprovalSchema)),
  sandbox_policy: v.optional(v.nullable(sandboxPolicySchema)),
  model: v.optional(v.nullable(v.string())),
  effort: v.optional(v.nullable(reasoningEffortSchema)),
  summary: v.optional(v.nullable(reasoningSummarySchema)),
};

export const opSchema = v.variant("type", [
  v.object({ type: v.literal("interrupt") }),
  v.object({ type: v.literal("user_input"), items: v.array(inputItemSchema) }),
  v.object({
    type: v.literal("user_turn"),
    items: v.array(inputItemSchema),
    cwd: v.string(),
    approval_policy: askForApprovalSchema,
    sandbox_policy: sandboxPolicySchema,
    model: v.string(),
    effort: v.optional(v.nullable(reasoningEffortSchema)),
    summary: v.optional(v.nullable(reasoningSummarySchema)),
    /** A JSON Schema for the final message of this turn. */
    final_output_json_schema: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
  }),
  v.object({ type: v.literal("override_turn_context"), ...overrides }),
  v.object({ type: v.literal("exec_approval"), id: v.string(), decision: execDecisionSchema }),
  v.object({ type: v.literal("patch_approval"), id: v.string(), decision: reviewDecisionSchema }),
  v.object({ type: v.literal("add_to_history"), text: v.string() }),
  v.object({ type: v.literal("get_history_entry_request"), offset: v.number(), log_id: v.number() }),
  v.object({ type: v.literal("list_mcp_tools") }),
  /** Ours, after methods of Codex 0.169's app server: what runs as a terminal, and the end of one or all of it. */
  v.object({ type: v.literal("list_background_terminals") }),
  v.object({ type: v.literal("terminate_background_terminal"), process_id: v.string() }),
  v.object({ type: v.literal("clean_background_terminals") }),
  v.object({ type: v.literal("compact") }),
  v.object({
    type: v.literal("undo"),
    /** Ours: this turn; without it the last one that is not undone. */
    turn: v.optional(v.nullable(v.string())),
    /** Ours: this call of the turn alone; "last": the one that ran last. */
    call: v.optional(v.nullable(v.string())),
    /** Ours: take back the last undo instead. */
    redo: v.optional(v.nullable(v.boolean())),
    /** Ours: what becomes of files that someone has changed since; "refuse" without it. */
    on_conflict: v.optional(v.nullable(v.picklist(["refuse", "keep", "overwrite"]))),
  }),
  v.object({ type: v.literal("shutdown") }),
]);

export const submissionSchema = v.object({ id: v.string(), op: opSchema });

export type InputItem = v.InferOutput<typeof inputItemSchema>;
export type Op = v.InferOutput<typeof opSchema>;
export type Submission = v.InferOutput<typeof submissionSchema>;
