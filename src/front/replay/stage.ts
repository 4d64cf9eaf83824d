import type { Conversation, Doubles } from "../../engine/index.js";
import { type Event, isTerminal, type Op, type SandboxPolicy } from "../../protocol/index.js";
import type { Parting, TakenLine } from "./facts.js";
import { modelDouble } from "./model-double.js";
import { Prompter } from "./prompter.js";
import type { ScriptedTurn } from "./script.js";
import { openTape, type Tape } from "./tape.js";
import { type ToolMode, toolDoubles } from "./tool-doubles.js";

/** What a turn came to when it was played. */
export interface Played {
  readonly lines: readonly TakenLine[];
  readonly departure: Parting | undefined;
}

/** What turns run with, whatever the record says. */
export interface StageSettings {
  readonly model: string;
  /** Where a turn of the record works here. */
  cwdOf(turn: ScriptedTurn): string;
  policyOf(turn: ScriptedTurn): SandboxPolicy;
}

interface Init {
  readonly turns: readonly ScriptedTurn[];
  readonly mode: ToolMode;
  readonly settings: StageSettings;
  /** Gets the events as they come, but for those that only lead the replay. */
  show(event: Event): void | Promise<void>;
}

/** The engine's own conversation on a script: doubles for model and tools, a tape for a record. */
export class Stage {
  readonly doubles: Doubles;
  readonly #init: Init;
  readonly #prompter = new Prompter();
  readonly #tape: Tape = openTape();
  /** Turns that have ended before anybody waited for them. */
  readonly #played = new Map<string, Played>();
  readonly #waiting = new Map<string, (played: Played) => void>();
  #conversation: Conversation | undefined;
  /** The turn that is played, by its place in the script. */
  #index = 0;
  /** A turn that has begun by replacing the one before. */
  #begun: { readonly index: number; readonly id: string } | undefined;

  constructor(init: Init) {
    this.#init = init;
    const { turns, mode } = init;
    const prompter = this.#prompter;
    const names = turns.flatMap(({ calls }) => [...calls.values()].map(({ item }) => item.name));
    this.doubles = {
      model: modelDouble(prompter),
      tools: (own) => toolDoubles(own, { prompter, mode, names }),
      record: this.#tape,
      runsCommands: mode.kind === "run",
    };
  }

  /** The conversation that was started with the doubles. */
  open(conversation: Conversation): void {
    this.#conversation = conversation;
    this.#prompter.attach(conversation);
    conversation.subscribe((event) => this.#hear(event));
  }

  /** Plays one turn to its end. */
  async play(index: number): Promise<Played> {
    const begun = this.#begun?.index === index ? this.#begun.id : undefined;
    const id = begun ?? this.#start(index);
    const played = this.#played.get(id);
    this.#played.delete(id);
    return played ?? new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #start(index: number): string {
    this.#begin(index);
    return this.#conversation!.submit(this.#opOf(this.#init.turns[index]!));
  }

  #begin(index: number): void {
    const { turns } = this.#init;
    this.#index = index;
    const next = turns[index + 1]?.start.kind;
    this.#prompter.begin(turns[index]!, next === "compact" || next === "undo" ? next : undefined);
  }

  #opOf(turn: ScriptedTurn): Op {
    const { start, context } = turn;
    if (start.kind === "compact" || start.kind === "undo") return { type: start.kind };
    if (start.kind === "redo") return { type: "undo", redo: true };
    const { settings } = this.#init;
    return {
      type: "user_turn",
      items: start.kind === "input" ? [...start.items] : [],
      cwd: settings.cwdOf(turn),
      // Nobody is there to be asked.
      approval_policy: "never",
      sandbox_policy: settings.policyOf(turn),
      model: context?.model ?? settings.model,
      effort: context?.effort,
      summary: context?.summary,
    };
  }

  /** Synchronously with the end of a turn: the one that replaced it asks for its first answer right after. */
  #hear(event: Event): void | Promise<void> {
    const { id, msg } = event;
    if (this.#prompter.hears(id)) return undefined;
    if (!isTerminal(msg)) return this.#init.show(event);
    const played = { lines: this.#tape.drain(), departure: this.#prompter.departure };
    const { replacement } = this.#prompter;
    if (replacement !== undefined) {
      this.#begin(this.#index + 1);
      this.#begun = { index: this.#index, id: replacement };
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) this.#played.set(id, played);
    else waiting(played);
    return this.#init.show(event);
  }
}
