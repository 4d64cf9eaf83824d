import type { Scope } from "../../../base/index.js";
import type { Conversation, TurnEnd } from "../../../engine/index.js";
import { type Event, type EventOf, isTerminal, type Op } from "../../../protocol/index.js";
import type { Peer } from "../../../rpc/index.js";
import { ClientApprovals } from "./approvals.js";
import { EventFeed } from "./event-feed.js";

type Configured = EventOf<"session_configured">;

/** One conversation as one connection sees it. */
export class OpenConversation {
  readonly feed: EventFeed;
  readonly #conversation: Conversation;
  readonly #approvals: ClientApprovals;
  /** What came from here: the turns whose approvals are asked for here. Those of tool calls are asked for there. */
  readonly #submitted = new Set<string>();
  readonly #scope: Scope;
  #configured: Configured | undefined;
  #tellConfigured: (configured: Configured) => void = () => {};

  /** What waits for the client ends with the scope. */
  constructor({ peer, conversation, scope }: { peer: Peer; conversation: Conversation; scope: Scope }) {
    this.#conversation = conversation;
    this.#scope = scope;
    this.feed = new EventFeed(peer, conversation.id);
    this.#approvals = new ClientApprovals({ peer, conversation, scope });
    conversation.subscribe((event) => this.#take(event));
  }

  get id(): string {
    return this.#conversation.id;
  }

  /** What it says of itself first. Throws the signal's reason. */
  configured(signal: AbortSignal): Promise<Configured> {
    return new Promise((resolve, reject) => {
      if (this.#configured !== undefined) resolve(this.#configured);
      this.#tellConfigured = resolve;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  submit(op: Op): void {
    this.#submitted.add(this.#conversation.submit(op));
  }

  interrupt(): Promise<TurnEnd | undefined> {
    return this.#conversation.interrupt();
  }

  /** Lets go of what waits for the client. */
  async end(): Promise<void> {
    await this.#scope.end({ reason: { kind: "closed" } });
  }

  /** A request for an approval comes after its event, and is withdrawn before the turn's last one. */
  #take(event: Event): Promise<void> | undefined {
    const { id, msg } = event;
    if (msg.type === "session_configured") {
      // The answer to the request that started the conversation says it.
      this.#configured = msg;
      this.#tellConfigured(msg);
      return undefined;
    }
    if (isTerminal(msg)) this.#endTurn(id);
    const wait = this.feed.push(event);
    const asks = msg.type === "exec_approval_request" || msg.type === "apply_patch_approval_request";
    if (asks && this.#submitted.has(id)) this.#approvals.ask(id, msg);
    return wait;
  }

  #endTurn(id: string): void {
    this.#approvals.withdraw(id);
    // Ids are numbers that grow: what was submitted before the turn was taken up before it.
    for (const one of this.#submitted) if (Number(one) <= Number(id)) this.#submitted.delete(one);
  }
}
