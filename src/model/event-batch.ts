import type { ModelEvent } from "./types.js";

type DeltaType = "text_delta" | "reasoning_delta" | "raw_reasoning_delta";

/** The events of one chunk of a stream; deltas of one kind in a row become one event. */
export class EventBatch {
  #events: ModelEvent[] = [];
  #type: DeltaType | undefined;
  #text = "";

  delta(type: DeltaType, text: string): void {
    if (type !== this.#type) {
      this.#flush();
      this.#type = type;
    }
    this.#text += text;
  }

  push(event: ModelEvent): void {
    this.#flush();
    this.#events.push(event);
  }

  /** Everything since the last call. */
  take(): ModelEvent[] {
    this.#flush();
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #flush(): void {
    if (this.#type !== undefined && this.#text !== "") this.#events.push({ type: this.#type, delta: this.#text });
    this.#type = undefined;
    this.#text = "";
  }
}
