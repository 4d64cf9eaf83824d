import type { ModelInfo, ReasoningEffort, ReasoningSummary, ResponseItem, Verbosity } from "../protocol/index.js";

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
  /** What is known of it. */
  readonly info: ModelInfo;
  readonly instructions: string;
  readonly input: readonly ResponseItem[];
  readonly tools: readonly ToolSpec[];
  readonly conversationId: string;
  readonly effort?: ReasoningEffort | undefined;
  readonly summary?: ReasoningSummary | undefined;
  readonly verbosity?: Verbosity | undefined;
  readonly serviceTier?: string | undefined;
  /** A summary of the conversation is asked for, and no further work. */
  readonly purpose?: "summary" | undefined;
  /** `none`: the tools are told of, and none may be called. */
  readonly toolChoice?: "none" | undefined;
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
 * an attempt that is retried never show. `retry` announces a wait, `notice` tells the user of something in words. Nothing follows
 * `completed`.
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
  | { readonly type: "notice"; readonly text: string }
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

/** What of a request a provider refuses to take, where its words tell: a request without that may be taken. */
export type RefusedPart = "images" | "thoughts";

/** A failed request; the message is for people and holds the provider's own words. */
export class ModelError extends Error {
  readonly kind: ModelErrorKind;
  readonly status: number | undefined;
  readonly refused: RefusedPart | undefined;

  constructor(kind: ModelErrorKind, message: string, more: Pick<ModelError, "status" | "refused"> = NO_MORE) {
    super(message);
    this.name = "ModelError";
    this.kind = kind;
    this.status = more.status;
    this.refused = more.refused;
  }
}

const NO_MORE = { status: undefined, refused: undefined };
