import type { Clock } from "../base/index.js";
import type { Provider } from "../protocol/index.js";
import type { Read } from "./response-bytes.js";
import type { UnpackedBytes } from "./response-encoding.js";
import type { WireDecoder } from "./wire.js";

/** The longest wait for the accounting at the end of a stream whose content is complete, ms. */
const SETTLED_LIMIT_MS = 2000;
/** The same where a good end has come that need not be the last word. */
const FINISHED_LIMIT_MS = 30_000;

/** How far an answer has come, as its decoder knows. */
export type Progress = Pick<WireDecoder, "settled" | "finished" | "progress">;

/** `quiet`: bytes may have come, but for too long nothing of an answer. */
export type LimitedRead = Read | { readonly type: "quiet" };

/**
 * A body read with two limits: on silence, and on silence of content, which signs of life don't end. What a reader does with
 * content before it reads on does not count: a reader may take its own time.
 */
export class LimitedBytes {
  readonly #bytes: UnpackedBytes;
  readonly #provider: Provider;
  readonly #clock: Clock;
  #seen = -1;
  #stage = 0;
  /** When the wait for content began. */
  #since = 0;

  constructor(bytes: UnpackedBytes, { provider, clock }: { readonly provider: Provider; readonly clock: Clock }) {
    this.#bytes = bytes;
    this.#provider = provider;
    this.#clock = clock;
  }

  /** The next bytes. Throws the signal's reason, at once, when it is cancelled. */
  async next(progress: Progress, signal: AbortSignal): Promise<LimitedRead> {
    const stage = progress.settled ? 2 : progress.finished ? 1 : 0;
    const now = this.#clock.monotonic();
    if (progress.progress !== this.#seen || stage !== this.#stage) {
      this.#seen = progress.progress;
      this.#stage = stage;
      this.#since = now;
    }
    const idleMs = this.#provider.streamIdleTimeoutMs;
    const leftMs = this.#limitMs(progress) - (now - this.#since);
    if (leftMs <= 0) return { type: "quiet" };
    const read = await this.#bytes.next(Math.min(idleMs, leftMs), signal);
    return read.type === "idle" && leftMs < idleMs ? { type: "quiet" } : read;
  }

  #limitMs({ settled, finished }: Progress): number {
    const { streamIdleTimeoutMs, streamContentTimeoutMs } = this.#provider;
    if (settled) return Math.min(streamIdleTimeoutMs, SETTLED_LIMIT_MS);
    return finished ? Math.min(streamIdleTimeoutMs, FINISHED_LIMIT_MS) : streamContentTimeoutMs;
  }
}
