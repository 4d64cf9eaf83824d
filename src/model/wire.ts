import type { EventBatch } from "./event-batch.js";
import type { Failure } from "./failure.js";
import type { ModelRequest, Usage } from "./types.js";

/** How a stream ended, as its own events tell. */
export type WireEnd =
  | { readonly type: "completed"; readonly usage: Usage | undefined }
  | { readonly type: "failed"; readonly failure: Failure };

/** Turns the events of one response into ours. */
export interface WireDecoder {
  /** Takes one event's data. An end is final: nothing is taken after it. */
  accept(data: string, batch: EventBatch): WireEnd | undefined;
  /** All that matters has come; only accounting can follow, and its absence is no failure. */
  readonly settled: boolean;
  /** The bytes ended, or stopped coming after `settled`. */
  finish(batch: EventBatch): WireEnd;
}

/** One way to write a request and read its stream. */
export interface Wire {
  /** Appended to the base URL. */
  readonly path: string;
  headers(request: ModelRequest): Readonly<Record<string, string>>;
  /** The request's body, JSON. */
  body(request: ModelRequest): string;
  decoder(request: ModelRequest): WireDecoder;
}
