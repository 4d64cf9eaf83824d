import type { ReasoningEffort, ReasoningSummary, ResponseItem } from "../protocol/index.js";

/** A tool as a model is told of it. `custom` tools take free text in the grammar given. */
export type ToolSpec =
  | { readonly type: "function"; readonly name: string; readonly description: string; readonly parameters: object }
  | {
      readonly type: "custom";
      readonly name: string;
      readonly description: string;
      readonly format: { readonly type: "grammar"; readonly syntax: "lark"; readonly definition: string };
    };

/** All that one model request depends on. */
export interface ModelRequest {
  readonly model: string;
  readonly instructions: string;
  readonly input: readonly ResponseItem[];
  readonly tools: readonly ToolSpec[];
  readonly conversationId: string;
  readonly effort?: ReasoningEffort | undefined;
  readonly summary?: ReasoningSummary | undefined;
  /** A JSON Schema the final message must follow. */
  readonly outputSchema?: object | undefined;
}

/** Tokens of one response, as the provider counted them. */
export interface Usage {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoningOutput: number;
  readonly total: number;
}

/**
 * What a request comes to, in order. Deltas that arrive together may come as one. `item` is a whole output item; items of
 * an attempt that is retried never show. `retry` announces a wait. Nothing follows `completed`.
 */
export type ModelEvent =
  | { readonly type: "text_delta"; readonly delta: string }
  | { readonly type: "reasoning_delta"; readonly delta: string }
  | { readonly type: "reasoning_section" }
  | { readonly type: "raw_reasoning_delta"; readonly delta: string }
  | { readonly type: "item"; readonly item: ResponseItem }
  | {
      readonly type: "retry";
      readonly cause: string;
      /** From 1. */
      readonly attempt: number;
      readonly of: number;
      readonly waitMs: number;
    }
  | { readonly type: "completed"; readonly usage: Usage | undefined };

/** A way to a model that keeps its connections between requests. */
export interface Model {
  /** Ends with `completed`, or throws: the signal's reason once cancelled, else a `ModelError`. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
  /** Closes kept connections. */
  close(): void;
}

/** Why a request failed for good. `context_window`: the input is too long; `rate_limit`: 429 or its like, to the end. */
export type ModelErrorKind =
  | "connect"
  | "auth"
  | "bad_request"
  | "context_window"
  | "rate_limit"
  | "server"
  | "stream"
  | "idle"
  | "incomplete";

/** A failed request; the message is for people and holds the provider's own words. */
export class ModelError extends Error {
  readonly kind: ModelErrorKind;
  readonly status: number | undefined;

  constructor(kind: ModelErrorKind, message: string, status?: number) {
    super(message);
    this.name = "ModelError";
    this.kind = kind;
    this.status = status;
  }
}
