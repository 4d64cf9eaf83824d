import type { KeyPath, Layer, Settings } from "./layers.js";

/**
 * Keys of today's Codex that are not used here, and whose absence changes what happens, where they are set to anything but
 * nothing. What concerns Codex's terminal UI, its sign-in, its telemetry or its voice is not among them.
 */
const WHERE_SET: readonly string[] = [
  ...["agents", "apps", "auto_review", "background_terminal_max_timeout", "ca_certificate", "commit_attribution"],
  ...["experimental_compact_prompt_file", "experimental_thread_config_endpoint", "experimental_thread_store"],
  ...["forced_chatgpt_workspace_id", "hooks", "mcp_servers", "memories"],
  ...["model_auto_compact_token_limit_scope", "model_catalog_json", "notify", "personality", "plugins"],
  ...["project_root_markers", "skills", "web_search", "zsh_path"],
  ...["shell_environment_policy.experimental_use_profile", "tools.web_search", "tools.web_search_request"],
  ...["apps", "browser_use", "code_mode", "codex_hooks", "collab", "computer_use", "enable_fanout"].map(feature),
  ...["exec_permission_approvals", "goals", "guardian_approval", "hooks", "image_generation", "js_repl"].map(feature),
  ...["memories", "memory_tool", "multi_agent", "multi_agent_v2", "network_proxy", "plugins"].map(feature),
  ...["request_permissions", "request_permissions_tool", "search_tool", "standalone_web_search"].map(feature),
  ...["web_search", "web_search_cached", "web_search_request"].map(feature),
];

/** The same, where they are set to just this: most of them are on unless they are turned off. */
const WHERE_IS: Readonly<Record<string, string | boolean>> = {
  allow_login_shell: false,
  forced_login_method: "chatgpt",
  "history.persistence": "none",
  include_apps_instructions: false,
  include_environment_context: false,
  include_permissions_instructions: false,
  "tools.view_image": false,
};

function feature(name: string): string {
  return `features.${name}`;
}

/** The keys that are set and not used, dotted, in the order of the table. */
export function unusedKeys({ layers }: Settings): readonly string[] {
  const set = WHERE_SET.filter((key) => {
    const value = setIn(layers, key.split("."));
    return value !== undefined && !saysNothing(value);
  });
  const off = Object.keys(WHERE_IS).filter((key) => setIn(layers, key.split(".")) === WHERE_IS[key]);
  return [...set, ...off];
}

/** As `find` has it; what is set wrong is no problem where nobody uses it. */
function setIn(layers: readonly Layer[], path: KeyPath): unknown {
  for (const { table } of layers) {
    const value = path.reduce<unknown>(
      (at, key) => (typeof at === "object" && at !== null && Object.hasOwn(at, key) ? at[key as never] : undefined),
      table,
    );
    if (value !== undefined) return value;
  }
  return undefined;
}

function saysNothing(value: unknown): boolean {
  if (typeof value === "object" && value !== null && !(value instanceof Date)) return Object.keys(value).length === 0;
  return value === false || value === "" || value === "disabled" || value === "none";
}
