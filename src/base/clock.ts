/** Time as the program sees it; tests hand in their own. */
export interface Clock {
  /** Unix time in ms. */
  now(): number;
  /** Ms since an arbitrary start; never goes back. */
  monotonic(): number;
}

/** `n` random bytes. */
export type Random = (n: number) => Uint8Array;

/** Waits `ms`, or throws the signal's reason as soon as it is cancelled. The timer never outlives the wait. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const cancel = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", cancel);
      resolve();
    }, ms);
    signal.addEventListener("abort", cancel, { once: true });
  });
}
