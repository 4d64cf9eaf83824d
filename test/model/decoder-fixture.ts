import { EventBatch } from "../../src/model/event-batch.js";
import type { ModelEvent, ModelRequest } from "../../src/model/index.js";
import { Learned } from "../../src/model/learned.js";
import { SseParser } from "../../src/model/sse.js";
import type { Wire, WireDecoder, WireEnd } from "../../src/model/wire.js";
import { chatWire } from "../../src/model/wires/chat.js";
import { responsesWire } from "../../src/model/wires/responses.js";
import { startModelServer } from "../support/model-server.js";
import { deps, itemsOf, request } from "./model-fixture.js";

export type WireName = "responses" | "chat";

/** A decoder needs nothing of the provider but that there is one. */
const provider = await startModelServer().then(async (server) => {
  const given = server.provider();
  await server.close();
  return given;
});

export function decoderOf(wire: WireName, more: Partial<ModelRequest> = {}): WireDecoder {
  const open = wire === "chat" ? chatWire : responsesWire;
  const made: Wire = open(provider, { learned: new Learned(), random: deps.random });
  return made.decoder(request(more));
}

/** What the bytes of a stream come to: its end, its items without the ids the decoder made, and all else. */
export interface Decoded {
  readonly end: WireEnd;
  readonly events: readonly ModelEvent[];
  readonly items: ReturnType<typeof itemsOf>;
  readonly notices: readonly string[];
}

/** Decodes a stream that ends with these bytes. */
export function decode(wire: WireName, bytes: Buffer | string, more: Partial<ModelRequest> = {}): Decoded {
  const decoder = decoderOf(wire, more);
  const batch = new EventBatch();
  const parser = new SseParser(1 << 24);
  const parsed = [...parser.push(Buffer.from(bytes)), ...parser.end()];
  let end: WireEnd | undefined;
  for (const { data, event } of parsed) end ??= decoder.accept(data, batch, event);
  end ??= decoder.finish(batch);
  const events = batch.take();
  const notices = events.flatMap((event) => (event.type === "notice" ? [event.text] : []));
  return { end, events, items: itemsOf(events), notices };
}

/** The failure of a stream that fails; throws where it completes. */
export function failureOf({ end, items }: Decoded) {
  if (end.type === "completed") throw new Error(`it completed with ${JSON.stringify(items)}`);
  return end.failure;
}

/** An event of the Responses wire. */
export function ev(type: string, body: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`;
}

export function data(body: unknown): string {
  return `data: ${typeof body === "string" ? body : JSON.stringify(body)}\n\n`;
}

/** A chunk of the Chat wire. */
export function chunk(delta: object, finish: string | null = null, more: object = {}): string {
  return data({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }], ...more });
}

export const DONE = "data: [DONE]\n\n";
export const completed = (response: object = {}) => ev("response.completed", { response });

export const message = (text: string, more: object = {}) => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text }],
  ...more,
});
export const call = (args: string, more: object = {}) => ({
  type: "function_call",
  name: "shell",
  arguments: args,
  call_id: "c1",
  ...more,
});
