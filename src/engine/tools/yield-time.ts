/** How long a call may wait for a terminal, ms. The figures are Codex's. */
export interface YieldTime {
  readonly usual: number;
  readonly min: number;
  readonly max: number;
}

/** After a start. */
export const START_TIME: YieldTime = { usual: 10_000, min: 250, max: 30_000 };
/** After typing. */
export const WRITE_TIME: YieldTime = { usual: 250, min: 250, max: 30_000 };
/** For output alone: whoever asks again and again pays for each time. */
export const POLL_TIME: YieldTime = { usual: 5000, min: 5000, max: 300_000 };

export function clampYield(wanted: number | undefined, { usual, min, max }: YieldTime): number {
  return Math.min(max, Math.max(min, wanted ?? usual));
}
