import {
  type CallItem,
  type CallOutputItem,
  type ContentPart,
  isCallOutput,
  type MessageItem,
  type ReasoningItem,
  type ResponseItem,
  textOf,
} from "../../protocol/index.js";
import type { Habits } from "../learned.js";
import { type Encoding, isOwn, wireArguments, wireJson, wireName } from "../outgoing.js";
import type { ModelRequest } from "../types.js";

/** What the texts of messages depend on beside the items. */
export interface ChatSending {
  readonly encoding: Encoding;
  readonly habits: Habits;
}

/** Stands between the output of a call and a message of the user, where a server wants the two roles in turn. */
const BRIDGE = { role: "assistant", content: "I have seen the output." };

/** What Google's servers take in the place of a signature of their own, for calls that another model made. */
const NO_SIGNATURE = { google: { thought_signature: "skip_thought_signature_validator" } };

/** Fields of an assistant's message that go back as they came. `field` says where the text of thoughts came from. */
const THOUGHTS_FIELD = "field";

/**
 * Items as chat messages, JSON text each. A text and the calls after it are one assistant message; its outputs follow it
 * directly, in call order, wherever they stand in the input, as the API demands. Developer texts at the start join the
 * instructions; later ones become user messages, since many chat templates take one system message, at the start.
 */
export function encodeMessages({ instructions, input }: ModelRequest, sending: ChatSending): string[] {
  const outputs = new Map<string, CallOutputItem>();
  for (const item of input) if (isCallOutput(item)) outputs.set(item.call_id, item);
  const lead = leadingTexts(input);
  const list = new MessageList(sending, outputs);
  list.system([instructions, ...lead.texts].filter((text) => text !== "").join("\n\n"));
  for (const item of input.slice(lead.count)) list.add(item);
  return list.end();
}

function leadingTexts(input: readonly ResponseItem[]): { readonly texts: string[]; readonly count: number } {
  const texts: string[] = [];
  for (const item of input) {
    if (item.type !== "message" || (item.role !== "developer" && item.role !== "system")) break;
    texts.push(textOf(item));
  }
  return { texts, count: texts.length };
}

/** An assistant message in the making. */
interface Assistant {
  readonly texts: string[];
  readonly thoughts: ReasoningItem[];
  readonly calls: CallItem[];
}

/** The content of a user message: JSON text without its quotes, or the parts of one with images. */
type UserContent = { readonly plain: string } | { readonly parts: string };

class MessageList {
  readonly #sending: ChatSending;
  readonly #outputs: ReadonlyMap<string, CallOutputItem>;
  readonly #messages: string[] = [];
  #open: Assistant | undefined;
  /** User contents that may become one message. */
  #users: UserContent[] = [];
  #lastIsTool = false;

  constructor(sending: ChatSending, outputs: ReadonlyMap<string, CallOutputItem>) {
    this.#sending = sending;
    this.#outputs = outputs;
  }

  system(text: string): void {
    if (text === "") return;
    const role = this.#sending.habits.system;
    if (role === "user") this.#user({ plain: unquoted(wireJson(text)) });
    else this.#messages.push(wireJson({ role, content: text }));
  }

  add(item: ResponseItem): void {
    if (item.type === "reasoning") this.#think(item);
    else if (item.type === "message") {
      if (item.role === "assistant") this.#say(item);
      else this.#take(item);
    } else if (!isCallOutput(item)) this.#assistant().calls.push(item);
    // The output of the last call ends the step that made it; the next call belongs to another assistant message.
    else if (this.#open?.calls.at(-1)?.call_id === item.call_id) this.#close();
  }

  end(): string[] {
    this.#close();
    this.#closeUsers();
    return this.#messages;
  }

  #assistant(): Assistant {
    this.#open ??= { texts: [], thoughts: [], calls: [] };
    return this.#open;
  }

  /** Thoughts stand before what came of them. */
  #think(item: ReasoningItem): void {
    if (item.sealed === undefined || !isOwn(item, this.#sending.encoding.receiver)) return;
    if (this.#open !== undefined && (this.#open.texts.length > 0 || this.#open.calls.length > 0)) this.#close();
    this.#assistant().thoughts.push(item);
  }

  #say(item: MessageItem): void {
    const text = textOf(item);
    if (text.trim() !== "") this.#assistant().texts.push(text);
  }

  #take(item: MessageItem): void {
    this.#close();
    const plain = item.content.every((part) => part.type !== "input_image");
    const { encoding } = this.#sending;
    if (plain) this.#user({ plain: unquoted(encoding.text(item, "text", () => textOf(item))) });
    else this.#user({ parts: unquoted(encoding.text(item, "parts", () => item.content.map(encodePart))) });
  }

  #user(content: UserContent): void {
    this.#users.push(content);
    if (this.#sending.habits.roles === "free") this.#closeUsers();
  }

  #closeUsers(): void {
    if (this.#users.length === 0) return;
    if (this.#lastIsTool && this.#sending.habits.roles === "strict") this.#messages.push(bridge(this.#sending.habits));
    this.#messages.push(`{"role":"user","content":${joined(this.#users)}}`);
    this.#users = [];
    this.#lastIsTool = false;
  }

  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined || (open.texts.length === 0 && open.calls.length === 0)) return;
    this.#closeUsers();
    this.#messages.push(encodeAssistant(open, this.#sending));
    this.#lastIsTool = false;
    const answers = open.calls.flatMap((call) => this.#outputs.get(call.call_id) ?? []);
    const { encoding } = this.#sending;
    for (const output of answers) {
      this.#messages.push(encoding.text(output, "tool", () => toolMessage(output, encoding)));
      this.#lastIsTool = true;
    }
    for (const output of answers.filter(hasImages)) {
      this.#user({ parts: unquoted(encoding.text(output, "images", () => imageParts(output, encoding))) });
    }
  }
}

/** A server that wants thoughts with each answer wants them here too. */
function bridge({ thoughts }: Habits): string {
  return JSON.stringify(thoughts === "required" ? { ...BRIDGE, reasoning_content: "" } : BRIDGE);
}

function unquoted(json: string): string {
  return json.slice(1, -1);
}

/** Texts with an empty line between them, or all their parts. */
function joined(contents: readonly UserContent[]): string {
  if (contents.every((content) => "plain" in content)) {
    return `"${contents.map((content) => ("plain" in content ? content.plain : "")).join("\\n\\n")}"`;
  }
  const parts = contents.map((content) => ("plain" in content ? textPart(content.plain) : content.parts));
  return `[${parts.join(",")}]`;
}

function textPart(plain: string): string {
  return `{"type":"text","text":"${plain}"}`;
}

function encodeAssistant(open: Assistant, { encoding, habits }: ChatSending): string {
  const content = open.texts.length === 0 ? "null" : wireJson(open.texts.join("\n"));
  const fields = thoughtFields(open, { encoding, habits });
  if (open.calls.length === 0) return `{"role":"assistant","content":${content}${fields}}`;
  const calls = open.calls.map((call, at) =>
    encoding.text(call, "call", () => encodeCall(call, { encoding, signed: at === 0 && habits.signatures })),
  );
  return `{"role":"assistant","content":${content}${fields},"tool_calls":[${calls.join(",")}]}`;
}

/** As JSON text behind a comma, or nothing. */
function thoughtFields(open: Assistant, { encoding, habits }: ChatSending): string {
  const encode = () => encodeThoughts(open, habits);
  const [first, second] = open.thoughts;
  const part = `thoughts ${habits.thoughts} ${open.calls.length > 0}`;
  const json = first !== undefined && second === undefined ? encoding.text(first, part, encode) : wireJson(encode());
  return json === "{}" ? "" : `,${unquoted(json)}`;
}

/** What of a step's thoughts goes back: what the server sealed, and their text where calls came of them, or it is wanted always. */
function encodeThoughts({ thoughts, calls }: Assistant, { thoughts: habit }: Habits): Record<string, unknown> {
  if (habit === "dropped") return {};
  const fields: Record<string, unknown> = {};
  for (const { sealed = {}, content } of thoughts) {
    const { [THOUGHTS_FIELD]: field, ...rest } = sealed;
    Object.assign(fields, rest);
    if ((calls.length === 0 && habit !== "required") || typeof field !== "string") continue;
    const before = typeof fields[field] === "string" ? fields[field] : "";
    fields[field] = before + (content ?? []).map((part) => part.text).join("");
  }
  if (habit === "required") fields.reasoning_content ??= fields.reasoning ?? "";
  return fields;
}

function encodeCall(call: CallItem, how: { readonly encoding: Encoding; readonly signed: boolean }): object {
  const { names, receiver } = how.encoding;
  const own = isOwn(call, receiver);
  const { function: inner, ...sealed } = own ? (call.sealed ?? {}) : {};
  const args = call.type === "function_call" ? wireArguments(call.arguments) : JSON.stringify({ input: call.input });
  const unsigned = how.signed && (!own || call.sealed === undefined);
  return {
    ...(unsigned ? { extra_content: NO_SIGNATURE } : {}),
    ...sealed,
    id: names.idOf(call.call_id),
    type: "function",
    function: { ...(typeof inner === "object" ? inner : {}), name: wireName(call.name), arguments: args },
  };
}

function toolMessage({ call_id, output }: CallOutputItem, { names }: Encoding): object {
  const content =
    typeof output === "string" ? output : output.map((part) => ("text" in part ? part.text : "")).join("");
  return { role: "tool", tool_call_id: names.idOf(call_id), content };
}

/** Tool messages hold text only: a call's images follow as the user's. */
function imageParts({ call_id, output }: CallOutputItem, { names }: Encoding): object[] {
  const images = typeof output === "string" ? [] : output.filter((part) => part.type === "input_image");
  const label = { type: "text", text: `Images of the output of tool call ${names.idOf(call_id)}:` };
  return [label, ...images.map(encodePart)];
}

function hasImages({ output }: CallOutputItem): boolean {
  return typeof output !== "string" && output.some((part) => part.type === "input_image");
}

function encodePart(part: ContentPart): object {
  if (part.type !== "input_image") return { type: "text", text: "text" in part ? part.text : part.refusal };
  const detail = part.detail === undefined ? {} : { detail: part.detail };
  return { type: "image_url", image_url: { url: part.image_url, ...detail } };
}
