import { isTable, type Table } from "./layers.js";

/** Keys that a trusted project may set. What is not here is passed over in its files, also a key that is new to Belay. */
const ALLOWED: ReadonlySet<string> = new Set([
  "approval_policy",
  "command_timeout_ms",
  "compact_prompt",
  "developer_instructions",
  "hide_agent_reasoning",
  "hooks",
  "mcp_servers",
  "model",
  "model_auto_compact_token_limit",
  "model_context_window",
  "model_reasoning_effort",
  "model_reasoning_summary",
  "model_verbosity",
  "project_doc_fallback_filenames",
  "project_doc_max_bytes",
  "sandbox_mode",
  "sandbox_workspace_write",
  "show_raw_agent_reasoning",
  "tool_output_token_limit",
]);

/**
 * Keys that only the user's own files may set, each worth a warning in a project's. The first line is Codex's list (0.169): where
 * the conversation and the credentials go, and what is started. The rest is ours: trust itself, the environment of
 * commands, which walls and namespaces there are, where credentials and logs lie, what of recorded sessions is deleted, what is
 * said of models and what they cost, and files that trust does not cover.
 */
const HOME_ONLY: ReadonlySet<string> = new Set([
  ...["apps_mcp_product_sku", "chatgpt_base_url", "experimental_realtime_ws_base_url", "model_provider"],
  ...["model_providers", "notify", "openai_base_url", "otel", "profile", "profiles"],
  ...[
    "oss_provider",
    "projects",
    "shell_environment_policy",
    "contain_full_access",
    "keep_background_processes",
    "allow_partial_sandbox",
    "approvals_reviewer",
  ],
  ...["default_permissions", "permissions", "model_instructions_file", "experimental_instructions_file"],
  ...["cli_auth_credentials_store", "mcp_oauth_credentials_store", "forced_login_method"],
  ...["forced_chatgpt_workspace_id", "log_dir", "sqlite_home", "sessions", "models", "service_tier"],
]);

export interface SplitTable {
  readonly allowed: Table;
  /** Keys that are Belay's or Codex's and not for a project. */
  readonly refused: readonly string[];
}

/** What of a project's settings may count, once they are trusted. */
export function splitProjectTable(table: Table): SplitTable {
  const keys = Object.keys(table);
  const allowed: Record<string, unknown> = Object.create(null);
  for (const key of keys) if (ALLOWED.has(key)) allowed[key] = table[key];
  return { allowed, refused: keys.filter((key) => HOME_ONLY.has(key)) };
}

/** Settings of a table as paths and values: those of a table within it one by one, but no deeper. */
export function settingsOf(table: Table): { readonly path: readonly string[]; readonly value: unknown }[] {
  return Object.entries(table).flatMap(([key, value]) => {
    if (!isTable(value)) return [{ path: [key], value }];
    return Object.entries(value).map(([inner, innerValue]) => ({ path: [key, inner], value: innerValue }));
  });
}
