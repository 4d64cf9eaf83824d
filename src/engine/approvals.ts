import type { ReviewDecision } from "../protocol/index.js";

interface Pending {
  readonly turnId: string;
  readonly resolve: (decision: ReviewDecision) => void;
}

/**
 * The approvals a conversation waits for, by call id, and what was approved for the session.
 * A request lives exactly as long as its call waits: cancelling the call withdraws it, and a late answer finds nothing.
 */
export class Approvals {
  readonly #pending = new Map<string, Pending>();
  readonly #granted = new Set<string>();

  /** Waits for the answer; throws the signal's reason when the call is cancelled first. `ask` emits the request. */
  request(call: { readonly callId: string; readonly turnId: string }, signal: AbortSignal, ask: () => void) {
    signal.throwIfAborted();
    return new Promise<ReviewDecision>((resolve, reject) => {
      const withdraw = () => {
        this.#pending.delete(call.callId);
        reject(signal.reason);
      };
      signal.addEventListener("abort", withdraw, { once: true });
      this.#pending.set(call.callId, {
        turnId: call.turnId,
        resolve: (decision) => {
          signal.removeEventListener("abort", withdraw);
          resolve(decision);
        },
      });
      ask();
    });
  }

  /** Answers by call id, or by turn id when that turn waits for just one. False: nothing waits under that id. */
  answer(id: string, decision: ReviewDecision): boolean {
    const callId = this.#pending.has(id) ? id : this.#onlyCallOf(id);
    if (callId === undefined) return false;
    const pending = this.#pending.get(callId);
    this.#pending.delete(callId);
    pending?.resolve(decision);
    return true;
  }

  grant(key: string): void {
    this.#granted.add(key);
  }

  get hasGrants(): boolean {
    return this.#granted.size > 0;
  }

  isGranted(key: string): boolean {
    return this.#granted.has(key);
  }

  #onlyCallOf(turnId: string): string | undefined {
    const calls = [...this.#pending].filter(([, pending]) => pending.turnId === turnId);
    return calls.length === 1 ? calls[0]?.[0] : undefined;
  }
}
