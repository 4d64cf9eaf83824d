import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { type FrameWriter, frameWriter, type WireName } from "./model-frames.js";
import type { Reply, Step } from "./model-replies.js";

/** One reply on its way out. */
interface Exchange {
  readonly response: ServerResponse;
  readonly writer: FrameWriter;
  readonly gone: AbortSignal;
  trickle: { readonly bytes: number; readonly ms: number } | undefined;
}

/** Sends a reply, step by step, until it is over or the client has gone. */
export async function play(
  reply: Reply,
  request: { readonly wire: WireName; readonly n: number },
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const exchange: Exchange = {
    response,
    writer: frameWriter(request.wire, request.n),
    gone: gone.signal,
    trickle: undefined,
  };
  const steps = Array.isArray(reply) ? (reply as readonly Step[]) : [reply as Step];
  for (const step of steps) {
    if (gone.signal.aborted) return;
    if ((await playStep(step, exchange)) === "over") return;
  }
  if (steps.some((step) => step.type === "raw")) {
    response.end();
    return;
  }
  for (const frame of exchange.writer.end()) await write(frame, exchange);
  response.end();
}

async function playStep(step: Step, exchange: Exchange): Promise<"on" | "over"> {
  const { response, gone } = exchange;
  switch (step.type) {
    case "headers":
      sendHeaders(exchange);
      response.flushHeaders();
      return "on";
    case "pause":
      await rest(step.ms, gone);
      return "on";
    case "hold":
      await Promise.race([step.enter(), aborted(gone)]);
      return "on";
    case "stall":
      await aborted(gone);
      return "over";
    case "cut":
      await flushed(exchange);
      response.socket?.destroy();
      return "over";
    case "end_early":
      sendHeaders(exchange);
      response.end();
      return "over";
    case "trickle":
      exchange.trickle = step;
      return "on";
    case "raw":
      await write(step.bytes, exchange);
      return "on";
    case "status":
      response.writeHead(step.code, step.headers).end(step.body);
      return "over";
    default:
      return playContent(step, exchange);
  }
}

async function playContent(step: Step, exchange: Exchange): Promise<"on" | "over"> {
  let first = true;
  for (const frame of exchange.writer.frames(step)) {
    if (step.type === "text" && step.delayMs > 0 && !first) {
      await rest(step.delayMs, exchange.gone);
    }
    first = false;
    await write(frame, exchange);
  }
  if (step.type !== "failed" && step.type !== "incomplete") return "on";
  exchange.response.end();
  return "over";
}

function sendHeaders({ response }: Exchange): void {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
}

async function write(data: string | Uint8Array, exchange: Exchange): Promise<void> {
  const { response, gone, trickle } = exchange;
  sendHeaders(exchange);
  const bytes = Buffer.from(data);
  const size = trickle?.bytes ?? bytes.length;
  for (let at = 0; at < bytes.length && !gone.aborted; at += size) {
    const roomy = response.write(bytes.subarray(at, at + size));
    if (!roomy) await Promise.race([once(response, "drain"), aborted(gone)]);
    if (trickle !== undefined) await (trickle.ms > 0 ? rest(trickle.ms, gone) : nextTurn());
  }
}

/** Waits until the system has taken all bytes: what is destroyed after that still arrives. */
async function flushed({ response, gone }: Exchange): Promise<void> {
  // What the response itself still gathers counts too.
  while (response.writableLength > 0 && !gone.aborted) await nextTurn();
}

async function rest(ms: number, gone: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: gone });
  } catch {
    // The client left: the steps that follow see that for themselves.
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
