import { isCall, isCallOutput, type MessageItem, type ReasoningItem, type ResponseItem } from "../protocol/index.js";

/**
 * What the model is sent: items in order, always well-formed. Every output follows its call, every call gets one output,
 * no call id appears twice. A violation is a bug and throws before anything is kept.
 */
export class History {
  #items: ResponseItem[] = [];
  #open = new Set<string>();
  #callIds = new Set<string>();

  get items(): readonly ResponseItem[] {
    return this.#items;
  }

  append(items: readonly ResponseItem[]): void {
    for (const item of items) {
      this.#check(item);
      this.#items.push(item);
    }
  }

  hasCall(callId: string): boolean {
    return this.#callIds.has(callId);
  }

  /** Puts other items in the place of all, as compaction does. */
  replace(items: readonly ResponseItem[]): void {
    if (this.#open.size > 0) throw new Error("history replaced while calls are open");
    this.#items = [];
    this.#callIds = new Set();
    this.append(items);
  }

  /** Whether the model has said or done anything: else there is nothing to summarise. */
  get hasAnswers(): boolean {
    return this.#items.some((item) => isCall(item) || (item.type === "message" && item.role === "assistant"));
  }

  /** What the user said, oldest first. */
  userMessages(): MessageItem[] {
    return this.#items.filter(
      (item): item is MessageItem => item.type === "message" && item.role === "user" && !isInjected(item),
    );
  }

  #check(item: ResponseItem): void {
    if (isCall(item)) {
      if (this.#callIds.has(item.call_id)) throw new Error(`call ${item.call_id} is in the history already`);
      this.#callIds.add(item.call_id);
      this.#open.add(item.call_id);
    } else if (isCallOutput(item)) {
      if (!this.#open.delete(item.call_id)) throw new Error(`output for ${item.call_id}, which is no open call`);
    } else if (this.#open.size > 0 && item.type === "message" && item.role === "user") {
      throw new Error("user message between a call and its output");
    }
  }
}

/** Messages of role user that Belay wrote itself start with one of these. */
export const INJECTED_TAGS = [
  "<environment_context>",
  "<turn_aborted>",
  "<conversation_summary>",
  "# AGENTS.md instructions",
] as const;

/** True for a message of role user that no user typed. */
export function isInjected(item: MessageItem): boolean {
  const first = item.content[0];
  return first?.type === "input_text" && INJECTED_TAGS.some((tag) => first.text.startsWith(tag));
}

/** A rough size in tokens: four bytes of text each, a flat price an image. */
export function estimateTokens(item: ResponseItem): number {
  switch (item.type) {
    case "message":
      return item.content.reduce((sum, part) => sum + partTokens(part), 4);
    case "reasoning":
      return Math.ceil(((item.encrypted_content?.length ?? 0) + plainThoughts(item)) / 4);
    case "function_call":
      return 8 + Math.ceil(item.arguments.length / 4);
    case "custom_tool_call":
      return 8 + Math.ceil(item.input.length / 4);
    default:
      return typeof item.output === "string"
        ? 4 + Math.ceil(item.output.length / 4)
        : item.output.reduce((sum, part) => sum + partTokens(part), 4);
  }
}

/** Characters of thoughts in plain text. */
function plainThoughts({ content }: ReasoningItem): number {
  return (content ?? []).reduce((sum, part) => sum + part.text.length, 0);
}

const IMAGE_TOKENS = 1000;

function partTokens(part: MessageItem["content"][number]): number {
  if (part.type === "input_image") return IMAGE_TOKENS;
  return Math.ceil((part.type === "refusal" ? part.refusal : part.text).length / 4);
}
