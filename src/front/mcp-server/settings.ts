import { type Config, loadConfig, overrideOf } from "../../config/index.js";
import type { FrontDeps } from "../host/index.js";
import type { CodexArguments } from "./tools.js";

/** Where settings come from beside the arguments of a call. */
export interface SettingsDeps extends Pick<FrontDeps, "env" | "cwd"> {
  readonly overrides: readonly string[];
}

/** The settings of a conversation: those of the user, the server's own `-c`, then what the call asks for. */
export async function settingsOf(
  args: CodexArguments,
  { env, cwd, overrides }: SettingsDeps,
): Promise<{ readonly ok: true; readonly config: Config } | { readonly ok: false; readonly message: string }> {
  const given = Object.entries(args.config ?? {}).map(([key, value]) => overrideOf(key, value));
  const loaded = await loadConfig({
    env,
    cwd,
    profile: args.profile ?? undefined,
    overrides: [...overrides, ...given.filter((override) => override !== undefined)],
    flags: {
      model: args.model ?? undefined,
      cwd: args.cwd ?? undefined,
      approvalPolicy: args["approval-policy"] ?? undefined,
      sandboxMode: args.sandbox ?? undefined,
    },
  });
  if (!loaded.ok) return loaded;
  const { config } = loaded;
  const base = args["base-instructions"];
  return {
    ok: true,
    config: {
      ...config,
      instructionsFile: base == null ? config.instructionsFile : { path: "base-instructions", text: base },
      developerInstructions: args["developer-instructions"] ?? config.developerInstructions,
      compactPrompt: args["compact-prompt"] ?? config.compactPrompt,
    },
  };
}
