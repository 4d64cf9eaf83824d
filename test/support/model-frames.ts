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

function responsesFrames(n: number): FrameWriter {
  const responseId = `resp_${n}`;
  let counts = DEFAULT_COUNTS;
  let index = 0;
  let open = "";
  let started = false;

  const start = () => {
    if (started) return [];
    started = true;
    return [event({ type: "response.created", response: { id: responseId, status: "in_progress", output: [] } })];
  };
  const done = (item: object) => {
    const frame = event({ type: "response.output_item.done", output_index: index, item });
    index += 1;
    return frame;
  };
  const content = (step: Step): string[] => {
    const id = `item_${n}_${index}`;
    const at = { item_id: id, output_index: index };
    switch (step.type) {
      case "text": {
        open += step.text;
        const frames = pieces(step.text, step.chunks).map((delta) =>
          event({ type: "response.output_text.delta", ...at, content_index: 0, delta }),
        );
        if (step.open) return frames;
        const parts = [{ type: "output_text", text: open, annotations: [] }];
        open = "";
        return [...frames, done({ type: "message", id, role: "assistant", status: "completed", content: parts })];
      }
      case "reasoning": {
        const frames = step.summary.flatMap((delta, part) => [
          event({ type: "response.reasoning_summary_part.added", ...at, summary_index: part }),
          event({ type: "response.reasoning_summary_text.delta", ...at, summary_index: part, delta }),
        ]);
        if (step.raw !== undefined)
          frames.push(event({ type: "response.reasoning_text.delta", ...at, delta: step.raw }));
        const summary = step.summary.map((text) => ({ type: "summary_text", text }));
        return [...frames, done({ type: "reasoning", id, summary, encrypted_content: step.encrypted ?? null })];
      }
      case "call": {
        const call_id = step.callId ?? `call_${n}_${index}`;
        const item = { type: "function_call", id, call_id, name: step.name };
        return [
          event({ type: "response.output_item.added", output_index: index, item: { ...item, arguments: "" } }),
          event({ type: "response.function_call_arguments.delta", ...at, delta: step.arguments }),
          done({ ...item, arguments: step.arguments, status: "completed" }),
        ];
      }
      case "custom_call": {
        const call_id = step.callId ?? `call_${n}_${index}`;
        return [
          done({ type: "custom_tool_call", id, call_id, name: step.name, input: step.input, status: "completed" }),
        ];
      }
      case "failed": {
        const error = { code: step.code, message: step.message };
        return [event({ type: "response.failed", response: { id: responseId, status: "failed", error } })];
      }
      case "incomplete": {
        const response = { id: responseId, status: "incomplete", incomplete_details: { reason: step.reason } };
        return [event({ type: "response.incomplete", response })];
      }
      default:
        return [];
    }
  };
  return {
    frames(step) {
      if (step.type === "usage") counts = step;
      const frames = content(step);
      return frames.length > 0 ? [...start(), ...frames] : [];
    },
    end: () => [
      ...start(),
      event({
        type: "response.completed",
        response: {
          id: responseId,
          status: "completed",
          usage: {
            input_tokens: counts.input,
            input_tokens_details: { cached_tokens: counts.cached },
            output_tokens: counts.output,
            output_tokens_details: { reasoning_tokens: counts.reasoning },
            total_tokens: counts.input + counts.output,
          },
        },
      }),
    ],
  };
}

function chatFrames(n: number): FrameWriter {
  let counts = DEFAULT_COUNTS;
  let withDone = true;
  let calls = 0;

  const data = (body: object) =>
    `data: ${JSON.stringify({ id: `chat_${n}`, object: "chat.completion.chunk", ...body })}\n\n`;
  const delta = (content: object, finish: string | null = null) =>
    data({ choices: [{ index: 0, delta: content, finish_reason: finish }] });
  const last = (finish: string) => [delta({}, finish), ...(withDone ? ["data: [DONE]\n\n"] : [])];
  const toolCall = (name: string, args: string, callId: string | undefined) => {
    const index = calls;
    calls += 1;
    const id = callId ?? `call_${n}_${index}`;
    return [
      delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
      ...pieces(args, 3).map((part) => delta({ tool_calls: [{ index, function: { arguments: part } }] })),
    ];
  };
  return {
    frames(step) {
      switch (step.type) {
        case "usage":
          counts = step;
          return [];
        case "no_done":
          withDone = false;
          return [];
        case "text":
          return pieces(step.text, step.chunks).map((content) => delta({ content }));
        case "reasoning":
          return [...step.summary, ...(step.raw === undefined ? [] : [step.raw])].map((part) =>
            delta({ reasoning_content: part }),
          );
        case "call":
          return toolCall(step.name, step.arguments, step.callId);
        case "custom_call":
          return toolCall(step.name, JSON.stringify({ input: step.input }), step.callId);
        case "failed":
          return [`data: ${JSON.stringify({ error: { code: step.code, message: step.message } })}\n\n`];
        case "incomplete":
          return last(step.reason === "content_filter" ? "content_filter" : "length");
        default:
          return [];
      }
    },
    end() {
      const usage = {
        prompt_tokens: counts.input,
        completion_tokens: counts.output,
        total_tokens: counts.input + counts.output,
        prompt_tokens_details: { cached_tokens: counts.cached },
        completion_tokens_details: { reasoning_tokens: counts.reasoning },
      };
      const finish = delta({}, calls > 0 ? "tool_calls" : "stop");
      return [finish, data({ choices: [], usage }), ...(withDone ? ["data: [DONE]\n\n"] : [])];
    },
  };
}
