import type { EventMsg } from "./event.js";
import type { ResponseItem } from "./item.js";
import type { AskForApproval, SandboxPolicy } from "./policy.js";

/** One line of a session file, less its timestamp; types as Codex 0.169 names them. */
export type RolloutItem =
  | {
      readonly type: "session_meta";
      readonly payload: {
        readonly id: string;
        /** ISO 8601, UTC. */
        readonly timestamp: string;
        readonly cwd: string;
        readonly originator: string;
        readonly cli_version: string;
        readonly model_provider: string;
      };
    }
  | {
      readonly type: "turn_context";
      readonly payload: {
        readonly turn_id: string;
        readonly cwd: string;
        readonly approval_policy: AskForApproval;
        readonly sandbox_policy: SandboxPolicy;
        readonly model: string;
        readonly effort: string | null;
      };
    }
  | { readonly type: "response_item"; readonly payload: ResponseItem }
  | {
      readonly type: "compacted";
      readonly payload: { readonly message: string; readonly replacement_history: readonly ResponseItem[] };
    }
  | { readonly type: "event_msg"; readonly payload: EventMsg };
