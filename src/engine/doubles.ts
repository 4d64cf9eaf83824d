import type { Model } from "../model/index.js";
import type { RecordSink } from "./recorder.js";
import type { Tool } from "./tools/tool.js";

/**
 * What stands in for the world around a conversation when a recorded one is played again: all else is the engine itself. With
 * doubles nothing is asked of a provider, whatever the configuration names, and no session file is written.
 */
export interface Doubles {
  readonly model: Model;
  /** The tools of the conversation; gets the engine's own. */
  tools(own: ReadonlyMap<string, Tool>): ReadonlyMap<string, Tool>;
  /** Gets what would go into the session file. */
  readonly record: RecordSink;
  /** False: no tool starts anything, so what this machine can do to confine commands need not be tried out. */
  readonly runsCommands: boolean;
}
