import type { Doubles } from "../../engine/index.js";
import { ModelError, type ModelEvent, type ModelRequest } from "../../model/index.js";
import { type ResponseItem, textOf } from "../../protocol/index.js";
import type { Prompter } from "./prompter.js";

/** A model that says what the record says it said. No network. Throws the signal's reason once cancelled. */
export function modelDouble(prompter: Prompter): Doubles["model"] {
  return { stream: (request, signal) => speak(request, prompter, signal), close() {} };
}

async function* speak(
  { purpose }: ModelRequest,
  prompter: Prompter,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  signal.throwIfAborted();
  const wantsSummary = purpose === "summary";
  const cue = prompter.peek();
  if (cue?.kind === "compaction") {
    // The one way to have the engine compact at this very place, however it counts.
    if (!wantsSummary) throw new ModelError("context_window", "the record has a compaction here");
    prompter.take();
    yield { type: "item", item: assistant(cue.summary) };
    yield { type: "completed", usage: undefined };
  } else if (wantsSummary) {
    if (isStop(prompter)) await prompter.stopHere(signal);
    if (prompter.end !== "failed") depart(prompter, "a request for a summary");
    throw new ModelError("stream", "the record has no summary here");
  } else if (cue?.kind === "answer") {
    prompter.take();
    yield* answer(cue.items, prompter, signal);
  } else yield* breakOff(prompter, signal);
}

async function* answer(
  items: readonly ResponseItem[],
  prompter: Prompter,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  for (const item of items) {
    signal.throwIfAborted();
    if (item.type === "message") yield { type: "text_delta", delta: textOf(item) };
    yield { type: "item", item };
  }
  // What was typed meanwhile is taken up when this answer and its calls are done.
  await prompter.typeAhead(prompter.takeInputs(), signal);
  yield { type: "completed", usage: undefined };
}

/** The record has no further answer: the turn was stopped here, or failed; else the engine asks for too much. */
async function* breakOff(prompter: Prompter, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
  if (prompter.partial !== "") yield { type: "text_delta", delta: prompter.partial };
  if (isStop(prompter)) await prompter.stopHere(signal);
  if (prompter.end !== "failed") depart(prompter, "a request to the model");
  throw new ModelError("stream", "the record has no further answer");
}

function isStop({ end }: Prompter): boolean {
  return end === "interrupted" || end === "replaced" || end === "lost";
}

function depart(prompter: Prompter, came: string): void {
  prompter.depart({ what: "the end of the turn", expected: "the turn ends here", came });
}

function assistant(text: string): ResponseItem {
  return { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
}
