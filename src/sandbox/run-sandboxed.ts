import { lstatSync, unlinkSync } from "node:fs";
import {
  type AttachedExit,
  type AttachedOptions,
  type Command,
  type Exit,
  type RunOptions,
  run,
  runAttached,
} from "../process/index.js";
import type { SandboxPolicy } from "../protocol/index.js";
import { appeared } from "./guard.js";
import { type HostSocket, hostSockets, lasting } from "./host-sockets.js";
import type { Place, SandboxLevel } from "./types.js";
import { namedSockets, wrap } from "./wrap.js";

/** Attempts in any case, and at most while what there is to mount goes on changing. */
const ATTEMPTS = 3;
const MOST_ATTEMPTS = 30;

/** `appeared`: see there. `reason`: why nothing was run, for people. */
export type Ran<E = Exit> =
  | { readonly ok: true; readonly exit: E; readonly appeared: readonly string[] }
  | { readonly ok: false; readonly reason: string };

interface Around {
  readonly place: Place;
  readonly level: SandboxLevel;
}

/** `run` under a policy. `onStart` is called for each attempt (see `attempt`). */
export function runSandboxed(command: Command, policy: SandboxPolicy, options: RunOptions & Around): Promise<Ran> {
  const start: Start<Exit> = (wrapped, onReady) => run(wrapped, { ...options, onReady });
  return attempt(command, { policy, ...options }, start);
}

/** `runAttached` under a policy. */
export function attachSandboxed(
  command: Command,
  policy: SandboxPolicy,
  options: AttachedOptions & Around,
): Promise<Ran<AttachedExit>> {
  const start: Start<AttachedExit> = (wrapped, onReady) => runAttached(wrapped, { ...options, onReady });
  return attempt({ ...command, errorsApart: true }, { policy, ...options }, start);
}

type Start<E> = (wrapped: Command, onReady: () => void) => Promise<E>;

/**
 * Runs a command within its walls. What the mounts were made for may vanish before they are made (a socket that was
 * closed, a folder of git's): then nothing ran, and it is tried again as things are now. From the third attempt on
 * sockets that came while it was tried are not covered any more, like all that come later: where programs make and
 * remove sockets all the time, there would be no end of it.
 */
async function attempt<E extends Pick<Exit, "end">>(
  command: Command,
  { policy, place, level }: Around & { readonly policy: SandboxPolicy },
  start: Start<E>,
): Promise<Ran<E>> {
  let before = "";
  let sockets: readonly HostSocket[] | undefined;
  for (let count = 1; ; count += 1) {
    const now = policy.mode === "danger-full-access" ? [] : hostSockets(namedSockets(command.env));
    sockets = count < ATTEMPTS || sockets === undefined || now === undefined ? now : lasting(sockets, now);
    const wrapped = wrap(command, policy, { place, level, sockets });
    if (!wrapped.ok) return wrapped;
    const clean = () => removeLitter(wrapped.covered);
    const exit = await start(wrapped.command, clean);
    clean();
    const mounted = wrapped.command.namespace === true && policy.mode !== "danger-full-access";
    const argv = wrapped.command.argv.join("\0");
    const last = count >= (argv === before ? ATTEMPTS : MOST_ATTEMPTS);
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
