import { resolve } from "node:path";
import type { Config } from "../config/index.js";
import type { AskForApproval, Op, ReasoningEffort, ReasoningSummary, SandboxPolicy } from "../protocol/index.js";

/** What a turn runs with. `cwd` is absolute. */
export interface Settings {
  readonly cwd: string;
  readonly model: string;
  readonly approvalPolicy: AskForApproval;
  readonly sandboxPolicy: SandboxPolicy;
  readonly effort: ReasoningEffort | undefined;
  readonly summary: ReasoningSummary | undefined;
  /** A JSON Schema for the turn's final message. */
  readonly outputSchema: object | undefined;
}

export function settingsOf(config: Config): Settings {
  return {
    cwd: config.cwd,
    model: config.model,
    approvalPolicy: config.approvalPolicy,
    sandboxPolicy: config.sandboxPolicy,
    effort: config.effort,
    summary: config.summary,
    outputSchema: undefined,
  };
}

type Overrides = Omit<Extract<Op, { type: "override_turn_context" }>, "type">;

/** The settings with what an op gives put over them; missing and null fields stay. */
export function withOverrides(settings: Settings, overrides: Overrides): Settings {
  return {
    ...settings,
    cwd: resolve(settings.cwd, overrides.cwd ?? "."),
    model: overrides.model ?? settings.model,
    approvalPolicy: overrides.approval_policy ?? settings.approvalPolicy,
    sandboxPolicy: overrides.sandbox_policy ?? settings.sandboxPolicy,
    effort: overrides.effort ?? settings.effort,
    summary: overrides.summary ?? settings.summary,
  };
}

/** The settings of one user turn: they hold for that turn alone. */
export function settingsOfTurn(settings: Settings, op: Extract<Op, { type: "user_input" | "user_turn" }>): Settings {
  if (op.type === "user_input") return settings;
  return { ...withOverrides(settings, op), outputSchema: op.final_output_json_schema ?? undefined };
}
