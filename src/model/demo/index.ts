import { sleep } from "../../base/index.js";
import type { FunctionCallItem, MessageItem } from "../../protocol/index.js";
import type { ModelEvent, ModelRequest, Usage } from "../types.js";
import { readConversation } from "./conversation.js";
import { decide, type Reply } from "./script.js";

/** Between two pieces of text, ms: a stream to look at, and one that an interrupt can hit in the middle. */
const PAUSE_MS = 8;

/** Some words at a time. */
const PIECE = /\S+\s*(?:\S+\s*)?/g;

const BYTES_PER_TOKEN = 4;

/**
 * The model of provider `demo`: a script that drives the real loop in the project that `belay demo` makes, and says
 * anywhere else that it is none. It decides from the conversation alone, so the same request gets the same answer.
 * No network. Throws the signal's reason once cancelled.
 */
export async function* streamDemo(
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  signal.throwIfAborted();
  const conversation = readConversation(request);
  const reply = decide(conversation);
  for (const delta of reply.text.match(PIECE) ?? []) {
    await sleep(PAUSE_MS, signal);
    yield { type: "text_delta", delta };
  }
  for (const item of itemsOf(reply, conversation.callCount)) {
    signal.throwIfAborted();
    yield { type: "item", item };
  }
  yield { type: "completed", usage: estimate(request, reply) };
}

/** Ids of calls count up over the conversation. */
function itemsOf({ text, calls }: Reply, callCount: number): (MessageItem | FunctionCallItem)[] {
  const message: MessageItem = { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
  return [
    ...(text === "" ? [] : [message]),
    ...calls.map(
      ({ tool, args }, index): FunctionCallItem => ({
        type: "function_call",
        name: tool,
        arguments: JSON.stringify(args),
        call_id: `demo_${callCount + index + 1}`,
      }),
    ),
  ];
}

/** There are no tokens in a script: what the texts would come to at four bytes each. */
function estimate(request: ModelRequest, reply: Reply): Usage {
  const { instructions, tools } = request;
  const input = tokensIn(instructions) + tokensIn(JSON.stringify([tools, request.input]));
  const output = tokensIn(reply.text) + tokensIn(JSON.stringify(reply.calls));
  return { input, cachedInput: 0, output, reasoningOutput: 0, total: input + output };
}

function tokensIn(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}
