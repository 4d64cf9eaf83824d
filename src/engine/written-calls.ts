import { isCall, isCallOutput, type MessageItem, type ResponseItem, textOf } from "../protocol/index.js";
import { readTextCalls } from "./tools/text-calls.js";

/** How the ids of calls begin that a model wrote into its text. */
const WRITTEN = "written_";

/** Whether a model's server gives calls as calls: then a text that looks like one is a text. */
export function hasStructuredCall(items: readonly ResponseItem[]): boolean {
  return items.some((item) => isCall(item) && !item.call_id.startsWith(WRITTEN));
}

/**
 * The items of a response with the calls that its last message ends with as calls, for servers that don't read what their
 * model writes. A response that has calls of its own is as it was, and so is one whose calls stand word for word in what the model
 * was given to read: then it repeats them.
 */
export function withWrittenCalls(
  items: readonly ResponseItem[],
  options: {
    readonly known: ReadonlySet<string>;
    readonly makeId: () => string;
    readonly wasRead: (text: string) => boolean;
  },
): readonly ResponseItem[] {
  const at = items.findLastIndex((item) => item.type === "message" && textOf(item).trim() !== "");
  const message = items[at];
  if (message?.type !== "message" || items.some(isCall)) return items;
  const found = readTextCalls(textOf(message), options.known);
  if (found === undefined || options.wasRead(found.written)) return items;
  const said: MessageItem = { ...message, content: [{ type: "output_text", text: found.before }] };
  const calls = found.calls.map((call): ResponseItem => {
    return { type: "function_call", ...call, call_id: `${WRITTEN}${options.makeId()}` };
  });
  return [...items.slice(0, at), ...(found.before === "" ? [] : [said]), ...items.slice(at + 1), ...calls];
}

/** Whether a text stands in what the user, files or commands told, however its lines are broken. */
export function wasRead(items: readonly ResponseItem[], text: string): boolean {
  const plain = withoutBlanks(text);
  return items.some((item) => {
    if (item.type === "message") return item.role !== "assistant" && withoutBlanks(textOf(item)).includes(plain);
    return isCallOutput(item) && typeof item.output === "string" && withoutBlanks(item.output).includes(plain);
  });
}

function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, "");
}
