import type { FrontDeps } from "../host/index.js";

/** What an API on a stream takes from the program that carries it. */
export interface ApiDeps extends Pick<FrontDeps, "env" | "cwd" | "clock" | "random" | "version" | "conversations"> {
  /** `-c key=value` of the command line, in order. */
  readonly overrides: readonly string[];
}
