import { isFolder } from "../base/index.js";
import type { AskForApproval, SandboxMode, TurnContext } from "../protocol/index.js";
import type { Settings } from "./settings.js";

/** Settings that a caller has chosen for a resumed conversation: they are not taken from its record. */
export type ChosenSettings = ReadonlySet<"cwd" | "model" | "effort" | "summary" | "approvalPolicy" | "sandboxPolicy">;

/** The strictest first. */
const SANDBOXES: readonly SandboxMode[] = ["read-only", "workspace-write", "danger-full-access"];
const APPROVALS: readonly AskForApproval[] = ["untrusted", "on-request", "on-failure", "never"];

/** The settings that a conversation goes on with, and what of them is not as its record has it. */
export interface RestoredSettings {
  readonly settings: Settings;
  /** For people, one line each. */
  readonly changes: readonly string[];
}

/**
 * What the last turn ran with, where the caller has not chosen: folder, model and effort as recorded; of sandbox mode and
 * approval policy the stricter of record and configuration, since a file must not give rights that the user's settings don't.
 * A folder that is gone, and the model of another provider, are left.
 */
export function restoreSettings(
  configured: Settings,
  record: TurnContext | undefined,
  options: { readonly chosen: ChosenSettings; readonly sameProvider: boolean },
): RestoredSettings {
  if (record === undefined) return { settings: configured, changes: [] };
  const { chosen, sameProvider } = options;
  const keepsModel = !chosen.has("model") && sameProvider;
  const settings: Settings = {
    ...configured,
    cwd: !chosen.has("cwd") && record.cwd !== undefined && isFolder(record.cwd) ? record.cwd : configured.cwd,
    model: keepsModel ? (record.model ?? configured.model) : configured.model,
    effort: keepsModel && !chosen.has("effort") ? (record.effort ?? configured.effort) : configured.effort,
    summary: keepsModel && !chosen.has("summary") ? (record.summary ?? configured.summary) : configured.summary,
    sandboxPolicy: sandboxOf(configured, record, chosen),
    approvalPolicy: approvalOf(configured, record, chosen),
  };
  return { settings, changes: changesOf(settings, record) };
}

function sandboxOf({ sandboxPolicy }: Settings, record: TurnContext, chosen: ChosenSettings) {
  const recorded = record.sandbox_policy;
  if (chosen.has("sandboxPolicy") || recorded === undefined) return sandboxPolicy;
  return SANDBOXES.indexOf(recorded.mode) < SANDBOXES.indexOf(sandboxPolicy.mode) ? recorded : sandboxPolicy;
}

function approvalOf({ approvalPolicy }: Settings, record: TurnContext, chosen: ChosenSettings) {
  const recorded = record.approval_policy;
  if (chosen.has("approvalPolicy") || recorded === undefined) return approvalPolicy;
  return APPROVALS.indexOf(recorded) < APPROVALS.indexOf(approvalPolicy) ? recorded : approvalPolicy;
}

function changesOf(now: Settings, record: TurnContext): string[] {
  const rows: readonly (readonly [what: string, before: string | undefined, after: string | undefined])[] = [
    ["the folder", record.cwd, now.cwd],
    ["the model", record.model, now.model],
    ["the reasoning effort", record.effort, now.effort],
    ["the sandbox mode", record.sandbox_policy?.mode, now.sandboxPolicy.mode],
    ["the approval policy", record.approval_policy, now.approvalPolicy],
  ];
  return rows.flatMap(([what, before, after]) =>
    before === undefined || before === after
      ? []
      : [`${what} is ${after ?? "the model's own"} now; the session had ${before}`],
  );
}
