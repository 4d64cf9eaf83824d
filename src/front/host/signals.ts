import type { SignalSource, StopSignal } from "./deps.js";

/** One key press may reach a program twice: from the terminal, and passed on by a parent such as npm. Ms. */
const SAME_PRESS_MS = 50;

const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Watches the process's stop signals. `leave` is called when one must not wait: nobody listens, or it is the second. */
export function watchSignals(options: {
  readonly process: NodeJS.Process;
  readonly monotonic: () => number;
  readonly leave: (signal: StopSignal) => void;
}): SignalSource {
  const listeners = new Set<(signal: StopSignal) => void>();
  let first: { readonly signal: StopSignal; readonly at: number } | undefined;

  const receive = (signal: StopSignal): void => {
    const at = options.monotonic();
    if (first !== undefined) {
      if (signal === first.signal && at - first.at < SAME_PRESS_MS) return;
      options.leave(signal);
      return;
    }
    first = { signal, at };
    if (listeners.size === 0) options.leave(signal);
    for (const listener of listeners) listener(signal);
  };
  for (const signal of STOP_SIGNALS) options.process.on(signal, () => receive(signal));

  return {
    onStop(listener) {
      if (first !== undefined) listener(first.signal);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
