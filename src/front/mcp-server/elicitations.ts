import { Cancelled, type Scope, shellJoin } from "../../base/index.js";
import {
  decoder,
  type EventOf,
  execDecisionSchema,
  type FileChange,
  type Op,
  type PlainDecision,
  reviewDecisionSchema,
} from "../../protocol/index.js";
import { type Peer, PeerClosed, type RequestContext, RpcError } from "../../rpc/index.js";
import { parsedCmdOf } from "../api/index.js";
import { sanitise } from "../host/index.js";

export type ApprovalRequest = EventOf<"exec_approval_request"> | EventOf<"apply_patch_approval_request">;

export type ApprovalAnswer = Extract<Op, { type: "exec_approval" | "patch_approval" }>;

/** What a question belongs to. */
export interface Asking {
  readonly peer: Peer;
  readonly threadId: string;
  /** The id of the turn. */
  readonly eventId: string;
  readonly context: RequestContext;
}

/**
 * Asks the client's user by `elicitation/create`; resolves with the op that carries the answer, or with undefined when the question was
 * withdrawn with the scope or nobody can answer any more.
 */
export async function elicit(
  msg: ApprovalRequest,
  asking: Asking,
  { signal }: Scope,
): Promise<ApprovalAnswer | undefined> {
  const { peer } = asking;
  const onWithdrawn = (requestId: number) =>
    void peer.notify("notifications/cancelled", { requestId, reason: "the call that asked has ended" });
  try {
    return answerOf(msg, await peer.request("elicitation/create", paramsOf(msg, asking), { signal, onWithdrawn }));
  } catch (error) {
    // No answer is a no. Where the call itself is over, nobody waits for one.
    if (error instanceof RpcError) return denial(msg);
    if (error instanceof Cancelled || error instanceof PeerClosed) return undefined;
    throw error;
  }
}

const decodeExec = decoder(execDecisionSchema);
const decodePatch = decoder(reviewDecisionSchema);

const ACTIONS: Readonly<Record<string, PlainDecision>> = { accept: "approved", decline: "denied", cancel: "abort" };

/** Codex's own answer `{decision}`, or the standard one `{action}`; anything else is a no. */
function answerOf(msg: ApprovalRequest, answer: unknown): ApprovalAnswer {
  const { decision, action } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const standard = typeof action === "string" && Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  const wanted = decision ?? standard;
  if (msg.type === "exec_approval_request") {
    const decoded = decodeExec(wanted);
    return decoded.ok ? { type: "exec_approval", id: msg.call_id, decision: decoded.value } : denial(msg);
  }
  const decoded = decodePatch(wanted);
  return decoded.ok ? { type: "patch_approval", id: msg.call_id, decision: decoded.value } : denial(msg);
}

/** The answer of nobody. */
export function denial({ type, call_id: id }: ApprovalRequest): ApprovalAnswer {
  return { type: type === "exec_approval_request" ? "exec_approval" : "patch_approval", id, decision: "denied" };
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
      codex_parsed_cmd: parsedCmdOf(msg),
    };
  }
  return {
    ...standard,
    codex_elicitation: "patch-approval",
    ...ids,
    codex_changes: Object.fromEntries(
      Object.entries(msg.changes).map(([path, change]) => [path, inBothShapes(change)]),
    ),
    ...(msg.reason == null ? {} : { codex_reason: msg.reason }),
    ...(msg.grant_root == null ? {} : { codex_grant_root: msg.grant_root }),
  };
}

/** A change as 0.23 writes it, `{add: {content}}`, and as later versions do, `{type: "add", content}`; a deletion as in 0.23. */
function inBothShapes(change: FileChange): unknown {
  if (change === "delete") return change;
  return "add" in change ? { type: "add", ...change.add, ...change } : { type: "update", ...change.update, ...change };
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
