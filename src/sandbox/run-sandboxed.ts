import { lstatSync, unlinkSync } from "node:fs";
import { type Command, type Exit, type RunOptions, run } from "../process/index.js";
import type { SandboxPolicy } from "../protocol/index.js";
import { appeared } from "./guard.js";
import { type HostSocket, hostSockets, lasting } from "./host-sockets.js";
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
 * folder of git's): then nothing ran, and it is tried again as things are now. From the third attempt on sockets that
 * came while it was tried are not covered any more, like all that come later: where programs make and remove sockets
 * all the time, there would be no end of it. `onStart` is called for each attempt.
 */
export async function runSandboxed(
  command: Command,
  policy: SandboxPolicy,
  options: RunOptions & { readonly place: Place; readonly level: SandboxLevel },
): Promise<Ran> {
  let before = "";
  let sockets: readonly HostSocket[] | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const now = policy.mode === "danger-full-access" ? [] : hostSockets();
    sockets = attempt < ATTEMPTS || sockets === undefined || now === undefined ? now : lasting(sockets, now);
    const wrapped = wrap(command, policy, { ...options, sockets });
    if (!wrapped.ok) return wrapped;
    const clean = () => removeLitter(wrapped.covered);
    const exit = await run(wrapped.command, { ...options, onReady: clean });
    clean();
    const mounted = wrapped.command.namespace === true && policy.mode !== "danger-full-access";
    const argv = wrapped.command.argv.join("\0");
    const last = attempt >= (argv === before ? ATTEMPTS : MOST_ATTEMPTS);
    if (exit.end !== "not_started" || !mounted || last) {
      return { ok: true, exit, appeared: appeared(wrapped.watched) };
    }
    before = argv;
  }
}

/** Where there were sockets: what bubblewrap makes for a mount to lie on, when the socket went away in between. */
function removeLitter(covered: readonly string[]): void {
  for (const path of covered) {
    try {
      const stat = lstatSync(path);
      if (stat.isFile() && stat.size === 0 && (stat.mode & 0o333) === 0) unlinkSync(path);
    } catch {
      // Gone as well, or not for us to look at.
    }
  }
}
