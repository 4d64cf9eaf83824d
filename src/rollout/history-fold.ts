import {
  type CallItem,
  type CallOutputItem,
  type InputItem,
  isCall,
  isCallOutput,
  type MessageItem,
  outputOf,
  type RecordedEvent,
  type ResponseItem,
  type RolloutLine,
  recordedInput,
  userMessage,
} from "../protocol/index.js";

/** What a model is told in the place of an output that the record does not have. */
export interface LostOutputs {
  /** Of a call that ran when the process was killed. */
  readonly killed: string;
  /** Of a call whose output a damaged file has lost. */
  readonly lost: string;
}

/** The turn that was under way when the record ends. */
export interface CutTurn {
  /** As recorded; "" where the file does not say. */
  readonly turnId: string;
  readonly calls: readonly { readonly item: CallItem; readonly done: boolean }[];
}

/** What lines said one after the other come to. */
export interface Folded {
  /** Well-formed: every call has its one output. */
  readonly items: readonly ResponseItem[];
  /** Those of them that the record does not have: they belong at its end. */
  readonly supplied: readonly CallOutputItem[];
  readonly cutTurn: CutTurn | undefined;
  /** Input that no model has seen: of the turn that was cut, or handed back at the end of the last one. */
  readonly unusedInput: readonly (readonly InputItem[])[];
  /** Items that had no pair, or came twice. */
  readonly dropped: number;
  /** Above the numbers of all submissions that were read. */
  readonly nextSubmission: number;
}

/** Puts recorded lines together, in order, to the history of a conversation. */
export class HistoryFold {
  readonly #texts: LostOutputs;
  #items: ResponseItem[] = [];
  #open = new Map<string, CallItem>();
  #known = new Set<string>();
  /** User messages that came between a call and its output. */
  #held: MessageItem[] = [];
  #turn: { readonly id: string; readonly calls: Map<string, { readonly item: CallItem; done: boolean }> } | undefined;
  readonly #submitted = new Map<string, readonly InputItem[]>();
  #unused: readonly (readonly InputItem[])[] = [];
  #dropped = 0;
  #nextSubmission = 0;

  constructor(texts: LostOutputs) {
    this.#texts = texts;
  }

  take({ item, submission }: RolloutLine): void {
    if (item.type === "response_item") {
      if (submission !== undefined) this.#submitted.delete(submission);
      this.#count(submission);
      this.#takeItem(item.payload);
    } else if (item.type === "compacted") this.#compact(item.payload.message, item.payload.replacement_history);
    else if (item.type === "event_msg") this.#takeEvent(item.payload);
  }

  end(): Folded {
    const supplied = [...this.#open.values()].map((call) => outputOf(call, this.#texts.killed));
    this.#close(this.#texts.killed);
    const calls = [...(this.#turn?.calls.values() ?? [])];
    return {
      items: this.#items,
      supplied,
      cutTurn: this.#turn === undefined ? undefined : { turnId: this.#turn.id, calls },
      unusedInput: this.#turn === undefined ? this.#unused : [...this.#submitted.values()],
      dropped: this.#dropped,
      nextSubmission: this.#nextSubmission,
    };
  }

  #count(submission: unknown): void {
    if (typeof submission !== "string" || !/^\d{1,15}$/.test(submission)) return;
    this.#nextSubmission = Math.max(this.#nextSubmission, Number(submission) + 1);
  }

  #takeItem(item: ResponseItem): void {
    if (isCall(item)) {
      this.#resume();
      if (this.#known.has(item.call_id)) {
        this.#dropped += 1;
        return;
      }
      this.#known.add(item.call_id);
      this.#open.set(item.call_id, item);
      this.#turn?.calls.set(item.call_id, { item, done: false });
      this.#items.push(item);
    } else if (isCallOutput(item)) this.#takeOutput(item);
    else if (item.type === "message" && item.role !== "assistant") {
      if (isForeignContext(item)) return;
      if (this.#open.size > 0) this.#held.push(item);
      else this.#items.push(item);
    } else {
      this.#resume();
      this.#items.push(item);
    }
  }

  #takeOutput(item: CallOutputItem): void {
    const call = this.#open.get(item.call_id);
    if (call === undefined) {
      this.#dropped += 1;
      return;
    }
    this.#open.delete(item.call_id);
    const entry = this.#turn?.calls.get(item.call_id);
    if (entry !== undefined) entry.done = true;
    // Under the type of its call, whatever the line says.
    this.#items.push(outputOf(call, item.output));
    if (this.#open.size === 0) this.#items.push(...this.#held.splice(0));
  }

  /** The model spoke again after a user's message: outputs that have not come by now will not come. */
  #resume(): void {
    if (this.#held.length > 0) this.#close(this.#texts.lost);
  }

  #close(text: string): void {
    for (const call of this.#open.values()) this.#items.push(outputOf(call, text));
    this.#open.clear();
    this.#items.push(...this.#held.splice(0));
  }

  #compact(summary: string, replacement: readonly ResponseItem[] | undefined): void {
    const before = this.#items;
    this.#items = [];
    this.#open.clear();
    this.#held = [];
    this.#known = new Set();
    const typed = before.filter((item) => item.type === "message" && item.role === "user");
    for (const item of replacement ?? [...typed, userMessage(summary)]) this.#takeItem(item);
    this.#close(this.#texts.lost);
  }

  #takeEvent(event: RecordedEvent): void {
    switch (event.type) {
      case "task_started":
      case "turn_started":
        this.#close(this.#texts.lost);
        this.#count(event.submission);
        this.#turn = { id: typeof event.turn_id === "string" ? event.turn_id : "", calls: new Map() };
        this.#submitted.clear();
        this.#unused = [];
        return;
      case "task_complete":
      case "turn_complete":
      case "turn_aborted":
        this.#close(this.#texts.lost);
        this.#turn = undefined;
        this.#submitted.clear();
        this.#unused = recordedInput(event, "unused_input");
        return;
      case "input_submitted": {
        this.#count(event.submission);
        const items = recordedInput(event, "items")[0];
        if (typeof event.submission === "string" && items !== undefined) this.#submitted.set(event.submission, items);
        return;
      }
      default:
    }
  }
}

/** What Codex tells its model of its own tools and skills is not for ours. Its messages have ids, our own have none. */
function isForeignContext(item: MessageItem): boolean {
  return item.role === "developer" && typeof item.id === "string";
}
