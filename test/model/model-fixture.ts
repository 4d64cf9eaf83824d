import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Model, ModelError, type ModelEvent, type ModelRequest, openModel } from "../../src/model/index.js";
import type { Provider } from "../../src/protocol/index.js";
import { type ModelServer, startModelServer } from "../support/model-server.js";

export const deps = {
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  random: (n: number) => randomBytes(n),
  userAgent: "belay/test",
};

export function request(more: Partial<ModelRequest> = {}): ModelRequest {
  return { model: "m1", info: {}, instructions: "Be brief.", input: [], tools: [], conversationId: "conv-1", ...more };
}

export interface Setup {
  readonly server: ModelServer;
  readonly model: Model;
}

/** Runs `body` with a server and a model that points to it, and closes both; the server's violations fail the test. */
export async function withModel(
  options: { readonly wire?: "responses" | "chat"; readonly provider?: Partial<Provider> },
  body: (setup: Setup) => Promise<void>,
): Promise<void> {
  const server = await startModelServer({ wire: options.wire ?? "responses" });
  const model = openModel(server.provider(options.provider), deps);
  try {
    await body({ server, model });
  } finally {
    model.close();
    await server.close();
  }
}

export const quiet = (): AbortSignal => new AbortController().signal;

/** All events of a request that completes. */
export async function collect(model: Model, more: Partial<ModelRequest> = {}): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of model.stream(request(more), quiet())) events.push(event);
  return events;
}

/** The events up to the failure, and the failure. */
export async function collectFailure(
  model: Model,
  more: Partial<ModelRequest> = {},
): Promise<{ events: ModelEvent[]; error: ModelError }> {
  const events: ModelEvent[] = [];
  try {
    for await (const event of model.stream(request(more), quiet())) events.push(event);
  } catch (error) {
    assert.ok(error instanceof ModelError, String(error));
    return { events, error };
  }
  assert.fail(`the request completed: ${JSON.stringify(events)}`);
}

/** The deltas of one kind, joined. */
export function said(events: readonly ModelEvent[], type = "text_delta"): string {
  return events.map((event) => (event.type === type && "delta" in event ? event.delta : "")).join("");
}

export function itemsOf(events: readonly ModelEvent[]) {
  return events.flatMap((event) => (event.type === "item" ? [event.item] : []));
}

export function retriesOf(events: readonly ModelEvent[]) {
  return events.flatMap((event) => (event.type === "retry" ? [event] : []));
}
