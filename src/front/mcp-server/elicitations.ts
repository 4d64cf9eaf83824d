import { Cancelled, type Scope } from "../../base/index.js";
import type { EventOf, PlainDecision } from "../../protocol/index.js";
import { type Peer, PeerClosed, type RequestContext, RpcError } from "../../rpc/index.js";
import { sanitise, shellJoin } from "../host/index.js";

export type ApprovalRequest = EventOf<"exec_approval_request"> | EventOf<"apply_patch_approval_request">;

/** What a question belongs to. */
export interface Asking {
  readonly peer: Peer;
  readonly threadId: string;
  /** The id of the turn. */
  readonly eventId: string;
  readonly context: RequestContext;
}

/**
 * Asks the client's user by `elicitation/create`; resolves with the decision, or with undefined when the question was
 * withdrawn with the scope or nobody can answer any more.
 */
export async function elicit(
  msg: ApprovalRequest,
  asking: Asking,
  { signal }: Scope,
): Promise<PlainDecision | undefined> {
  const { peer } = asking;
  const onWithdrawn = (requestId: number) =>
    void peer.notify("notifications/cancelled", { requestId, reason: "the call that asked has ended" });
  try {
    return decisionOf(await peer.request("elicitation/create", paramsOf(msg, asking), { signal, onWithdrawn }));
  } catch (error) {
    // No answer is a no. Where the call itself is over, nobody waits for one.
    if (error instanceof RpcError) return "denied";
    if (error instanceof Cancelled || error instanceof PeerClosed) return undefined;
    throw error;
  }
}

const DECISIONS: readonly unknown[] = ["approved", "approved_for_session", "denied", "abort"] satisfies PlainDecision[];

const ACTIONS: Readonly<Record<string, PlainDecision>> = { accept: "approved", decline: "denied", cancel: "abort" };

/** Codex's own answer `{decision}`, or the standard one `{action}`; anything else is a no. */
function decisionOf(answer: unknown): PlainDecision {
  const { decision, action } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  if (decision !== undefined) return DECISIONS.includes(decision) ? (decision as PlainDecision) : "denied";
  return typeof action === "string" && Object.hasOwn(ACTIONS, action) ? ACTIONS[action]! : "denied";
}

/** The params of the standard, and Codex's own fields, of 0.23 and later. */
function paramsOf(msg: ApprovalRequest, { threadId, eventId, context }: Asking): object {
  const standard = {
    message: sanitise(questionOf(msg)),
    requestedSchema: { type: "object", properties: {} },
    threadId,
  };
  const ids = {
    codex_mcp_tool_call_id: context.id === null ? "null" : String(context.id),
    codex_event_id: eventId,
    codex_call_id: msg.call_id,
  };
  if (msg.type === "exec_approval_request") {
    const { command, cwd } = msg;
    return {
      ...standard,
      codex_elicitation: "exec-approval",
      ...ids,
      codex_command: command,
      codex_cwd: cwd,
      codex_parsed_cmd: [{ type: "unknown", cmd: shellJoin(command) }],
    };
  }
  return {
    ...standard,
    codex_elicitation: "patch-approval",
    ...ids,
    codex_changes: msg.changes,
    ...(msg.reason == null ? {} : { codex_reason: msg.reason }),
    ...(msg.grant_root == null ? {} : { codex_grant_root: msg.grant_root }),
  };
}

function questionOf(msg: ApprovalRequest): string {
  const why = msg.reason == null ? "" : `${msg.reason}\n`;
  if (msg.type === "exec_approval_request") return `${why}Run ${shellJoin(msg.command)} in ${msg.cwd}?`;
  return `${why}Change these files: ${Object.keys(msg.changes).join(", ")}?`;
}

/** What is asked for, short, for a list. */
export function subjectOf(msg: ApprovalRequest): string {
  if (msg.type === "exec_approval_request") return shellJoin(msg.command);
  return `a patch of ${Object.keys(msg.changes).join(", ")}`;
}
