import type { Conversation } from "../../engine/index.js";
import type { EventMsg, ProcessOutcome, TerminalMsg } from "../../protocol/index.js";

/** Stops the terminals that a turn left running, while events are still shown; the terminal event as it is then. */
export async function stopKept(end: TerminalMsg, conversation: Conversation): Promise<TerminalMsg> {
  if (!(end.processes ?? []).some(isTerminal)) return end;
  const answer = await ask(conversation);
  // An error: the conversation is being closed, which stops them as well.
  if (answer.type !== "background_terminals_response") return end;
  const stopped = new Map(answer.stopped.map((process) => [process.call_id, process]));
  const processes = (end.processes ?? []).map((process): ProcessOutcome => {
    if (!isTerminal(process)) return process;
    // One that is not among them has ended by itself meanwhile.
    return stopped.get(process.call_id) ?? { ...process, outcome: "exited" };
  });
  return { ...end, processes };
}

/** What the settings let commands leave running is no terminal, and goes on. */
function isTerminal({ outcome, process_id: id }: ProcessOutcome): boolean {
  return outcome === "kept" && id !== undefined;
}

/** The event that answers. */
function ask(conversation: Conversation): Promise<EventMsg> {
  return new Promise((resolve) => {
    let asked: string | undefined;
    const forget = conversation.subscribe(({ id, msg }) => {
      if (asked === undefined || id !== asked) return;
      forget();
      resolve(msg);
    });
    asked = conversation.submit({ type: "clean_background_terminals" });
  });
}
