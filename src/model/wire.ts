import type { Random } from "../base/index.js";
import type { EventBatch } from "./event-batch.js";
import type { Failure } from "./failure.js";
import type { Learned } from "./learned.js";
import type { ModelRequest, Usage } from "./types.js";

/** How a stream ended, as its own events tell. */
export type WireEnd =
  | { readonly type: "completed"; readonly usage: Usage | undefined }
  | { readonly type: "failed"; readonly failure: Failure };

/** Turns the events of one response into ours. */
export interface WireDecoder {
  /**
   * Takes one event: its data, and its name where it has one. A whole answer as JSON, where a stream was asked for, is
   * taken as one event. An end is final: nothing is taken after it.
   */
  accept(data: string, batch: EventBatch, event?: string): WireEnd | undefined;
  /** All that matters has come; only accounting can follow, and its absence is no failure. */
  readonly settled: boolean;
  /** A good end was told, though more may follow: what the bytes' end, or a longer silence, completes. */
  readonly finished: boolean;
  /** Grows with each event that brought something of an answer; signs of life leave it as it is. */
  readonly progress: number;
  /** The bytes ended, or stopped coming after `settled` or `finished`. After an end it gives that end again. */
  finish(batch: EventBatch): WireEnd;
  /** Of an answer that failed: tells as deltas what was said and did not come as pieces, since its items never show. */
  tellRest(batch: EventBatch): void;
}

/** What a wire is made with. */
export interface WireDeps {
  /** What the server's refusals taught; filled as they come. */
  readonly learned: Learned;
  readonly random: Random;
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
