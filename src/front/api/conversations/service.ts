import { resolve } from "node:path";
import { newId, Scope } from "../../../base/index.js";
import type { Conversation } from "../../../engine/index.js";
import type { Peer } from "../../../rpc/index.js";
import type { ApiDeps } from "../deps.js";
import { mountAuth } from "./auth.js";
import { configFor } from "./config.js";
import { inputOf } from "./items.js";
import { invalidRequest, type Mount, mountOn } from "./mount.js";
import { OpenConversation } from "./open-conversation.js";
import type { NewConversationParams, Params, Result } from "./schema.js";
import { mountSessions, type OpenConversations } from "./sessions.js";
import { mountWorkspace } from "./workspace.js";

/** The conversation API on one connection. */
export interface ConversationApi {
  /** Closes every conversation that came about here: turns are stopped and recorded, their last events sent. */
  close(): Promise<void>;
}

/** Mounts all methods of the dialect on a peer. */
export function mountConversations(peer: Peer, deps: ApiDeps): ConversationApi {
  const mount = mountOn(peer);
  const service = new ConversationService(peer, deps);
  service.mountOn(mount);
  mountSessions(mount, deps, service);
  mountAuth(mount, deps);
  mountWorkspace(mount, deps);
  return service;
}

/** The conversations of one connection, by id. Requests act in the order they are read, without a wait in between. */
class ConversationService implements ConversationApi, OpenConversations {
  readonly #peer: Peer;
  readonly #deps: ApiDeps;
  readonly #scope = Scope.root("conversations");
  readonly #open = new Map<string, OpenConversation>();
  /** Those that were started here. */
  readonly #own = new Set<Conversation>();
  readonly #subscriptions = new Map<string, OpenConversation>();

  constructor(peer: Peer, deps: ApiDeps) {
    this.#peer = peer;
    this.#deps = deps;
  }

  mountOn(mount: Mount): void {
    mount("newConversation", (params, { signal }) => this.#start(params ?? {}, signal));
    mount("sendUserMessage", ({ conversationId, items }) => {
      this.#find(conversationId).submit({ type: "user_input", items: inputOf(items) });
      return {};
    });
    mount("sendUserTurn", (params) => this.#sendTurn(params));
    mount("interruptConversation", ({ conversationId }) => this.#interrupt(conversationId));
    mount("addConversationListener", ({ conversationId }) => this.#addListener(conversationId));
    mount("removeConversationListener", ({ subscriptionId }) => this.#removeListener(subscriptionId));
  }

  async close(): Promise<void> {
    this.#scope.cancel({ kind: "closed" });
    await Promise.all([...this.#own].map((conversation) => conversation.close()));
    await this.#scope.end();
  }

  async #start(params: NewConversationParams, signal: AbortSignal): Promise<Result<"newConversation">> {
    const config = await configFor(params, this.#deps);
    this.#scope.signal.throwIfAborted();
    const opened = this.adopt(this.#deps.engine.start(config));
    const { model, rollout_path: rolloutPath } = await opened.configured(signal);
    return {
      conversationId: opened.id,
      model,
      reasoningEffort: config.effort ?? null,
      rolloutPath: rolloutPath ?? null,
    };
  }

  adopt(conversation: Conversation): OpenConversation {
    this.#own.add(conversation);
    return this.#attach(conversation);
  }

  async letGo(id: string): Promise<void> {
    const conversation = this.#deps.engine.find(id);
    if (conversation === undefined) return;
    await conversation.close();
    this.#own.delete(conversation);
    const opened = this.#open.get(id);
    this.#open.delete(id);
    for (const [subscriptionId, of] of this.#subscriptions)
      if (of === opened) this.#subscriptions.delete(subscriptionId);
    await opened?.end();
  }

  #attach(conversation: Conversation): OpenConversation {
    const scope = this.#scope.child(`conversation ${conversation.id}`);
    const opened = new OpenConversation({ peer: this.#peer, conversation, scope });
    this.#open.set(opened.id, opened);
    return opened;
  }

  #sendTurn(params: Params<"sendUserTurn">): Result<"sendUserTurn"> {
    this.#find(params.conversationId).submit({
      type: "user_turn",
      items: inputOf(params.items),
      cwd: resolve(this.#deps.cwd, params.cwd),
      approval_policy: params.approvalPolicy,
      sandbox_policy: params.sandboxPolicy,
      model: params.model,
      effort: params.effort,
      summary: params.summary,
      final_output_json_schema: params.outputSchema,
    });
    return {};
  }

  /** The turn that runs once all that was asked before has been taken up; the answer comes after its last event. */
  async #interrupt(conversationId: string): Promise<Result<"interruptConversation">> {
    const end = await this.#find(conversationId).interrupt();
    if (end?.event.type !== "turn_aborted") throw invalidRequest("no active turn to interrupt");
    return { abortReason: end.event.reason };
  }

  #addListener(conversationId: string): Result<"addConversationListener"> {
    const conversation = this.#find(conversationId);
    const subscriptionId = newId(this.#deps);
    this.#subscriptions.set(subscriptionId, conversation);
    conversation.feed.addListener(subscriptionId);
    return { subscriptionId };
  }

  #removeListener(subscriptionId: string): Result<"removeConversationListener"> {
    const conversation = this.#subscriptions.get(subscriptionId);
    if (conversation === undefined) throw invalidRequest(`subscription not found: ${subscriptionId}`);
    this.#subscriptions.delete(subscriptionId);
    conversation.feed.removeListener(subscriptionId);
    return {};
  }

  /** Also one that a call of a tool on the same stream has started. */
  #find(id: string): OpenConversation {
    const conversation = this.#deps.engine.find(id);
    if (conversation !== undefined) return this.#open.get(id) ?? this.#attach(conversation);
    this.#open.delete(id);
    throw invalidRequest(`conversation not found: ${id}`);
  }
}
