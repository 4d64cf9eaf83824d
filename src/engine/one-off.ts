import type { Scope } from "../base/index.js";
import type { Config } from "../config/index.js";
import type { Exit } from "../process/index.js";
import type { SandboxPolicy } from "../protocol/index.js";
import { runSandboxed } from "../sandbox/index.js";
import type { SandboxLevels } from "./sandbox-levels.js";

/** A command that belongs to no conversation. */
export interface OneOffCommand {
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** The whole environment; that of the user's settings when undefined. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly policy: SandboxPolicy;
  /**
   * Where the machine can't keep to the policy: `refuse` is for commands of others; `run` for commands of our own, which are
   * harmless by themselves and have the walls as a second line of defence.
   */
  readonly unconfined: "refuse" | "run";
  /** Bytes kept of each stream. */
  readonly keep: { readonly head: number; readonly tail: number };
}

/** `reason`: why nothing was run, for people. */
export type OneOffEnd = { readonly ok: true; readonly exit: Exit } | { readonly ok: false; readonly reason: string };

interface Around {
  readonly config: Config;
  readonly levels: SandboxLevels;
  /** The command ends with it. */
  readonly scope: Scope;
  readonly signal: AbortSignal;
}

/** Runs a command to its end within the walls of its policy; it ends early with the scope or the signal. */
export async function runOneOff(command: OneOffCommand, { config, levels, scope, signal }: Around): Promise<OneOffEnd> {
  const place = { cwd: command.cwd, home: config.home };
  const level = await levels.levelFor(config, command.cwd);
  const loosened = level.walls === undefined && command.unconfined === "run";
  const ran = await runSandboxed(
    { argv: command.argv, cwd: command.cwd, env: command.env ?? config.commandEnv },
    loosened ? { mode: "danger-full-access" } : command.policy,
    {
      signal: AbortSignal.any([scope.signal, signal]),
      timeoutMs: command.timeoutMs,
      keep: command.keep,
      place,
      level,
    },
  );
  return ran.ok ? { ok: true, exit: ran.exit } : ran;
}
