import type { ModelInfo, Provider, ReasoningEffort, Verbosity } from "../protocol/index.js";
import { EFFORTS } from "./table/index.js";

/** What was set, and for which model. */
export interface WantedSettings {
  /** What is known of the model; see `modelInfo`. */
  readonly info: ModelInfo;
  readonly model: string;
  readonly effort: ReasoningEffort | undefined;
  readonly verbosity: Verbosity | undefined;
  readonly serviceTier: string | undefined;
  readonly wire: Provider["wireApi"];
}

/** What is sent; `notes` say in words what of that was set otherwise. */
export interface SettledSettings {
  readonly effort: ReasoningEffort | undefined;
  readonly verbosity: Verbosity | undefined;
  readonly serviceTier: string | undefined;
  readonly notes: readonly string[];
}

/**
 * Fits settings to what a model takes. What is not known of it is no reason to change or add anything: an unknown model gets what
 * was set, and nothing where nothing is set. The table's own choices are sent on the Responses wire alone: on the other one
 * servers differ in which fields they take, and OpenAI's refuses an effort beside tools.
 */
export function settleModelSettings(wanted: WantedSettings): SettledSettings {
  if (wanted.wire === "demo") return { effort: undefined, verbosity: undefined, serviceTier: undefined, notes: [] };
  const notes: string[] = [];
  return {
    effort: settleEffort(wanted, notes),
    verbosity: settleVerbosity(wanted, notes),
    serviceTier: settleServiceTier(wanted, notes),
    notes,
  };
}

function settleEffort({ info, model, effort, wire }: WantedSettings, notes: string[]): ReasoningEffort | undefined {
  const { efforts, defaultEffort } = info;
  if (effort === undefined) {
    if (wire !== "responses" || defaultEffort === undefined || efforts?.length === 0) return undefined;
    return asSent(efforts === undefined ? defaultEffort : nearest(defaultEffort, efforts));
  }
  if (efforts?.length === 0) {
    // It doesn't reason, or not by measure: then there is nothing that "none" asks for.
    if (effort !== "none") notes.push(`reasoning effort ${effort}: ${named(model)} takes none, and none is sent`);
    return undefined;
  }
  const taken = efforts === undefined ? effort : nearest(effort, efforts);
  const sent = asSent(taken);
  if (taken !== effort) notes.push(`reasoning effort ${effort}: ${rangeOf(efforts ?? [], named(model), taken)}`);
  else if (sent !== effort)
    notes.push(`reasoning effort ${effort}: ${sent} is sent, the most that a model is asked for`);
  return sent;
}

/** How Codex has it: what ultra adds to max is what a program makes of it, and no model is asked for it by name. */
function asSent(effort: ReasoningEffort): ReasoningEffort {
  return effort === "ultra" ? "max" : effort;
}

/** Of two that are as near, the lesser: nobody pays for more than was asked for. */
function nearest(effort: ReasoningEffort, efforts: readonly ReasoningEffort[]): ReasoningEffort {
  const distance = (one: ReasoningEffort) => Math.abs(EFFORTS.indexOf(one) - EFFORTS.indexOf(effort));
  const ranked = efforts.toSorted((a, b) => distance(a) - distance(b) || EFFORTS.indexOf(a) - EFFORTS.indexOf(b));
  return ranked[0] ?? effort;
}

function rangeOf(efforts: readonly ReasoningEffort[], model: string, taken: ReasoningEffort): string {
  if (efforts.length > 1 && taken === efforts.at(-1)) return `${model} takes up to ${taken}, which is used`;
  if (efforts.length > 1 && taken === efforts[0]) return `${model} takes ${taken} and more; ${taken} is used`;
  return `${model} takes ${efforts.join(", ")}; ${taken} is used`;
}

function settleVerbosity({ info, model, verbosity, wire }: WantedSettings, notes: string[]): Verbosity | undefined {
  const { takesVerbosity, defaultVerbosity } = info;
  if (verbosity === undefined) return wire === "responses" && takesVerbosity !== false ? defaultVerbosity : undefined;
  if (takesVerbosity !== false) return verbosity;
  notes.push(`verbosity ${verbosity}: ${named(model)} takes none, and none is sent`);
  return undefined;
}

function settleServiceTier({ info, model, serviceTier }: WantedSettings, notes: string[]): string | undefined {
  if (serviceTier === undefined || info.takesServiceTier !== false) return serviceTier;
  notes.push(`service tier ${serviceTier}: ${named(model)} takes none, and none is sent`);
  return undefined;
}

/** A name may be of any length. */
function named(model: string): string {
  return model.length > 100 ? `${model.slice(0, 100)}…` : model;
}
