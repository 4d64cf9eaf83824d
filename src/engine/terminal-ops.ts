import type { EventMsg, Op } from "../protocol/index.js";
import type { Terminals } from "./terminals.js";

export type TerminalOp = Extract<
  Op,
  { type: "list_background_terminals" | "terminate_background_terminal" | "clean_background_terminals" }
>;

/** Carries out an op about terminals; the one event that answers it, once it has been done. Never throws. */
export async function answerTerminalOp(op: TerminalOp, terminals: Terminals): Promise<EventMsg> {
  if (op.type === "list_background_terminals") return answer(terminals, []);
  if (op.type === "clean_background_terminals") return answer(terminals, await terminals.stop());
  const terminal = terminals.find(Number(op.process_id));
  if (terminal?.end !== undefined || terminal === undefined)
    return { type: "error", message: `no terminal ${op.process_id} is running` };
  return answer(terminals, await terminals.stop([terminal]));
}

function answer(terminals: Terminals, stopped: Awaited<ReturnType<Terminals["stop"]>>): EventMsg {
  return { type: "background_terminals_response", terminals: terminals.infos(), stopped };
}
