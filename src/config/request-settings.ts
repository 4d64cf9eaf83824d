import type { ReasoningSummary } from "../protocol/index.js";
import { find, type Settings, show } from "./layers.js";
import { EFFORTS, readModels, VERBOSITIES } from "./models.js";
import { readBoolean, readChoice, readName } from "./reader.js";
import type { Config } from "./types.js";

const SUMMARIES: readonly ReasoningSummary[] = ["auto", "concise", "detailed", "none"];
const SERVICE_TIERS: readonly string[] = ["auto", "default", "flex", "priority"];

type RequestSettings = Pick<Config, "effort" | "summary" | "verbosity" | "serviceTier" | "models">;

/** What is asked of models beside the conversation itself. Which of it a model takes is not decided here. */
export function readRequestSettings(settings: Settings, warnings: string[]): RequestSettings {
  const summary = readChoice(settings, ["model_reasoning_summary"], SUMMARIES);
  const summarises = readBoolean(settings, ["model_supports_reasoning_summaries"]) ?? true;
  return {
    effort: readChoice(settings, ["model_reasoning_effort"], EFFORTS),
    summary: summarises ? summary : undefined,
    verbosity: readChoice(settings, ["model_verbosity"], VERBOSITIES),
    serviceTier: readServiceTier(settings, warnings),
    models: readModels(settings, warnings),
  };
}

/** Providers have tiers of their own: one that is not known is passed on, with a warning. */
function readServiceTier(settings: Settings, warnings: string[]): string | undefined {
  const tier = readName(settings, ["service_tier"]);
  if (tier === undefined) return undefined;
  if (tier === "fast") return "priority";
  if (!SERVICE_TIERS.includes(tier)) {
    const name = find(settings, ["service_tier"])!.layer.name(["service_tier"]);
    warnings.push(
      `${name}: ${show(tier)} is not known, and is sent as it is; known are ${SERVICE_TIERS.join(", ")}, fast`,
    );
  }
  return tier;
}
