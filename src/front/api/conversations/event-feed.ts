import { type Event, encodeEvent, isTerminal } from "../../../protocol/index.js";
import type { Peer } from "../../../rpc/index.js";

/** Characters of events kept while nobody listens. Terminal events are kept beyond it. */
const KEPT_LIMIT = 1024 * 1024;

/** An event as it will be sent. */
interface Notice {
  readonly type: string;
  readonly params: string;
  readonly isTerminal: boolean;
}

/**
 * The events of one conversation on their way to one connection: once each, in order, while there is a listener, however
 * many there are. While there is none they are kept and come with the next listener; past the limit deltas are left out,
 * then the oldest, and a `background_event` says how many. A terminal event is never left out.
 */
export class EventFeed {
  readonly #peer: Peer;
  readonly #conversationId: string;
  readonly #listeners = new Set<string>();
  #kept: Notice[] = [];
  #keptLength = 0;
  #leftOut = 0;

  constructor(peer: Peer, conversationId: string) {
    this.#peer = peer;
    this.#conversationId = conversationId;
  }

  /** A promise asks who can wait to do so: the reader is slow. */
  push(event: Event): Promise<void> | undefined {
    const notice = this.#noticeOf(event);
    // What was kept goes first: a listener that has just come gets it a moment later.
    if (this.#listeners.size > 0 && this.#kept.length === 0) return this.#send(notice);
    this.#keep(notice);
    return undefined;
  }

  /** What was kept is sent after the answer to the request that brought the listener. */
  addListener(subscriptionId: string): void {
    this.#listeners.add(subscriptionId);
    queueMicrotask(() => this.#flush());
  }

  removeListener(subscriptionId: string): void {
    this.#listeners.delete(subscriptionId);
  }

  #flush(): void {
    if (this.#listeners.size === 0) return;
    const kept = this.#kept;
    const leftOut = this.#leftOut;
    this.#kept = [];
    this.#keptLength = 0;
    this.#leftOut = 0;
    if (leftOut > 0) {
      const message = `${leftOut} events were left out, while nobody listened`;
      void this.#send(this.#noticeOf({ id: "", msg: { type: "background_event", message } }));
    }
    for (const notice of kept) void this.#send(notice);
  }

  #send({ type, params }: Notice): Promise<void> | undefined {
    return this.#peer.notifyText(`codex/event/${type}`, params);
  }

  #noticeOf(event: Event): Notice {
    // The fields of 0.23, in its order.
    const params = `${encodeEvent(event).slice(0, -1)},"conversationId":${JSON.stringify(this.#conversationId)}}`;
    return { type: event.msg.type, params, isTerminal: isTerminal(event.msg) };
  }

  #keep(notice: Notice): void {
    this.#kept.push(notice);
    this.#keptLength += notice.params.length;
    if (this.#keptLength <= KEPT_LIMIT) return;
    this.#leaveOut((one) => one.type.endsWith("_delta"), 0);
    // By half, so that the list is not gone through for every event.
    if (this.#keptLength > KEPT_LIMIT / 2) this.#leaveOut((one) => !one.isTerminal, KEPT_LIMIT / 2);
  }

  /** Leaves out, oldest first, what fits, until no more than `enough` characters are kept. */
  #leaveOut(fits: (notice: Notice) => boolean, enough: number): void {
    this.#kept = this.#kept.filter((notice) => {
      if (this.#keptLength <= enough || !fits(notice)) return true;
      this.#keptLength -= notice.params.length;
      this.#leftOut += 1;
      return false;
    });
  }
}
