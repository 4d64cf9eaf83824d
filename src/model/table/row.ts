import { type ModelInfo, type ReasoningEffort, reasoningEffortSchema } from "../../protocol/index.js";

/** All there are, from the least. */
export const EFFORTS: readonly ReasoningEffort[] = reasoningEffortSchema.options;

/**
 * A family of models: the names it goes by (see `plainName`: small letters, without maker and region, matched from the start), and
 * what is known of all of them. Of a maker's rows the first that fits counts, so that the most specific stand first.
 */
export type Row = readonly [names: RegExp, info: ModelInfo];

/** Efforts from one to another, from the least. */
export function efforts(from: ReasoningEffort, to: ReasoningEffort): readonly ReasoningEffort[] {
  return EFFORTS.slice(EFFORTS.indexOf(from), EFFORTS.indexOf(to) + 1);
}
