import { type Clock, sleep } from "../base/index.js";
import type { Area, Checkpoints } from "../checkpoint/index.js";
import type { Config } from "../config/index.js";
import { changeableRoots } from "./tools/changeable-roots.js";
import type { Turn } from "./turn.js";

/** How long the end of a turn may wait until it is known what its last call changed, ms. */
const KNOWN_WITHIN_MS = 3_000;
/** A look ahead at the files waits until the model's request is out, ms. */
const AHEAD_MS = 50;

interface Init {
  readonly id: string;
  readonly config: Config;
  readonly clock: Clock;
}

/** A call that may change files, and how it is told to stop. */
export interface ChangingCall {
  readonly turn: Turn;
  readonly callId: string;
  readonly area: Area | undefined;
  readonly signal: AbortSignal;
}

/** Keeps what a conversation's calls change, so that it can be undone. Loads the room that does it with the first look. */
export class ChangeKeeper {
  readonly #init: Init;
  readonly #told = new Set<string>();
  #checkpoints: Promise<Checkpoints> | undefined;

  constructor(init: Init) {
    this.#init = init;
  }

  /** A turn begins that may change files: they are looked at while the model thinks. */
  expect(turn: Turn): void {
    const { cwd, sandboxPolicy } = turn.settings;
    const roots = changeableRoots(sandboxPolicy, cwd);
    if (roots.length === 0) return;
    turn.scope
      .spawn("look ahead", async (signal) => {
        await sleep(AHEAD_MS, signal);
        (await this.#load()).prepare(roots);
      })
      .catch(() => {
        // The turn is over already, or the room met trouble that the first call meets again.
      });
  }

  /** Does something that may change files, looked at before and after. Throws the signal's reason before it is done. */
  async undoably<T>({ turn, callId, area, signal }: ChangingCall, act: () => Promise<T>): Promise<T> {
    if (area === undefined) return act();
    const checkpoints = await this.#load();
    const place = { turn: turn.id, call: callId, cwd: turn.settings.cwd };
    const watched = await checkpoints.before(place, area, signal);
    this.#tell(turn, checkpoints);
    signal.throwIfAborted();
    try {
      return await act();
    } finally {
      if (watched !== undefined) checkpoints.after(watched);
    }
  }

  /** The files a turn changed, absolute, sorted; its patches' in any case. */
  async changedFiles(turn: Turn): Promise<readonly string[]> {
    const patched = turn.ledger.diff.paths();
    if (this.#checkpoints === undefined) return patched;
    const checkpoints = await this.#checkpoints;
    const { files, known } = await checkpoints.settle(turn.id, KNOWN_WITHIN_MS);
    this.#tell(turn, checkpoints);
    if (!known) this.#say(turn, "what the last call changed is not known yet; belay undo --list will show it");
    return [...new Set([...patched, ...files])].sort();
  }

  /** Once all that calls changed is on record. */
  async idle(): Promise<void> {
    await (await this.#checkpoints)?.idle();
  }

  async close(): Promise<void> {
    await (await this.#checkpoints)?.close();
  }

  #load(): Promise<Checkpoints> {
    this.#checkpoints ??= this.#open();
    return this.#checkpoints;
  }

  async #open(): Promise<Checkpoints> {
    const { id, config, clock } = this.#init;
    const { Checkpoints, thisProcess } = await import("../checkpoint/index.js");
    const { home, commandEnv: env } = config;
    return new Checkpoints({ home, conversation: id, clock, env, owner: thisProcess() });
  }

  #tell(turn: Turn, checkpoints: Checkpoints): void {
    for (const why of checkpoints.takeFailures()) {
      this.#say(turn, `what commands change in this turn can't be undone: ${why}`);
    }
  }

  /** The same thing is said once a conversation. */
  #say(turn: Turn, message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    void turn.emit({ type: "background_event", message });
  }
}
