import type { Clock } from "../base/index.js";
import type { EventMsg, Op } from "../protocol/index.js";
import { appendHistory, historyEntry } from "../rollout/index.js";

/** Ops that are answered at once and touch no turn. */
export type QueryOp = Extract<Op, { type: "add_to_history" | "get_history_entry_request" | "list_mcp_tools" }>;

interface Asked {
  readonly home: string;
  /** Of the conversation that asks. */
  readonly sessionId: string;
  readonly clock: Clock;
  tell(msg: EventMsg): void;
}

export function answerQuery(op: QueryOp, { home, sessionId, clock, tell }: Asked): void {
  if (op.type === "list_mcp_tools") {
    tell({ type: "mcp_list_tools_response", tools: {} });
  } else if (op.type === "get_history_entry_request") {
    const entry = historyEntry(home, { logId: op.log_id, offset: op.offset });
    const found = entry === undefined ? {} : { entry: { ...entry } };
    tell({ type: "get_history_entry_response", offset: op.offset, log_id: op.log_id, ...found });
  } else {
    try {
      appendHistory(home, { session_id: sessionId, ts: Math.floor(clock.now() / 1000), text: op.text });
    } catch (error) {
      // A history that can't be written costs nothing but itself; the user is told.
      tell({ type: "background_event", message: `the prompt was not added to the history: ${String(error)}` });
    }
  }
}
