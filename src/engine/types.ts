import type { Clock, Random } from "../base/index.js";
import type { Config } from "../config/index.js";
import type { Event, LevelReport, Op, TerminalMsg } from "../protocol/index.js";
import type { Doubles } from "./doubles.js";
import type { OneOffCommand, OneOffEnd } from "./one-off.js";
import type { ForkInit, NotOpened, ResumeInit } from "./resume.js";
import type { Settings } from "./settings.js";

/**
 * Called synchronously for every event, in order. A promise returned asks those who can wait (a command's pipes, a model's
 * stream) to wait until it settles: how a slow reader keeps memory bounded. Stopping a turn never waits for it.
 */
export type Listener = (event: Event) => void | Promise<void>;

/** How a turn ended; `event` is the terminal event, already delivered to every listener. */
export interface TurnEnd {
  readonly turnId: string;
  readonly status: "completed" | "failed" | "interrupted" | "replaced";
  readonly event: TerminalMsg;
}

/** An op that starts a turn, or steers the one that runs. */
export type InputOp = Extract<Op, { type: "user_input" | "user_turn" }>;

/** One conversation: a queue of submissions in, events out. */
export interface Conversation {
  readonly id: string;
  /** Queues an op; never throws. Returns the submission's id: the one given, else the next number of this conversation. */
  submit(op: Op, id?: string): string;
  /**
   * Queues input for a turn of its own, never to steer another one; `id` as in `submit`. `ended` is the turn's end, after its
   * terminal event; undefined, at once, when another turn runs by then (one that is being stopped is waited for) or the
   * conversation is closed.
   */
  runTurn(op: InputOp, id?: string): { readonly id: string; readonly ended: Promise<TurnEnd | undefined> };
  /** Events from now on; the ones before the first subscription are delivered to it when it attaches. */
  subscribe(listener: Listener): () => void;
  /**
   * Stops the turn that runs once everything submitted before has been taken up. Resolves after its terminal event;
   * undefined, at once, when there is none. A turn that ends by itself first is that end.
   */
  interrupt(): Promise<TurnEnd | undefined>;
  /** Interrupts, waits until nothing of the conversation is alive, and refuses what comes after. */
  close(): Promise<void>;
}

/** The conversations of one process. */
export interface Conversations {
  /** The first event of a conversation is `session_configured`. `doubles`: for one that is played again. */
  start(config: Config, doubles?: Doubles): Conversation;
  /** Goes on with a recorded session; its messages are in `session_configured`, and later turns in the same file. */
  resume(init: ResumeInit): Promise<OpenedConversation>;
  /** Starts a session that begins as another one does, in a file of its own. */
  fork(init: ForkInit): Promise<OpenedConversation>;
  /** One that is open. */
  find(id: string): Conversation | undefined;
  /** Which level of containment commands of a conversation with these settings would have, by a trial. */
  sandboxReport(config: Config): Promise<LevelReport>;
  /** Runs a command that belongs to no conversation; it ends early with the signal, or when all is closed. */
  runCommand(command: OneOffCommand, config: Config, signal: AbortSignal): Promise<OneOffEnd>;
  /** Closes all. */
  close(): Promise<void>;
}

/** `settings`: what turns run with that bring none of their own. */
export type OpenedConversation =
  | { readonly ok: true; readonly conversation: Conversation; readonly settings: Settings }
  | NotOpened;

/** What the engine takes from the outside. */
export interface EngineDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Of this program, for user agents and records. */
  readonly version: string;
}
