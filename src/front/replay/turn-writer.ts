import { LOST_OUTPUTS, summaryIn } from "../../engine/index.js";
import {
  type InputItem,
  isCall,
  isCallOutput,
  isRecord,
  type MessageItem,
  type RecordedEvent,
  type ResponseItem,
  recordedInput,
  type TurnContext,
  textOf,
} from "../../protocol/index.js";
import { FactList, nameOf, outputText, type Reading, type TakenLine, TURN_ENDS } from "./facts.js";
import type { Cue, ScriptedCall, ScriptedTurn, Start } from "./script.js";

const PREVIEW = 200;

/** Collects what one turn of a record has. */
export class TurnWriter {
  readonly #n: number;
  readonly #reading: Reading;
  readonly #facts: FactList;
  readonly #cues: Cue[] = [];
  readonly #calls = new Map<string, ScriptedCall>();
  #input: readonly InputItem[] | undefined;
  #text = "";
  /** What the turns before it ran with. */
  readonly #before: TurnContext | undefined;
  #context: TurnContext | undefined;
  #answer: ResponseItem[] = [];
  /** How many facts there were before the answer. */
  #answerFrom = 0;
  #early: Extract<Cue, { kind: "compaction" }> | undefined;
  #cut: MessageItem | undefined;
  #undo: string | undefined;
  #ended = false;
  /** How many facts there were when a kill cut the turn. */
  #lostFrom: number | undefined;

  constructor(n: number, reading: Reading, before: TurnContext | undefined) {
    this.#n = n;
    this.#before = before;
    this.#reading = reading;
    this.#facts = new FactList(reading);
  }

  take(line: TakenLine): void {
    const { item, submission } = line;
    if (item.type === "turn_context") this.#context ??= item.payload;
    else if (item.type === "compacted") this.#compact(line);
    else if (item.type === "response_item") this.#takeItem(item.payload, submission, line);
    else if (item.type === "event_msg") this.#takeEvent(item.payload, line);
  }

  end(event: RecordedEvent | undefined): ScriptedTurn {
    this.#closeAnswer();
    const end = endOf(event);
    if (this.#cut !== undefined && end === "completed") this.#cues.push({ kind: "answer", items: [this.#cut] });
    this.#settleCalls(event, end);
    const unusedInput = event === undefined ? [] : recordedInput(event, "unused_input");
    if (end === "completed" && !this.#ended)
      this.#facts.take({ item: { type: "event_msg", payload: { type: "task_complete" } }, submission: undefined });
    const facts = this.#facts.end();
    return {
      n: this.#n,
      text: this.#text,
      start: this.#start(end),
      context: this.#context ?? this.#before,
      cues: this.#cues,
      calls: this.#calls,
      end,
      partial: this.#cut === undefined ? "" : textOf(this.#cut),
      unusedInput,
      uncompared: this.#uncompared(),
      facts: end === "lost" ? facts.slice(0, this.#lostFrom) : facts,
    };
  }

  #takeItem(item: ResponseItem, submission: string | undefined, line: TakenLine): void {
    if (isCallOutput(item)) {
      this.#closeAnswer();
      const call = this.#calls.get(item.call_id);
      if (call === undefined || call.output !== undefined) return;
      if (item.output === LOST_OUTPUTS.killed) return;
      call.output = item.output;
      this.#facts.take(line);
    } else if (item.type === "message" && item.role !== "assistant") this.#takeTold(item, submission, line);
    else if (item.type === "message" && item.status === "incomplete") {
      this.#closeAnswer();
      this.#cut = item;
      this.#facts.take(line);
    } else {
      if (isCall(item) && this.#calls.has(item.call_id)) return;
      if (this.#answer.length === 0) this.#answerFrom = this.#facts.length;
      if (isCall(item)) this.#calls.set(item.call_id, { item, output: undefined, outcome: "done" });
      this.#answer.push(item);
      this.#facts.take(line);
    }
  }

  #takeTold(item: MessageItem, submission: string | undefined, line: TakenLine): void {
    const text = textOf(item);
    if (item.role !== "user") return;
    if (!this.#reading.isTyped(item, submission)) {
      if (text.startsWith("<undo>")) this.#undo = text;
      if (text.startsWith("<turn_aborted>") && text.includes("Belay was killed")) this.#lose();
      this.#facts.take(line);
      return;
    }
    this.#closeAnswer();
    this.#facts.take(line);
    const items = inputOf(item);
    if (this.#input !== undefined) {
      this.#cues.push({ kind: "input", items });
      return;
    }
    this.#input = items;
    this.#text = text.slice(0, PREVIEW).replace(/\s+/g, " ").trim();
    if (this.#early === undefined) return;
    // Codex summarises before it takes the message in; here it is the other way round.
    this.#cues.push(this.#early);
    this.#facts.insert(this.#facts.length, { what: "compaction", text: "" });
    this.#early = undefined;
  }

  #compact(line: TakenLine): void {
    if (line.item.type !== "compacted" || line.item.payload.amended === true) return;
    const { message, replacement_history: items = [] } = line.item.payload;
    const texts = items.flatMap((item) => (item.type === "message" ? [textOf(item)] : []));
    if (this.#reading.ours) {
      this.#closeAnswer();
      const summary = texts.map(summaryIn).find((text) => text !== undefined) ?? message;
      this.#cues.push({ kind: "compaction", summary });
      this.#facts.take(line);
      return;
    }
    // The answer that is the summary stands on record like any other.
    const own = this.#answer.some(isCall) ? [] : this.#answer.splice(0);
    if (own.length > 0) this.#facts.cutTo(this.#answerFrom);
    this.#closeAnswer();
    const said = own.flatMap((item) => (item.type === "message" ? [textOf(item)] : [])).join("\n");
    const cue = {
      kind: "compaction" as const,
      summary: [said, message, texts.at(-1) ?? ""].find((text) => text !== "") ?? "-",
    };
    if (this.#input === undefined) this.#early = cue;
    else {
      this.#cues.push(cue);
      this.#facts.take(line);
    }
  }

  #takeEvent(event: RecordedEvent, line: TakenLine): void {
    if (TURN_ENDS.has(event.type)) {
      this.#ended = true;
      if (event.killed === true) this.#lose();
      if (event.type === "turn_aborted") this.#closeAnswer();
      else if (event.failed !== true) this.#facts.supply();
    }
    this.#facts.take(line);
  }

  /** What comes from here on was written by the process that found the turn cut. */
  #lose(): void {
    this.#closeAnswer();
    this.#facts.end();
    this.#lostFrom ??= this.#facts.length;
  }

  #closeAnswer(): void {
    if (this.#answer.length > 0) this.#cues.push({ kind: "answer", items: this.#answer });
    this.#answer = [];
  }

  #settleCalls(event: RecordedEvent | undefined, end: ScriptedTurn["end"]): void {
    const told = Array.isArray(event?.calls) && end !== "lost" ? event.calls.filter(isRecord) : [];
    const outcomes = new Map(told.map(({ call_id, outcome }) => [call_id, outcome]));
    for (const [id, call] of this.#calls) {
      const outcome = outcomes.get(id);
      if (outcome === "cut" || outcome === "not_started") call.outcome = outcome;
      else if (end === "completed" || end === "failed") call.outcome = "done";
      else if (call.output === undefined) call.outcome = "cut";
      else if (outcome === undefined && end !== "lost" && ABORTED.test(outputText(call.output))) call.outcome = "cut";
    }
  }

  /** Each program has words of its own for what it cut. */
  #uncompared(): Set<string> {
    const cut = [...this.#calls.values()].filter(({ outcome }) => outcome !== "done");
    return new Set(this.#reading.ours ? [] : cut.map(({ item }) => `output of ${nameOf(item)}`));
  }

  #start(end: ScriptedTurn["end"]): Start {
    if (this.#input !== undefined) return { kind: "input", items: this.#input };
    if (this.#early !== undefined) {
      this.#cues.unshift(this.#early);
      this.#facts.insert(0, { what: "compaction", text: "" });
      return { kind: "compact" };
    }
    if (this.#cues.some(({ kind }) => kind === "compaction")) return { kind: "compact" };
    if (this.#undo !== undefined) return { kind: this.#undo.includes("taken that undo back") ? "redo" : "undo" };
    if (end === "completed" && this.#cues.length > 0)
      return { kind: "none", why: "the record has lost what it began with" };
    if (end === "failed") return { kind: "none", why: "it failed before the model was asked" };
    return { kind: "none", why: "it ended before anything was said" };
  }
}

const ABORTED = /^aborted by user/;

function endOf(event: RecordedEvent | undefined): ScriptedTurn["end"] {
  if (event === undefined || event.killed === true) return "lost";
  if (event.type === "turn_aborted") return event.reason === "replaced" ? "replaced" : "interrupted";
  return event.failed === true ? "failed" : "completed";
}

function inputOf({ content }: MessageItem): InputItem[] {
  return content.flatMap((part): InputItem[] => {
    if (part.type === "input_image") return [{ type: "image", image_url: part.image_url }];
    return part.type === "refusal" ? [] : [{ type: "text", text: part.text }];
  });
}
