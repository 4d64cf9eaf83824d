import { Scope } from "../../base/index.js";
import type { Conversation, InputOp } from "../../engine/index.js";
import { type Event, type EventMsg, encodeEvent } from "../../protocol/index.js";
import type { Peer, RequestContext } from "../../rpc/index.js";
import { type ApprovalRequest, denial, elicit, subjectOf } from "./elicitations.js";
import type { Client } from "./handshake.js";
import { Progress, type ProgressToken } from "./progress.js";
import { errorResult, type ToolResult, turnResult } from "./results.js";

/** What a call runs for, and what it talks to. */
export interface ToolTurnInit {
  readonly peer: Peer;
  readonly client: Client;
  readonly conversation: Conversation;
  readonly context: RequestContext;
  readonly progressToken: ProgressToken | undefined;
  /** Remarks for the result. */
  readonly notes: readonly string[];
  /** Why turns are being stopped, once they are. */
  readonly closing: () => string | undefined;
}

/**
 * One `tools/call` and the turn it runs: every event of the turn goes to the client as `codex/event` under the id of the
 * request, approvals are asked for, and a request that is cancelled interrupts the turn.
 */
export class ToolTurn {
  readonly #init: ToolTurnInit;
  readonly #scope: Scope;
  readonly #progress: Progress | undefined;
  /** What stands before the event in the params of its notification. */
  readonly #meta: string;
  readonly #notes: string[];
  readonly #unasked: string[] = [];
  #turnId: string | undefined;
  #failure: string | undefined;
  #stopped: string | undefined;

  constructor(init: ToolTurnInit) {
    const { peer, conversation, context, progressToken, notes } = init;
    this.#init = init;
    this.#scope = Scope.root(`tools/call ${context.idText}`);
    this.#progress = progressToken === undefined ? undefined : new Progress(peer, progressToken);
    this.#meta = `{"_meta":{"requestId":${context.idText},"threadId":${JSON.stringify(conversation.id)}},`;
    this.#notes = [...notes];
  }

  /** Queues the input before it returns, and resolves with the result once the turn has ended. */
  async run(op: InputOp, turnId?: string): Promise<ToolResult> {
    const { conversation, context } = this.#init;
    const unsubscribe = conversation.subscribe((event) => this.#take(event));
    const { id, ended } = conversation.runTurn(op, turnId);
    this.#turnId = id;
    let interrupted: Promise<unknown> | undefined;
    const interrupt = () => {
      this.#scope.cancel({ kind: "cancelled" });
      interrupted ??= conversation.interrupt();
    };
    context.signal.addEventListener("abort", interrupt, { once: true });
    const end = await ended;
    unsubscribe();
    context.signal.removeEventListener("abort", interrupt);
    this.#progress?.stop();
    await this.#scope.end({ reason: { kind: "turn_ended" } });
    await interrupted;
    if (end === undefined) return this.#refusal();
    return turnResult(conversation.id, end, {
      failure: this.#failure,
      stopped: this.#stopped ?? this.#init.closing(),
      notes: [...this.#notes, ...this.#unaskedNote()],
    });
  }

  #take(event: Event): Promise<void> | undefined {
    const { id, msg } = event;
    if (id !== "" && id !== this.#turnId) return undefined;
    if (msg.type === "error") this.#failure = msg.message;
    // The result of a failed call is its reason: half an answer stands behind it.
    if (msg.type === "agent_message" && msg.partial === true) this.#notes.push(`Said before that:\n${msg.message}`);
    const wait = this.#init.peer.notifyText("codex/event", `${this.#meta}${encodeEvent(event).slice(1)}`);
    this.#progress?.take(msg);
    if (isApproval(msg)) this.#ask(id, msg);
    return wait;
  }

  /** Carries a question to the client and the answer back. A client that can't be asked has answered no. */
  #ask(eventId: string, msg: ApprovalRequest): void {
    const { peer, client, conversation, context } = this.#init;
    if (!client.canElicit) {
      this.#unasked.push(subjectOf(msg));
      client.log("warning", `denied, since the client has no elicitation: ${subjectOf(msg)}`);
      conversation.submit(denial(msg));
      return;
    }
    // Of a turn that is being stopped nothing is asked.
    if (this.#scope.signal.aborted) return;
    const asking = { peer, threadId: conversation.id, eventId, context };
    void this.#scope.spawn(`approval ${msg.call_id}`, async () => {
      const answer = await elicit(msg, asking, this.#scope);
      if (answer === undefined) return;
      if (answer.decision === "abort") this.#stopped ??= `an approval was refused with it (${subjectOf(msg)})`;
      conversation.submit(answer);
    });
  }

  #unaskedNote(): string[] {
    if (this.#unasked.length === 0) return [];
    return [
      `Denied without asking anyone, since this client has not declared the capability "elicitation": ${this.#unasked.join("; ")}`,
    ];
  }

  /** The conversation took no turn. */
  #refusal(): ToolResult {
    const { conversation, closing } = this.#init;
    const why = closing() ?? "another turn of it is running: wait for its end, or cancel it";
    return errorResult(`The conversation ${conversation.id} takes no turn now: ${why}.`, conversation.id);
  }
}

function isApproval(msg: EventMsg): msg is ApprovalRequest {
  return msg.type === "exec_approval_request" || msg.type === "apply_patch_approval_request";
}
