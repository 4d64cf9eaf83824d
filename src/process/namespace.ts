import type { Duplex } from "node:stream";

/** The descriptor over which a namespace's first shell tells how its program fares. */
export const REPORT_FD = 3;
/** More is never reported. */
const REPORT_LIMIT = 64;

/**
 * Runs the program as a child, in the same group. `+` says that all is set up and the program starts now. When it ends
 * and something else lives in the namespace (`kill -0 -1` reaches everything but the first process and the shell), the
 * code is reported, and the shell, whose end would be the end of them all, waits until they are gone or it is stopped.
 * The shell's own standard error goes nowhere: shells write there that a program died of a signal. It catches what
 * stops the program, since its own end comes later; programs start with the defaults again.
 */
const SHELL = `exec 2>/dev/null
trap : HUP INT QUIT TERM
echo + >&3
(exec "$@") 2>&9 3>&- 9>&-
code=$?
kill -0 -1 || exit "$code"
echo "$code" >&3
while kill -0 -1; do
  PATH=/usr/bin:/bin sleep 0.01
  [ $? != 127 ] || read -r _ <&3
done
exit "$code"`;

/**
 * The program to start inside a PID namespace so that it can be run as a `Command` with `namespace` set: what it does is
 * done by `argv`, started by name from PATH as ever. A death by signal n shows as exit code 128 + n. `errors`: the
 * descriptor of the program's standard error, when that of the namespace's maker is another one.
 */
export function namespaceProgram(argv: readonly string[], errors = 2): string[] {
  const moved = errors === 2 ? "exec 9>&2" : `exec 9>&${errors} ${errors}>&-`;
  return ["/bin/sh", "-c", `${moved}\n${SHELL}`, "sh", ...argv];
}

/** What the shell of a namespace has told so far. */
export interface Report {
  /** Whether the program was started; before that nothing of it can have run. */
  started(): boolean;
  /** Settles when nothing more can come: all that could tell are dead. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Listener {
  /** The program starts now. */
  readonly onStart: () => void;
  /** The program has ended, with this code, and others go on. */
  readonly onEnd: (code: number) => void;
}

/** Listens to a namespace; each of the listener's functions is called at most once. */
export function listen(channel: Duplex, { onStart, onEnd }: Listener): Report {
  let told = "";
  let over = false;
  channel.on("data", (chunk: Uint8Array) => {
    if (told === "") onStart();
    told = (told + Buffer.from(chunk).toString("latin1")).slice(0, REPORT_LIMIT);
    const code = /^\+\n(\d+)\n/.exec(told)?.[1];
    if (code === undefined || over) return;
    over = true;
    onEnd(Number(code));
  });
  // A channel that breaks has nothing more to tell; `close` follows.
  channel.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => {
    channel.once("close", resolve);
  });
  return { started: () => told.startsWith("+"), closed, close: () => channel.destroy() };
}
