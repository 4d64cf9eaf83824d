import type { Conversation } from "../../engine/index.js";
import type { InputItem } from "../../protocol/index.js";
import type { Parting } from "./facts.js";
import type { Cue, ScriptedCall, ScriptedTurn } from "./script.js";

/** Leads the doubles of one conversation through a script: what comes next, and when the turn is stopped. */
export class Prompter {
  readonly #waiting = new Map<string, () => void>();
  #conversation: Conversation | undefined;
  #turn: ScriptedTurn | undefined;
  #next: "compact" | "undo" | undefined;
  #at = 0;
  #stopped = false;
  #departure: Parting | undefined;
  #replacement: string | undefined;

  /** The conversation that the doubles stand in. */
  attach(conversation: Conversation): void {
    this.#conversation = conversation;
  }

  /** A turn begins; `next`: the op that replaces it, when it is one that was replaced. */
  begin(turn: ScriptedTurn, next: "compact" | "undo" | undefined): void {
    this.#turn = turn;
    this.#next = next;
    this.#at = 0;
    this.#stopped = false;
    this.#departure = undefined;
    this.#replacement = undefined;
  }

  /** The submission that replaced the turn. */
  get replacement(): string | undefined {
    return this.#replacement;
  }

  get end(): ScriptedTurn["end"] {
    return this.#turn?.end ?? "lost";
  }

  get partial(): string {
    return this.#turn?.partial ?? "";
  }

  get departure(): Parting | undefined {
    return this.#departure;
  }

  /** What comes next; it stays so until it is taken. */
  peek(): Cue | undefined {
    return this.#turn?.cues[this.#at];
  }

  take(): Cue | undefined {
    const cue = this.peek();
    this.#at += 1;
    return cue;
  }

  call(id: string): ScriptedCall | undefined {
    return this.#turn?.calls.get(id);
  }

  /** The calls of the record that were made right behind this one were never started. */
  wasLastStarted(id: string): boolean {
    const calls = [...(this.#turn?.calls.values() ?? [])];
    const at = calls.findIndex(({ item }) => item.call_id === id);
    return calls[at + 1]?.outcome === "not_started";
  }

  /** The engine did something that the record does not have; the first one counts. */
  depart(departure: Parting): void {
    this.#departure ??= departure;
  }

  /** What was typed at this moment of the record; it is in the turn when this resolves. Throws the signal's reason. */
  async typeAhead(inputs: readonly (readonly InputItem[])[], signal: AbortSignal): Promise<void> {
    if (inputs.length === 0) return;
    for (const items of inputs) this.#conversation?.submit({ type: "user_input", items: [...items] });
    // Whatever was submitted before has been taken up when a question is answered.
    const id = this.#conversation?.submit({ type: "list_mcp_tools" }) ?? "";
    const answered = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
    await Promise.race([answered, untilAborted(signal)]);
  }

  /** All input of the script that comes next. */
  takeInputs(): (readonly InputItem[])[] {
    const inputs: (readonly InputItem[])[] = [];
    for (let cue = this.peek(); cue?.kind === "input"; cue = this.peek()) {
      inputs.push(cue.items);
      this.take();
    }
    return inputs;
  }

  /** True for an answer to a question of `typeAhead`, which is none of the record's business. */
  hears(id: string): boolean {
    const resolve = this.#waiting.get(id);
    if (resolve === undefined) return false;
    this.#waiting.delete(id);
    resolve();
    return true;
  }

  /** Stops the turn where the record says that it was; rejects with the signal's reason once it is stopped. */
  async stopHere(signal: AbortSignal): Promise<never> {
    if (!this.#stopped) {
      this.#stopped = true;
      await this.typeAhead([...this.takeInputs(), ...(this.#turn?.unusedInput ?? [])], signal);
      if (this.#next === undefined || this.end !== "replaced") this.#conversation?.submit({ type: "interrupt" });
      else this.#replacement = this.#conversation?.submit({ type: this.#next });
    }
    return untilAborted(signal);
  }
}

/** Rejects with the signal's reason. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
