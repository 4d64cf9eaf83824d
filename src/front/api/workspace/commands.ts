import type { Config } from "../../../config/index.js";
import type { Conversations, OneOffCommand, OneOffEnd } from "../../../engine/index.js";

/** Runs commands of no conversation with the settings of the user. */
export interface Commands {
  readonly config: Config;
  /** `signal` ends it early. */
  run(command: OneOffCommand, signal: AbortSignal): Promise<OneOffEnd>;
}

/** Commands of an engine, with these settings. */
export function commandsFor(conversations: Conversations, config: Config): Commands {
  return { config, run: (command, signal) => conversations.runCommand(command, config, signal) };
}
