import { type Command, type Exit, type RunOptions, run } from "../process/index.js";
import type { SandboxPolicy } from "../protocol/index.js";
import { appeared } from "./guard.js";
import type { Place, SandboxLevel } from "./types.js";
import { wrap } from "./wrap.js";

/** Attempts in any case, and at most while what there is to mount goes on changing. */
const ATTEMPTS = 3;
const MOST_ATTEMPTS = 30;

/** `appeared`: see there. `reason`: why nothing was run, for people. */
export type Ran =
  | { readonly ok: true; readonly exit: Exit; readonly appeared: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/**
 * `run` under a policy. What the mounts were made for may vanish before they are made (a socket that was closed, a
 * folder of git's): then nothing ran, and it is tried again as things are now. `onStart` is called for each attempt.
 */
export async function runSandboxed(
  command: Command,
  policy: SandboxPolicy,
  options: RunOptions & { readonly place: Place; readonly level: SandboxLevel },
): Promise<Ran> {
  let before = "";
  for (let attempt = 1; ; attempt += 1) {
    const wrapped = wrap(command, policy, options);
    if (!wrapped.ok) return wrapped;
    const exit = await run(wrapped.command, options);
    const mounted = wrapped.command.namespace === true && policy.mode !== "danger-full-access";
    const argv = wrapped.command.argv.join("\0");
    const last = attempt >= (argv === before ? ATTEMPTS : MOST_ATTEMPTS);
    if (exit.end !== "not_started" || !mounted || last) {
      return { ok: true, exit, appeared: appeared(wrapped.watched) };
    }
    before = argv;
  }
}
