import type { Clock, Random, Scope } from "../base/index.js";
import type { ProcessOutcome, TerminalInfo } from "../protocol/index.js";
import { Terminal, type TerminalStart } from "./terminal.js";
import { outcomeOf } from "./tools/command.js";

/** Terminals of one conversation at most, those included that have ended and were not read to their end. */
const MOST = 16;
/** Ids have four digits or five, as Codex's have. */
const FIRST_ID = 1000;
const IDS = 99_000;

export type Opened =
  | { readonly ok: true; readonly terminal: Terminal }
  /** For the model. */
  | { readonly ok: false; readonly reason: string };

/**
 * The commands of a conversation that outlive the calls that started them. They end with the conversation at the latest;
 * those that have ended stay until their last output was read, or room is needed.
 */
export class Terminals {
  readonly #scope: Scope;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #all = new Map<number, Terminal>();
  readonly #used = new Set<number>();
  #held: Promise<unknown> | undefined;

  /** `scope`: the conversation's own, for terminals alone. */
  constructor(init: { readonly scope: Scope; readonly clock: Clock; readonly random: Random }) {
    this.#scope = init.scope;
    this.#clock = init.clock;
    this.#random = init.random;
  }

  /** Starts one. Throws `Cancelled` when the conversation is closed. */
  open(start: (id: number) => TerminalStart): Opened {
    if (this.#all.size >= MOST && !this.#dropEnded()) {
      return { ok: false, reason: `${MOST} terminals are running, and there can be no more: close one first` };
    }
    const id = this.#newId();
    const scope = this.#scope.child(`terminal ${id}`);
    const held = () => this.#held;
    const terminal = new Terminal(id, start(id), { scope, clock: this.#clock, held });
    this.#all.set(id, terminal);
    const whole = async () => {
      await scope.spawn("command", () => terminal.run());
      await scope.end();
    };
    // It never throws: see `Terminal.run`.
    void this.#scope.spawn(`terminal ${id}`, whole);
    return { ok: true, terminal };
  }

  find(id: number): Terminal | undefined {
    return this.#all.get(id);
  }

  /** All of them, in the order they were started: those that run, and those that ended and were not read to their end. */
  all(): readonly Terminal[] {
    return [...this.#all.values()];
  }

  /** What runs, for people. */
  infos(): TerminalInfo[] {
    return this.#running().map((terminal) => terminal.info());
  }

  /** Its end was told to the model: there is nothing more to know of it. */
  forget(terminal: Terminal): void {
    this.#all.delete(terminal.id);
  }

  /**
   * What runs on beyond a turn. Until `told` settles, when the turn's terminal event is out, nothing is told of any
   * terminal: what the receipt says is so when it comes.
   */
  keep(told: Promise<unknown>): ProcessOutcome[] {
    const held = told.then(() => {
      if (this.#held === held) this.#held = undefined;
    });
    this.#held = held;
    return this.#running().map((terminal) => terminal.kept());
  }

  /** Stops one, or all, and says what came of them. */
  async stop(which: readonly Terminal[] = this.#running()): Promise<ProcessOutcome[]> {
    const running = which.filter((terminal) => terminal.end === undefined);
    await Promise.all(running.map((terminal) => terminal.stop("closed")));
    return running.map((terminal) => stopped(terminal));
  }

  #running(): Terminal[] {
    return this.all().filter((terminal) => terminal.end === undefined);
  }

  /** Makes room: the oldest that has ended goes, read or not. */
  #dropEnded(): boolean {
    const ended = this.all().find((terminal) => terminal.end !== undefined);
    if (ended !== undefined) this.forget(ended);
    return ended !== undefined;
  }

  /** By chance, so that an id from an older run of the conversation does not name another terminal of this one. */
  #newId(): number {
    const chance = Buffer.from(this.#random(4)).readUInt32LE() % IDS;
    for (let n = 0; n < IDS; n += 1) {
      const id = FIRST_ID + ((chance + n) % IDS);
      if (this.#used.has(id)) continue;
      this.#used.add(id);
      return id;
    }
    throw new Error("every id of a terminal has been used");
  }
}

function stopped(terminal: Terminal): ProcessOutcome {
  const exit = terminal.end?.exit;
  const outcome = exit === undefined ? "exited" : outcomeOf(exit);
  return { ...terminal.kept(), outcome, exit_code: exit?.code ?? null };
}
