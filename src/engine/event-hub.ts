import type { Event } from "../protocol/index.js";
import type { Listener } from "./types.js";

/** Events kept for the first subscriber; past this, deltas are dropped first (their whole text follows anyway). */
const BACKLOG_LIMIT = 10_000;

/** Hands every event to every listener, synchronously and in order. */
export class EventHub {
  readonly #listeners = new Set<Listener>();
  #backlog: Event[] | undefined = [];

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const event of backlog) void deliver(listener, event);
    return () => this.#listeners.delete(listener);
  }

  /** A promise when a listener asks producers to wait. */
  emit(event: Event): Promise<void> | undefined {
    if (this.#backlog !== undefined) this.#keep(event);
    let all: Promise<void> | undefined;
    for (const listener of this.#listeners) {
      const wait = deliver(listener, event);
      if (wait !== undefined) all = all === undefined ? wait : both(all, wait);
    }
    return all;
  }

  #keep(event: Event): void {
    const backlog = this.#backlog ?? [];
    if (backlog.length >= BACKLOG_LIMIT && event.msg.type.endsWith("_delta")) return;
    backlog.push(kept(event));
  }
}

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await Promise.all([one, other]);
}

function deliver(listener: Listener, event: Event): Promise<void> | undefined {
  try {
    return listener(event) ?? undefined;
  } catch (error) {
    // A listener that throws is a bug of its front end: it surfaces as an uncaught exception, after everyone got the event.
    queueMicrotask(() => {
      throw error;
    });
    return undefined;
  }
}

/** The chunks of a command's output are lent for the call: who keeps an event copies them. */
function kept(event: Event): Event {
  if (event.msg.type !== "exec_command_output_delta") return event;
  return { ...event, msg: { ...event.msg, chunk: Uint8Array.from(event.msg.chunk) } };
}
