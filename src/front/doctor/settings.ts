import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, findHome, type Loaded } from "../../config/index.js";
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
    keyFinding(config),
    note("policy", `sandbox mode ${config.sandboxPolicy.mode}, approval policy ${config.approvalPolicy}`),
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
