import type { Settings } from "./layers.js";
import { addProblem, readBoolean, readChoice, readTextMap, readTexts } from "./reader.js";
import type { Env } from "./types.js";

/** `[shell_environment_policy]`: what of the user's environment a command gets. */
export interface EnvironmentPolicy {
  /** `core`: HOME, PATH, SHELL, USER and their like. */
  readonly inherit: "all" | "core" | "none";
  /** Keeps names with KEY, SECRET or TOKEN in them, which are left out otherwise. */
  readonly ignoreDefaultExcludes: boolean;
  /** Globs (`*`, `?`; any case) of names. */
  readonly exclude: readonly string[];
  readonly set: Readonly<Record<string, string>>;
  /** Globs; when there are any, what matches none of them goes, also of `set`. */
  readonly includeOnly: readonly string[];
}

const CORE = new Set(["HOME", "PATH", "SHELL", "USER", "LOGNAME", "USERNAME", "TMPDIR", "TEMP", "TMP"]);
const SECRETS = ["*KEY*", "*SECRET*", "*TOKEN*"];

/** The environment of a command. The order is Codex's: inherit, default excludes, exclude, set, include_only. */
export function commandEnvironment(env: Env, policy: EnvironmentPolicy): Record<string, string> {
  const excluded = policy.ignoreDefaultExcludes ? policy.exclude : [...SECRETS, ...policy.exclude];
  const result = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || policy.inherit === "none") continue;
    if (policy.inherit === "core" && !CORE.has(name.toUpperCase())) continue;
    if (!matchesAny(name, excluded)) result.set(name, value);
  }
  for (const [name, value] of Object.entries(policy.set)) result.set(name, value);
  if (policy.includeOnly.length > 0) {
    for (const name of result.keys()) if (!matchesAny(name, policy.includeOnly)) result.delete(name);
  }
  return Object.fromEntries(result);
}

/** The policy of the settings; what is not set is as Codex has it. */
export function readEnvironmentPolicy(settings: Settings): EnvironmentPolicy {
  const at = (key: string) => ["shell_environment_policy", key];
  const globs = { expected: "globs (strings)", test: () => true };
  const values = readTextMap(settings, at("set"));
  for (const [name, value] of Object.entries(values)) {
    // The system can't carry these: a command would not start, or would start without the variable.
    if (name === "" || /[=\0]/.test(name) || value.includes("\0")) {
      addProblem(settings, [...at("set"), name], "expected a variable the system can carry: no NUL, no = in its name");
    }
  }
  return {
    inherit: readChoice(settings, at("inherit"), ["all", "core", "none"]) ?? "all",
    ignoreDefaultExcludes: readBoolean(settings, at("ignore_default_excludes")) ?? false,
    exclude: readTexts(settings, at("exclude"), globs) ?? [],
    set: values,
    includeOnly: readTexts(settings, at("include_only"), globs) ?? [],
  };
}

function matchesAny(name: string, globs: readonly string[]): boolean {
  const upper = name.toUpperCase();
  return globs.some((glob) => matchesGlob(upper, glob.toUpperCase()));
}

/** `*` any run, `?` any one character. At most text × glob steps: no glob can make it slow, as a regular expression could be. */
function matchesGlob(text: string, glob: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (glob[inGlob] === "*") {
      star = inGlob;
      inGlob += 1;
      resume = at;
    } else if (glob[inGlob] === "?" || glob[inGlob] === text[at]) {
      inGlob += 1;
      at += 1;
    } else if (star !== -1) {
      // The last star takes one more character, and the rest is tried again.
      inGlob = star + 1;
      resume += 1;
      at = resume;
    } else return false;
  }
  while (glob[inGlob] === "*") inGlob += 1;
  return inGlob === glob.length;
}
