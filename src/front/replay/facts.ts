import { LOST_OUTPUTS } from "../../engine/index.js";
import {
  type CallItem,
  type CallOutput,
  type ContentPart,
  isCall,
  isCallOutput,
  isRecord,
  type MessageItem,
  type RecordedEvent,
  type ResponseItem,
  type RolloutItem,
  recordedInput,
  textOf,
} from "../../protocol/index.js";

/** One thing that a turn came to, as it is compared: what it is, and its text without what differs from run to run. */
export interface Fact {
  readonly what: string;
  readonly text: string;
}

/** Where a turn first came out differently: what it is about, and the texts that differ. */
export interface Parting {
  readonly what: string;
  readonly expected: string;
  readonly came: string;
}

/** One line of a record, whoever wrote it. */
export interface TakenLine {
  readonly item: RolloutItem;
  readonly submission: string | undefined;
}

/** How lines are to be read. */
export interface Reading {
  /** Recorded by Belay: notes and summaries are its own words, and are compared. */
  readonly ours: boolean;
  /** Recorded by a Belay that writes down what is shown of messages: that is compared too. */
  readonly shown: boolean;
  /** Whether a person typed a message of role user. */
  isTyped(message: MessageItem, submission: string | undefined): boolean;
  /** Puts one name in the place of the names that a folder has here and there. */
  settlePaths(text: string): string;
}

/** Messages for the model that tell of the machine: no work of the engine that a replay could repeat elsewhere. */
export const CONTEXT = /^<environment_context>|^# AGENTS\.md instructions|^<undo>/;

const NOTE = "<turn_aborted>";
/** What is shown of a longer message ends with this; where the cut is depends on what was masked before. */
const CUT_SHORT = "…";

/** Collects the facts of one turn from its lines. Outputs are put in the order of their calls. */
export class FactList {
  readonly #reading: Reading;
  readonly #facts: Fact[] = [];
  #waiting: CallItem[] = [];
  #outputs = new Map<string, CallOutput>();
  #lastText: string | undefined;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  get length(): number {
    return this.#facts.length;
  }

  /** Drops all facts from this one on. */
  cutTo(length: number): void {
    this.#facts.length = Math.min(length, this.#facts.length);
  }

  /** Puts a fact where it belongs and not where it came. */
  insert(at: number, fact: Fact): void {
    this.#facts.splice(at, 0, fact);
  }

  take({ item, submission }: TakenLine): void {
    if (item.type === "response_item") this.#takeItem(item.payload, submission);
    // A double refuses nothing: what was amended is no part of a replay.
    else if (item.type === "compacted" && item.payload.amended !== true) {
      this.#flush();
      this.#add("compaction", this.#reading.ours ? replacementText(item.payload.replacement_history ?? []) : "");
    } else if (item.type === "event_msg") this.#takeEvent(item.payload);
  }

  /** All of them, with the outputs that are there by now. */
  end(): readonly Fact[] {
    this.#flush();
    return this.#facts;
  }

  /** Gives calls without an output the one that says that it is lost. */
  supply(): void {
    for (const call of this.#waiting) {
      if (!this.#outputs.has(call.call_id)) this.#outputs.set(call.call_id, LOST_OUTPUTS.lost);
    }
    this.#flush();
  }

  #takeItem(item: ResponseItem, submission: string | undefined): void {
    if (isCallOutput(item)) {
      this.#outputs.set(item.call_id, item.output);
      return;
    }
    if (this.#outputs.size > 0) this.#flush();
    if (isCall(item)) {
      this.#waiting.push(item);
      this.#add(`call ${nameOf(item)}`, item.type === "function_call" ? item.arguments : item.input);
    } else if (item.type === "reasoning") {
      this.#add("reasoning of the model", item.summary.map(({ text }) => text).join("\n\n"));
    } else this.#takeMessage(item, submission);
  }

  #takeMessage(message: MessageItem, submission: string | undefined): void {
    const text = partsText(message.content);
    if (message.role === "assistant") {
      this.#lastText = textOf(message);
      this.#add(message.status === "incomplete" ? "cut message of the model" : "message of the model", text);
    } else if (message.role !== "user") return;
    else if (this.#reading.isTyped(message, submission)) this.#add("message of the user", text);
    else if (this.#reading.ours && text.startsWith(NOTE)) this.#add("note to the model", withoutTimes(text));
  }

  #takeEvent(event: RecordedEvent): void {
    if (event.type === "item_completed" && this.#reading.shown) this.#takeShown(event);
    else if (TURN_ENDS.has(event.type)) {
      this.#flush();
      this.#add(`event ${event.type.replace("turn_complete", "task_complete")}`, this.#endText(event));
    }
  }

  #takeShown({ item }: RecordedEvent): void {
    if (!isRecord(item) || !Array.isArray(item.content)) return;
    const texts = item.content.map((part: unknown) =>
      isRecord(part) && typeof part.text === "string" ? part.text : "",
    );
    const text = texts.join("");
    if (this.#outputs.size > 0) this.#flush();
    this.#add(`event item_completed (${String(item.type)})`, text.endsWith(CUT_SHORT) ? CUT_SHORT : text);
  }

  /** Processes, changed files and times belong to the machine and the moment. */
  #endText(event: RecordedEvent): string {
    const unused = recordedInput(event, "unused_input").map(
      (items) => `unused input: ${items.map((one) => (one.type === "text" ? one.text : one.type)).join(" ")}`,
    );
    if (event.type !== "turn_aborted") {
      const said = event.failed === true ? undefined : (event.last_agent_message ?? this.#lastText);
      return [
        event.failed === true ? "failed" : "completed",
        ...(said === undefined ? [] : [String(said)]),
        ...unused,
      ].join("\n");
    }
    const calls = this.#reading.ours && Array.isArray(event.calls) ? event.calls.filter(isRecord) : [];
    const outcomes = calls.map(
      ({ call_id, name, outcome }) => `${String(name)} (${String(call_id)}): ${String(outcome)}`,
    );
    return [String(event.reason), ...outcomes, ...unused].join("\n");
  }

  /** Programs have words of their own around what a command gave out. */
  #toldOf(output: string): string {
    return this.#reading.ours ? output : plainOutput(output);
  }

  #flush(): void {
    const waiting = this.#waiting;
    const outputs = this.#outputs;
    this.#waiting = [];
    this.#outputs = new Map();
    for (const call of waiting) {
      const output = outputs.get(call.call_id);
      if (output !== undefined) this.#add(`output of ${nameOf(call)}`, withoutTimes(this.#toldOf(outputText(output))));
      else this.#waiting.push(call);
    }
  }

  #add(what: string, text: string): void {
    this.#facts.push({ what, text: this.#reading.settlePaths(text) });
  }
}

/** The events that end a turn, in the words of every program. */
export const TURN_ENDS: ReadonlySet<string> = new Set(["task_complete", "turn_complete", "turn_aborted"]);

export function nameOf({ name, call_id }: CallItem): string {
  return `${name} (${call_id})`;
}

export function outputText(output: CallOutput): string {
  return typeof output === "string" ? output : partsText(output);
}

const CODEX_169 =
  /^(?:Chunk ID: .*\n)?Wall time: .*\n(?:Process exited with code (-?\d+)\n)?(?:Original token count: .*\n)?Output:\n/;
const OWN = /^Exit code: (-?\d+)\nWall time: .*\nOutput:\n/;

/** The exit code and the output of a command, without the words that Codex 0.23, Codex 0.169 or Belay put around them. */
function plainOutput(text: string): string {
  const head = CODEX_169.exec(text) ?? OWN.exec(text);
  if (head !== null) return `exit code ${head[1]}\n${text.slice(head[0].length)}`;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || typeof value.output !== "string" || !isRecord(value.metadata)) return text;
    return `exit code ${String(value.metadata.exit_code)}\n${value.output}`;
  } catch {
    // No JSON: the words of another tool.
    return text;
  }
}

function partsText(parts: readonly ContentPart[]): string {
  return parts
    .map((part) => {
      if (part.type === "input_image") return `[an image of ${part.image_url.length} characters]`;
      return part.type === "refusal" ? part.refusal : part.text;
    })
    .join("\n");
}

function replacementText(items: readonly ResponseItem[]): string {
  const messages = items.filter((item) => item.type === "message" && item.role !== "developer");
  const texts = messages.map((item) => partsText((item as MessageItem).content));
  return withoutTimes(texts.filter((text) => !CONTEXT.test(text)).join("\n"));
}

/** Durations, times of day, numbers of processes and terminals: another run has others. */
function withoutTimes(text: string): string {
  return text
    .replace(/\b\d+(?:\.\d+)? ?(?:ns|µs|us|ms|s|secs?|seconds?)\b/g, "<time>")
    .replace(/(\b\w*duration\w*["']?[:= ] *)\d+(?:\.\d+)?/g, "$1<time>")
    .replace(/\b(?:\d{4}-\d{2}-\d{2}[T ])?\d{2}:\d{2}:\d{2}(?:\.\d+)?Z?\b/g, "<time>")
    .replace(/\b(session[ _](?:ID|id) |pid )\d+(?:, \d+)*/g, "$1<number>")
    .replace(/^(aborted by user after <time>); the call had not ended and may have had effects$/, "$1");
}
