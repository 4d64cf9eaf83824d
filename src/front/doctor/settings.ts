import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, findHome, type Loaded } from "../../config/index.js";
import { GUESSED_WINDOW, modelInfo, settleModelSettings } from "../../model/index.js";
import type { FrontDeps } from "../host/index.js";
import { type Finding, missing, note, ok } from "./finding.js";

/** The home folder, the configuration, the provider and its key. */
export function settingsFindings(loaded: Loaded, { env, cwd }: Pick<FrontDeps, "env" | "cwd">): Finding[] {
  const home = findHome(env, cwd);
  const findings =
    home === undefined ? [missing("home", "no home folder", "set BELAY_HOME or HOME")] : [lookAtHome(home)];
  if (!loaded.ok) {
    return [...findings, ...loaded.message.split("\n").map((line) => missing("config", line, "mend that setting"))];
  }
  return [...findings, ...configFindings(loaded.config)];
}

/** A home folder that is not there yet is made when it is needed, where that is possible. */
function lookAtHome(home: string): Finding {
  for (let path = home; ; path = dirname(path)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined && dirname(path) !== path) continue;
    if (stat?.isDirectory() !== true) return missing("home", `${path} is not a folder`, "move it, or set BELAY_HOME");
    try {
      accessSync(path, constants.W_OK | constants.X_OK);
      return ok("home", path === home ? home : `${home} (is made when it is needed)`);
    } catch {
      // Not for us to write in: nothing can be recorded there.
      return missing("home", `${path} can't be written in`, "change its owner or mode, or set BELAY_HOME");
    }
  }
}

function configFindings(config: Config): Finding[] {
  const files = config.sources.length === 0 ? "no config.toml: all is as built in" : config.sources.join(", ");
  return [
    ok("config", files),
    ...config.warnings.map((warning) => note("config", warning)),
    ok(
      "model",
      `${config.model} of ${config.provider.name}, ${placeOf(config.provider.baseUrl)} (${config.provider.wireApi})`,
    ),
    ...modelFindings(config),
    keyFinding(config),
    note("policy", `sandbox mode ${config.sandboxPolicy.mode}, approval policy ${config.approvalPolicy}`),
  ];
}

/** How much fits into the model's window, who says so, and what is asked of the model beside the conversation. */
function modelFindings(config: Config): Finding[] {
  const { model, models, contextWindow, provider } = config;
  const info = modelInfo(model, models);
  const window = contextWindow ?? info.contextWindow;
  const isSet = contextWindow !== undefined || models[model]?.contextWindow !== undefined;
  const { effort, verbosity, serviceTier, notes } = settleModelSettings({ ...config, info, wire: provider.wireApi });
  const asked = [
    ...(effort === undefined ? [] : [`reasoning effort ${effort}`]),
    ...(verbosity === undefined ? [] : [`verbosity ${verbosity}`]),
    ...(serviceTier === undefined ? [] : [`service tier ${serviceTier}`]),
  ];
  return [
    window === undefined
      ? note("window", `${GUESSED_WINDOW} tokens (a guess: model_context_window says how large it is)`)
      : ok("window", `${window} tokens (${isSet ? "set" : "known of this model"})`),
    ...(asked.length === 0 ? [] : [ok("request", asked.join(", "))]),
    ...notes.map((text) => note("request", text)),
  ];
}

/** Whether there is a key, never what it is. */
function keyFinding({ missingKey, provider }: Config): Finding {
  if (missingKey !== undefined) {
    const { envKey, instructions } = missingKey;
    const fix = instructions ?? `export ${envKey}=...`;
    return missing(
      "key",
      `provider ${provider.id} needs a key, and the environment variable ${envKey} is not set`,
      fix,
    );
  }
  return provider.apiKey === undefined ? note("key", "none is sent") : ok("key", "there is one");
}

/** A URL may hold a name and a password. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return "an address that is no URL";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
