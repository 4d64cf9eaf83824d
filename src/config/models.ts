import type { ModelInfo, ReasoningEffort, Verbosity } from "../protocol/index.js";
import { dotted, find, keysOf, type Settings } from "./layers.js";
import { readBoolean, readChoice, readInteger, readTexts } from "./reader.js";

/** All of the protocol's, from the least. */
export const EFFORTS: readonly ReasoningEffort[] = [
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
  "ultra",
];
export const VERBOSITIES: readonly Verbosity[] = ["low", "medium", "high"];

/** Keys of `[models."NAME"]` that are true or false, and what they say. */
const FLAGS = {
  images: "takesImages",
  custom_tools: "takesCustomTools",
  service_tier: "takesServiceTier",
  seals_thoughts: "sealsThoughts",
  needs_thoughts: "needsThoughts",
  needs_signatures: "needsSignatures",
} as const satisfies Readonly<Record<string, keyof ModelInfo>>;
const KEYS = ["context_window", "max_output_tokens", "efforts", "default_effort", "verbosity", ...Object.keys(FLAGS)];

/** `[models."NAME"]`: only what is said is there. Keys that are not known are named in a warning. */
export function readModels(settings: Settings, warnings: string[]): Readonly<Record<string, ModelInfo>> {
  const models: Record<string, ModelInfo> = Object.create(null);
  for (const name of keysOf(settings, ["models"])) {
    const unknown = keysOf(settings, ["models", name]).filter((key) => !KEYS.includes(key));
    if (unknown.length > 0) warnings.push(`${dotted(["models", name])}: not known: ${unknown.map(quoted).join(", ")}`);
    models[name] = readModel(settings, name);
  }
  return models;
}

function readModel(settings: Settings, name: string): ModelInfo {
  const at = (key: string) => ["models", name, key];
  const efforts = readTexts(settings, at("efforts"), {
    expected: `efforts: ${EFFORTS.join(", ")}`,
    test: (effort) => EFFORTS.some((one) => one === effort),
  });
  const info: ModelInfo = {
    contextWindow: readInteger(settings, at("context_window"), { min: 1 }),
    maxOutputTokens: readInteger(settings, at("max_output_tokens"), { min: 1 }),
    // From the least, however they are written down.
    efforts: efforts === undefined ? undefined : EFFORTS.filter((effort) => efforts.includes(effort)),
    defaultEffort: readChoice(settings, at("default_effort"), EFFORTS),
    ...readVerbosity(settings, at("verbosity")),
    ...Object.fromEntries(Object.entries(FLAGS).map(([key, field]) => [field, readBoolean(settings, at(key))])),
  };
  return Object.fromEntries(Object.entries(info).filter(([, value]) => value !== undefined));
}

/** Whether it takes one, or the one that is sent where none is set. */
function readVerbosity(settings: Settings, path: readonly string[]): ModelInfo {
  if (typeof find(settings, path)?.value === "boolean") return { takesVerbosity: readBoolean(settings, path) };
  const verbosity = readChoice(settings, path, VERBOSITIES);
  return verbosity === undefined ? {} : { takesVerbosity: true, defaultVerbosity: verbosity };
}

function quoted(key: string): string {
  return dotted([key.slice(0, 60)]);
}
