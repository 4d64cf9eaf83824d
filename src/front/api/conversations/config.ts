import { type Config, type Loaded, loadConfig, overrideOf } from "../../../config/index.js";
import { RPC_CODES, RpcError } from "../../../rpc/index.js";
import type { ApiDeps } from "../deps.js";
import type { NewConversationParams } from "./schema.js";

/** As `settingsFor`; throws an RpcError (-32600) that says what is wrong. */
export async function configFor(
  params: NewConversationParams,
  deps: Pick<ApiDeps, "env" | "cwd" | "overrides">,
): Promise<Config> {
  const loaded = await settingsFor(params, deps);
  if (!loaded.ok) throw new RpcError(RPC_CODES.invalidRequest, `error deriving config: ${loaded.message}`);
  return loaded.config;
}

/** The settings of a new conversation: those of the user, the server's own `-c`, then what the params ask for. */
export async function settingsFor(
  params: NewConversationParams,
  deps: Pick<ApiDeps, "env" | "cwd" | "overrides">,
): Promise<Loaded> {
  const settings = Object.entries(params.config ?? {}).flatMap(([key, value]) => overrideOf(key, value) ?? []);
  const loaded = await loadConfig({
    env: deps.env,
    cwd: deps.cwd,
    profile: params.profile ?? undefined,
    overrides: [...deps.overrides, ...settings],
    flags: {
      model: params.model ?? undefined,
      modelProvider: params.modelProvider ?? undefined,
      cwd: params.cwd ?? undefined,
      approvalPolicy: params.approvalPolicy ?? undefined,
      sandboxMode: params.sandbox ?? undefined,
    },
  });
  if (!loaded.ok) return loaded;
  const { config } = loaded;
  const { baseInstructions, developerInstructions, compactPrompt } = params;
  return {
    ok: true,
    config: {
      ...config,
      instructionsFile: baseInstructions == null ? config.instructionsFile : { path: "", text: baseInstructions },
      developerInstructions: developerInstructions ?? config.developerInstructions,
      compactPrompt: compactPrompt ?? config.compactPrompt,
    },
  };
}
