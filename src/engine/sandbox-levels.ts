import { delimiter } from "node:path";
import type { Config } from "../config/index.js";
import { probe, type SandboxLevel } from "../sandbox/index.js";

/** What this machine can do for commands: found out with the first command of the engine, and kept. */
export class SandboxLevels {
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Promise<SandboxLevel>>();

  /** `signal`: the engine's; that of one turn would cut the answer short for all others. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** The level for commands of a conversation; in full access without a namespace when the user wants it so. */
  async levelFor(config: Config, cwd: string): Promise<SandboxLevel> {
    const level = await this.#probe(config, cwd);
    return config.containFullAccess ? level : { ...level, cage: undefined };
  }

  #probe({ commandEnv: env, home }: Config, cwd: string): Promise<SandboxLevel> {
    const path = env.PATH ?? "";
    // No program of the folder worked in is trusted: where PATH leads there, the answer is for that folder alone.
    const own = path.split(delimiter).some((folder) => folder.startsWith(cwd)) ? cwd : "";
    const key = JSON.stringify([path, own]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const probed = probe({ cwd, home }, { env, signal: this.#signal });
    this.#known.set(key, probed);
    return probed;
  }
}
