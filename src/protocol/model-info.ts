import type { ReasoningEffort, Verbosity } from "./policy.js";

/** What is known of a model. A missing field is not known. */
export interface ModelInfo {
  /** Tokens that a request and its answer may have together. */
  readonly contextWindow?: number | undefined;
  /** Tokens of an answer. */
  readonly maxOutputTokens?: number | undefined;
  /** The efforts it takes, from the least; empty: it takes none. */
  readonly efforts?: readonly ReasoningEffort[] | undefined;
  /** Sent where none is set. */
  readonly defaultEffort?: ReasoningEffort | undefined;
  /** Whether it takes a verbosity, and the one sent where none is set. */
  readonly takesVerbosity?: boolean | undefined;
  readonly defaultVerbosity?: Verbosity | undefined;
  readonly takesServiceTier?: boolean | undefined;
  readonly takesImages?: boolean | undefined;
  /** Free text held to a grammar, in the place of JSON arguments (Responses alone). */
  readonly takesCustomTools?: boolean | undefined;
  /** It reasons unasked, and nothing of it is stored at the provider: its thoughts travel, encrypted (Responses). */
  readonly sealsThoughts?: boolean | undefined;
  /** Its server refuses calls that come back without the thoughts before them (Chat). */
  readonly needsThoughts?: boolean | undefined;
  /** Its server refuses calls that come back without their signature (Gemini 3). */
  readonly needsSignatures?: boolean | undefined;
}
