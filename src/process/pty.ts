import { existsSync } from "node:fs";
import { shellQuote } from "../base/index.js";
import { run } from "./run.js";

/** Characters. */
export interface PtySize {
  readonly rows: number;
  readonly cols: number;
}

/** Where util-linux's `script` is installed; never from PATH, where a project could put another. */
const PLACES = ["/usr/bin/script", "/bin/script", "/run/current-system/sw/bin/script"];
/** How long a trial may take, ms. */
const TRIAL_BOUND_MS = 5000;

/**
 * Runs `script` ($1) around the command ($2). What it says of itself goes to standard error, apart from the terminal's
 * output, and is told only when it comes to its end: it also has words for being stopped.
 */
const AROUND = `exec 3>&1
said=$(exec "$1" -qefc "$2" /dev/null 2>&1 >&3 3>&-)
code=$?
[ -z "$said" ] || printf '%s\\n' "$said" >&2
exit "$code"`;

/**
 * The program to start so that `argv` runs in a pseudo-terminal of its own: its input and both its outputs are a terminal
 * of that size, which controls its session. What is written to the standard input is typed there, and what the terminal
 * shows comes out of the standard output. The code is that of `argv`; 128 + n for a death by signal n.
 *
 * The terminal is made inside of whatever the command is started in, so everything that holds for commands there holds
 * for it. But it is a session of its own: without a PID namespace it would be out of reach.
 */
export function ptyProgram(script: string, argv: readonly string[], { rows, cols }: PtySize): string[] {
  // `script` runs its command by $SHELL; the program gets back what it would have had.
  const inside = [
    'if [ -n "$BELAY_PTY_SHELL" ]; then SHELL=$BELAY_PTY_SHELL; export SHELL; else unset SHELL; fi',
    "unset BELAY_PTY_SHELL",
    `PATH=/usr/bin:/bin:$PATH command stty rows ${rows} cols ${cols}`,
    `exec ${argv.map(shellQuote).join(" ")}`,
  ].join("; ");
  const around = `BELAY_PTY_SHELL=$SHELL; SHELL=/bin/sh; export BELAY_PTY_SHELL SHELL; ${AROUND}`;
  return ["/bin/sh", "-c", around, "sh", script, inside];
}

/**
 * The `script` by which this machine can make pseudo-terminals, by trying it; undefined when there is none that does it
 * as util-linux's. Throws only when the signal is aborted.
 */
export async function findPty(signal: AbortSignal): Promise<string | undefined> {
  const script = process.platform === "linux" ? PLACES.find((path) => existsSync(path)) : undefined;
  if (script === undefined) return undefined;
  const argv = ptyProgram(script, ["/bin/sh", "-c", "stty size; test -t 0 && test -t 1 && exit 7"], {
    rows: 24,
    cols: 80,
  });
  const env = { PATH: "/usr/bin:/bin" };
  const limits = { signal, timeoutMs: TRIAL_BOUND_MS, keep: { head: 100, tail: 0 } };
  const exit = await run({ argv, cwd: "/", env }, limits);
  signal.throwIfAborted();
  return exit.code === 7 && exit.stdout.parts().head.trim() === "24 80" ? script : undefined;
}
