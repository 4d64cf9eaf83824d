import type { Step, TokenCounts } from "./model-replies.js";

/** Steps of a reply as server-sent events of one wire. Frames are whole events, each ending with an empty line. */
export interface FrameWriter {
  /** The frames of a content step; none for other steps. */
  frames(step: Step): readonly string[];
  /** The end of a reply that went well. */
  end(): readonly string[];
}

export type WireName = "responses" | "chat";

export function frameWriter(wire: WireName, n: number): FrameWriter {
  return wire === "responses" ? responsesFrames(n) : chatFrames(n);
}

const DEFAULT_COUNTS: TokenCounts = { input: 10, cached: 0, output: 5, reasoning: 0 };

function event(body: { readonly type: string } & Record<string, unknown>): string {
  return `event: ${body.type}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** A text cut into `count` pieces of about the same length, at whole characters. */
function pieces(text: string, count: number): string[] {
  const characters = [...text];
  const size = Math.max(1, Math.ceil(characters.length / count));
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += size) parts.push(characters.slice(at, at + size).join(""));
  return parts;
}

interface ResponsesState {
  readonly n: number;
  /** Of the output item at hand. */
  index: number;
  /** The text of a message that is not over. */
  open: string;
  started: boolean;
  counts: TokenCounts;
}

function responsesFrames(n: number): FrameWriter {
  const state: ResponsesState = { n, index: 0, open: "", started: false, counts: DEFAULT_COUNTS };
  const start = () => {
    if (state.started) return [];
    state.started = true;
    return [event({ type: "response.created", response: { id: `resp_${n}`, status: "in_progress", output: [] } })];
  };
  return {
    frames(step) {
      if (step.type === "usage") state.counts = step;
      const frames = responsesContent(state, step);
      return frames.length > 0 ? [...start(), ...frames] : [];
    },
    end: () => [...start(), responsesEnd(state)],
  };
}

function responsesContent(state: ResponsesState, step: Step): string[] {
  const id = `item_${state.n}_${state.index}`;
  const at = { item_id: id, output_index: state.index };
  const response = (fields: object) => ({ id: `resp_${state.n}`, ...fields });
  switch (step.type) {
    case "text": {
      const deltas = pieces(step.text, step.chunks).map((delta) =>
        event({ type: "response.output_text.delta", ...at, content_index: 0, delta }),
      );
      state.open += step.text;
      if (step.open) return deltas;
      const content = [{ type: "output_text", text: state.open, annotations: [] }];
      state.open = "";
      return [...deltas, itemDone(state, { type: "message", id, role: "assistant", status: "completed", content })];
    }
    case "reasoning":
      return reasoningFrames(state, step);
    case "call": {
      const item = { type: "function_call", id, call_id: step.callId ?? defaultId(state), name: step.name };
      return [
        event({ type: "response.output_item.added", output_index: state.index, item: { ...item, arguments: "" } }),
        event({ type: "response.function_call_arguments.delta", ...at, delta: step.arguments }),
        itemDone(state, { ...item, arguments: step.arguments, status: "completed" }),
      ];
    }
    case "custom_call": {
      const call_id = step.callId ?? defaultId(state);
      const item = { type: "custom_tool_call", id, call_id, name: step.name, input: step.input, status: "completed" };
      return [itemDone(state, item)];
    }
    case "failed": {
      const error = { code: step.code, message: step.message };
      return [event({ type: "response.failed", response: response({ status: "failed", error }) })];
    }
    case "incomplete": {
      const incomplete_details = { reason: step.reason };
      return [event({ type: "response.incomplete", response: response({ status: "incomplete", incomplete_details }) })];
    }
    default:
      return [];
  }
}

function defaultId({ n, index }: ResponsesState): string {
  return `call_${n}_${index}`;
}

function itemDone(state: ResponsesState, item: object): string {
  const frame = event({ type: "response.output_item.done", output_index: state.index, item });
  state.index += 1;
  return frame;
}

function reasoningFrames(state: ResponsesState, step: Extract<Step, { type: "reasoning" }>): string[] {
  const id = `item_${state.n}_${state.index}`;
  const at = { item_id: id, output_index: state.index };
  const frames = step.summary.flatMap((delta, summary_index) => [
    event({ type: "response.reasoning_summary_part.added", ...at, summary_index }),
    event({ type: "response.reasoning_summary_text.delta", ...at, summary_index, delta }),
  ]);
  if (step.raw !== undefined) frames.push(event({ type: "response.reasoning_text.delta", ...at, delta: step.raw }));
  const summary = step.summary.map((text) => ({ type: "summary_text", text }));
  return [...frames, itemDone(state, { type: "reasoning", id, summary, encrypted_content: step.encrypted ?? null })];
}

function responsesEnd({ n, counts }: ResponsesState): string {
  const usage = {
    input_tokens: counts.input,
    input_tokens_details: { cached_tokens: counts.cached },
    output_tokens: counts.output,
    output_tokens_details: { reasoning_tokens: counts.reasoning },
    total_tokens: counts.input + counts.output,
  };
  return event({ type: "response.completed", response: { id: `resp_${n}`, status: "completed", usage } });
}

function chatFrames(n: number): FrameWriter {
  let counts = DEFAULT_COUNTS;
  let ending: readonly string[] = ["data: [DONE]\n\n"];
  let calls = 0;

  const delta = (content: object, finish: string | null = null) =>
    chunk(n, { choices: [{ index: 0, delta: content, finish_reason: finish }] });
  const toolCall = (name: string, args: string, callId: string | undefined) => {
    const index = calls;
    calls += 1;
    const id = callId ?? `call_${n}_${index}`;
    return [
      delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
      ...pieces(args, 3).map((part) => delta({ tool_calls: [{ index, function: { arguments: part } }] })),
    ];
  };
  const frames = (step: Step): string[] => {
    switch (step.type) {
      case "text":
        return pieces(step.text, step.chunks).map((content) => delta({ content }));
      case "reasoning":
        return [...step.summary, step.raw ?? ""]
          .filter((part) => part !== "")
          .map((part) => delta({ reasoning_content: part }));
      case "call":
        return toolCall(step.name, step.arguments, step.callId);
      case "custom_call":
        return toolCall(step.name, JSON.stringify({ input: step.input }), step.callId);
      case "failed":
        return [`data: ${JSON.stringify({ error: { code: step.code, message: step.message } })}\n\n`];
      case "incomplete":
        return [delta({}, step.reason === "content_filter" ? "content_filter" : "length"), ...ending];
      default:
        return [];
    }
  };
  return {
    frames(step) {
      if (step.type === "usage") counts = step;
      if (step.type === "no_done") ending = [];
      return frames(step);
    },
    end: () => [
      delta({}, calls > 0 ? "tool_calls" : "stop"),
      chunk(n, { choices: [], usage: chatUsage(counts) }),
      ...ending,
    ],
  };
}

function chunk(n: number, body: object): string {
  return `data: ${JSON.stringify({ id: `chat_${n}`, object: "chat.completion.chunk", ...body })}\n\n`;
}

function chatUsage(counts: TokenCounts): object {
  return {
    prompt_tokens: counts.input,
    completion_tokens: counts.output,
    total_tokens: counts.input + counts.output,
    prompt_tokens_details: { cached_tokens: counts.cached },
    completion_tokens_details: { reasoning_tokens: counts.reasoning },
  };
}
