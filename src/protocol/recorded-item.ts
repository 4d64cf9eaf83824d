import * as v from "valibot";
import { type ResponseItem, responseItemSchema } from "./item.js";

type Fields = Readonly<Record<string, unknown>>;

/**
 * An item of a session file as we know it, also of other programs and their older versions; undefined for kinds that are not
 * ours. Codex's own shell call becomes a function call, so that its output has its pair; text in an older shape stays text.
 */
export function decodeRecordedItem(payload: Fields): ResponseItem | undefined {
  if (payload.type === "local_shell_call" && typeof payload.call_id === "string") {
    const text = JSON.stringify(payload.action ?? {});
    return { type: "function_call", name: "local_shell", arguments: text, call_id: payload.call_id };
  }
  return parsed(payload) ?? parsed(mended(payload));
}

function parsed(payload: Fields): ResponseItem | undefined {
  const result = v.safeParse(responseItemSchema, payload);
  return result.success ? result.output : undefined;
}

/** The same with its content in today's shape. */
function mended(payload: Fields): Fields {
  const { type, content, output, ...rest } = payload;
  if (type === "message") {
    const kind = rest.role === "assistant" ? "output_text" : "input_text";
    const { status: _, ...known } = rest;
    return {
      ...known,
      type,
      content: typeof content === "string" ? [{ type: kind, text: content }] : parts(content, kind),
    };
  }
  if (typeof type !== "string" || !type.endsWith("_output")) return payload;
  return { ...rest, type, output: Array.isArray(output) ? parts(output, "input_text") : outputText(output) };
}

const KNOWN = new Set(["input_text", "output_text", "input_image", "refusal"]);

/** The parts that we know, and of the others what is plain text. */
function parts(content: unknown, kind: string): unknown {
  if (!Array.isArray(content)) return content;
  return content.flatMap((part: unknown) => {
    if (typeof part === "string") return [{ type: kind, text: part }];
    if (typeof part !== "object" || part === null) return [];
    const { type, text } = part as Fields;
    if (KNOWN.has(String(type))) return [part];
    return typeof text === "string" ? [{ type: kind, text }] : [];
  });
}

/** `{content, success}` of older versions is its content; another object is told as it stands. */
function outputText(output: unknown): unknown {
  if (typeof output !== "object" || output === null) return output;
  const { content } = output as Fields;
  return typeof content === "string" ? content : JSON.stringify(output);
}
