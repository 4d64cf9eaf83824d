import type { ModelEvent } from "./types.js";

/**
 * What of a response's text has been handed on, so that a retried attempt never says it twice.
 *
 * The first attempt's deltas all pass. A later attempt starts its text anew: what it repeats of the text already handed
 * on is dropped, what goes beyond it passes. Once it differs, its further deltas of that kind are withheld: two half
 * texts don't make one, and the final `item` carries the text that counts.
 */
export class ShownText {
  readonly #channels = { text_delta: newChannel(), reasoning_delta: newChannel(), raw_reasoning_delta: newChannel() };
  #sections = 0;
  #sectionsNow = 0;

  /** A new attempt begins. */
  restart(): void {
    for (const channel of Object.values(this.#channels)) {
      channel.at = 0;
      channel.differs = false;
    }
    this.#sectionsNow = 0;
  }

  /** The part of an event that is new, or undefined. Events that carry no delta pass. */
  fresh(event: ModelEvent): ModelEvent | undefined {
    switch (event.type) {
      case "text_delta":
      case "reasoning_delta":
      case "raw_reasoning_delta": {
        const delta = advance(this.#channels[event.type], event.delta);
        if (delta === "") return undefined;
        return delta.length === event.delta.length ? event : { type: event.type, delta };
      }
      case "reasoning_section":
        this.#sectionsNow += 1;
        if (this.#sectionsNow <= this.#sections || this.#channels.reasoning_delta.differs) return undefined;
        this.#sections = this.#sectionsNow;
        return event;
      default:
        return event;
    }
  }
}

interface Channel {
  /** All text handed on, over all attempts. */
  shown: string;
  /** How far into it this attempt is. */
  at: number;
  differs: boolean;
}

function newChannel(): Channel {
  return { shown: "", at: 0, differs: false };
}

function advance(channel: Channel, delta: string): string {
  if (channel.differs) return "";
  const known = channel.shown.length - channel.at;
  if (known === 0) {
    channel.shown += delta;
    channel.at = channel.shown.length;
    return delta;
  }
  const repeated = Math.min(known, delta.length);
  if (!channel.shown.startsWith(delta.slice(0, repeated), channel.at)) {
    channel.differs = true;
    return "";
  }
  channel.at += repeated;
  const rest = delta.slice(repeated);
  channel.shown += rest;
  channel.at += rest.length;
  return rest;
}
