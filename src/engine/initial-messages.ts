import { type HistoryMsg, type ResponseItem, textOf } from "../protocol/index.js";
import { isInjected } from "./history.js";

/** The latest so many messages of a resumed conversation are told to clients. */
const LIMIT = 1000;

/** What a client shows of a conversation that it did not see: what was said on both sides, oldest first. */
export function initialMessages(items: readonly ResponseItem[]): HistoryMsg[] {
  const messages = items.flatMap((item): HistoryMsg[] => {
    if (item.type === "reasoning") {
      const text = item.summary.map((part) => part.text).join("\n\n");
      return text === "" ? [] : [{ type: "agent_reasoning", text }];
    }
    if (item.type !== "message") return [];
    if (item.role === "assistant") return [{ type: "agent_message", message: textOf(item) }];
    if (item.role !== "user" || isInjected(item)) return [];
    const images = item.content.flatMap((part) => (part.type === "input_image" ? [part.image_url] : []));
    return [{ type: "user_message", message: textOf(item), ...(images.length === 0 ? {} : { images }) }];
  });
  return messages.slice(-LIMIT);
}
