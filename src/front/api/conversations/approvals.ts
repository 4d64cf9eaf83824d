import { Cancelled, type Scope } from "../../../base/index.js";
import type { Conversation } from "../../../engine/index.js";
import { decoder, type EventOf, type FileChange, type Op } from "../../../protocol/index.js";
import { type Peer, PeerClosed, RpcError } from "../../../rpc/index.js";
import { parsedCmdOf } from "../parsed-cmd.js";
import { SERVER_REQUESTS, type ServerParams } from "./schema.js";

type ApprovalOp = Extract<Op, { type: "exec_approval" | "patch_approval" }>;
type ApprovalEvent = EventOf<"exec_approval_request"> | EventOf<"apply_patch_approval_request">;

const decodeExec = decoder(SERVER_REQUESTS.execCommandApproval.result);
const decodePatch = decoder(SERVER_REQUESTS.applyPatchApproval.result);

/**
 * Carries the approvals of one conversation to the client and its answers back. An error, or an answer of another shape, is a
 * no. A request lives as long as its turn: when the turn stops it is withdrawn (`notifications/cancelled`, as in MCP), and an
 * answer that comes later is ignored.
 */
export class ClientApprovals {
  readonly #peer: Peer;
  readonly #conversation: Conversation;
  readonly #scope: Scope;
  /** By turn. */
  readonly #turns = new Map<string, AbortController>();

  /** Requests end with the scope at the latest. */
  constructor({ peer, conversation, scope }: { peer: Peer; conversation: Conversation; scope: Scope }) {
    this.#peer = peer;
    this.#conversation = conversation;
    this.#scope = scope;
    scope.signal.addEventListener("abort", () => this.#withdrawAll(), { once: true });
  }

  ask(turnId: string, msg: ApprovalEvent): void {
    // A conversation that is being closed has nobody to ask; its turn is stopped.
    if (this.#scope.signal.aborted) return;
    const turn = this.#turns.get(turnId) ?? new AbortController();
    this.#turns.set(turnId, turn);
    void this.#scope.spawn(`approval ${msg.call_id}`, async () => {
      const answer = await this.#answer(msg, turn.signal);
      if (answer !== undefined) this.#conversation.submit(answer);
    });
  }

  /** Nobody waits for answers of this turn any more. */
  withdraw(turnId: string): void {
    this.#turns.get(turnId)?.abort(new Cancelled({ kind: "withdrawn" }));
    this.#turns.delete(turnId);
  }

  #withdrawAll(): void {
    for (const turnId of [...this.#turns.keys()]) this.withdraw(turnId);
  }

  /** The op that carries the answer; undefined: withdrawn, or nobody is there to answer. */
  async #answer(msg: ApprovalEvent, signal: AbortSignal): Promise<ApprovalOp | undefined> {
    const { method, params } = requestOf(msg, this.#conversation.id);
    const onWithdrawn = (requestId: number) =>
      void this.#peer.notify("notifications/cancelled", { requestId, reason: "the turn was stopped" });
    try {
      return opOf(msg, await this.#peer.request(method, params, { signal, onWithdrawn }));
    } catch (error) {
      if (error instanceof RpcError) return opOf(msg, undefined);
      // The turn or the client has gone, and the conversation is told of that by other ways.
      if (error instanceof Cancelled || error instanceof PeerClosed) return undefined;
      throw error;
    }
  }
}

/** What is no decision is a no. */
function opOf({ type, call_id: id }: ApprovalEvent, answer: unknown): ApprovalOp {
  if (type === "exec_approval_request") {
    const decoded = decodeExec(answer);
    return { type: "exec_approval", id, decision: decoded.ok ? decoded.value.decision : "denied" };
  }
  const decoded = decodePatch(answer);
  return { type: "patch_approval", id, decision: decoded.ok ? decoded.value.decision : "denied" };
}

/** The request, with the fields of 0.23 (snake_case) and those of later versions of the dialect. */
function requestOf(
  msg: ApprovalEvent,
  conversationId: string,
):
  | { readonly method: "execCommandApproval"; readonly params: ServerParams<"execCommandApproval"> }
  | { readonly method: "applyPatchApproval"; readonly params: ServerParams<"applyPatchApproval"> } {
  const ids = { conversation_id: conversationId, call_id: msg.call_id, conversationId, callId: msg.call_id };
  const reason = msg.reason == null ? {} : { reason: msg.reason };
  if (msg.type === "exec_approval_request") {
    const { command, cwd } = msg;
    return { method: "execCommandApproval", params: { ...ids, command, cwd, ...reason, parsedCmd: parsedCmdOf(msg) } };
  }
  const { changes, grant_root } = msg;
  const root = grant_root == null ? {} : { grant_root, grantRoot: grant_root };
  const fileChanges = Object.fromEntries(Object.entries(changes).map(([path, change]) => [path, tagged(change)]));
  return {
    method: "applyPatchApproval",
    params: { ...ids, file_changes: changes, fileChanges, ...reason, ...root },
  };
}

function tagged(change: FileChange) {
  if (change === "delete") return { type: "delete" as const, content: "" };
  if ("add" in change) return { type: "add" as const, ...change.add };
  return { type: "update" as const, ...change.update };
}
