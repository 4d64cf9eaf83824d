import type { Clock, Random } from "../../base/index.js";
import type { Conversations } from "../../engine/index.js";
import type { FrontDeps } from "../host/index.js";

/** What an API on a stream takes from the program that carries it. */
export interface ApiDeps extends Pick<FrontDeps, "env" | "cwd" | "version"> {
  readonly clock: Clock;
  readonly random: Random;
  readonly engine: Conversations;
  /** `-c key=value` of the command line, in order. */
  readonly overrides: readonly string[];
}
