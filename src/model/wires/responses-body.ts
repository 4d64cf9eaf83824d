import type {
  CallOutputItem,
  ContentPart,
  FunctionCallItem,
  MessageItem,
  Provider,
  ReasoningItem,
  ResponseItem,
} from "../../protocol/index.js";
import { type Learned, settledFields } from "../learned.js";
import { createEncodings, type Encoding, isOwn, meetCalls, shortId, wireArguments, wireName } from "../outgoing.js";
import type { ModelRequest, ToolSpec } from "../types.js";

/** Characters of an id that OpenAI takes. */
const ID_LIMIT = 64;

/** Makes the bodies of a conversation's Responses requests. Each item is encoded once, however many requests carry it. */
export function createResponsesBody(provider: Provider, learned: Learned): (request: ModelRequest) => string {
  const encodings = createEncodings();
  return (request) => {
    const habits = learned.habits(provider, request);
    const custom = request.tools.filter((tool) => tool.type === "custom").map((tool) => tool.name);
    const { callIds, developer, itemsWithout } = habits;
    const key = JSON.stringify([request.model, custom, callIds, developer, itemsWithout]);
    const receiver = { provider: provider.id, model: request.model };
    const encoding = encodings(key, receiver, { form: callIds, limit: ID_LIMIT });
    meetCalls(encoding.names, request.input, receiver);
    const sending = { encoding, custom: new Set(custom), developer, without: new Set(itemsWithout) };
    const items = habits.roles === "strict" ? inTurns(request.input) : request.input;
    const input = encodeInput(items, sending).join(",");
    const head = JSON.stringify({ model: request.model, instructions: request.instructions });
    const fields = settledFields(fieldsOf(request), provider, habits);
    return `${head.slice(0, -1)},"input":[${input}],${JSON.stringify(fields).slice(1)}`;
  };
}

function fieldsOf(request: ModelRequest): Record<string, unknown> {
  const { effort, summary, verbosity, serviceTier, outputSchema, tools, toolChoice } = request;
  const reasons = effort !== undefined || summary !== undefined;
  const format = outputSchema === undefined ? undefined : outputFormat(outputSchema);
  return {
    // Some servers refuse an empty list, and a choice where there is none.
    ...(tools.length === 0
      ? {}
      : { tools: tools.map(encodeTool), tool_choice: toolChoice ?? "auto", parallel_tool_calls: true }),
    ...(reasons ? { reasoning: { effort, summary: summary === "none" ? undefined : summary } } : {}),
    store: false,
    stream: true,
    include: reasons || request.info.sealsThoughts === true ? ["reasoning.encrypted_content"] : [],
    prompt_cache_key: request.conversationId,
    ...(format === undefined && verbosity === undefined ? {} : { text: { format, verbosity } }),
    ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
  };
}

interface Sending {
  readonly encoding: Encoding;
  /** Names of the custom tools that the model has. */
  readonly custom: ReadonlySet<string>;
  /** The role that the developer's messages have here. */
  readonly developer: string;
  /** Fields that items have to do without. */
  readonly without: ReadonlySet<string>;
}

function encodeInput(input: readonly ResponseItem[], sending: Sending): string[] {
  const customCalls = new Set<string>();
  for (const item of input) {
    if (item.type === "custom_tool_call" && sending.custom.has(item.name)) customCalls.add(item.call_id);
  }
  return input.flatMap((item, at) => {
    // What the server can't read back is only for showing.
    if (item.type === "reasoning" && !goesBack(item, sending.encoding)) return [];
    const encode = () => stripped(encodeItem(item, { ...sending, customCalls, at }), sending.without);
    return [sending.encoding.text(item, "", encode)];
  });
}

/** Messages of the user that follow each other as one: some templates want user and assistant in turn. */
function inTurns(input: readonly ResponseItem[]): ResponseItem[] {
  const items: ResponseItem[] = [];
  for (const item of input) {
    const last = items.at(-1);
    const follows = last?.type === "message" && last.role === "user" && item.type === "message" && item.role === "user";
    if (follows) items[items.length - 1] = { ...last, content: [...last.content, ...item.content] };
    else items.push(item);
  }
  return items;
}

/** An item without fields that the server does not take, in its parts as well. */
function stripped(item: object, without: ReadonlySet<string>): object {
  if (without.size === 0) return item;
  const fields = Object.entries(item).filter(([name]) => !without.has(name));
  return Object.fromEntries(
    fields.map(([name, value]) => {
      const isParts = (name === "content" || name === "output") && Array.isArray(value);
      return [name, isParts ? value.map((part: object) => stripped(part, without)) : value];
    }),
  );
}

function goesBack(item: ReasoningItem, { receiver }: Encoding): boolean {
  if (!isOwn(item, receiver) || item.sealed !== undefined) return false;
  return typeof item.encrypted_content === "string" || (item.content ?? []).length > 0;
}

interface ItemSending extends Sending {
  readonly customCalls: ReadonlySet<string>;
  /** Where the item stands. */
  readonly at: number;
}

function encodeItem(item: ResponseItem, sending: ItemSending): object {
  const { encoding, customCalls, at } = sending;
  const own = isOwn(item, encoding.receiver);
  switch (item.type) {
    case "message":
      return item.role === "assistant" ? answer(item, { own, at }) : message(item, sending);
    case "reasoning": {
      const { summary, content, encrypted_content } = item;
      const thoughts = { summary, content: content ?? undefined, encrypted_content: encrypted_content ?? undefined };
      return { type: "reasoning", id: thoughtsId(item, at), ...thoughts };
    }
    case "function_call":
      return { ...functionCall(item, encoding), id: own ? serverId(item.id, "fc_") : undefined };
    case "custom_tool_call": {
      const { input, name, call_id } = item;
      if (!customCalls.has(call_id)) {
        return functionCall({ type: "function_call", name, arguments: JSON.stringify({ input }), call_id }, encoding);
      }
      const id = own ? serverId(item.id, "ctc_") : undefined;
      return { type: item.type, id, name: wireName(name), input, call_id: encoding.names.idOf(call_id) };
    }
    default:
      return encodeOutput(item, sending);
  }
}

function functionCall(item: FunctionCallItem, { names }: Encoding): object {
  const args = wireArguments(item.arguments);
  return { type: item.type, name: wireName(item.name), arguments: args, call_id: names.idOf(item.call_id) };
}

function encodeOutput({ call_id, output }: CallOutputItem, { encoding, customCalls }: ItemSending): object {
  const type = customCalls.has(call_id) ? "custom_tool_call_output" : "function_call_output";
  const content = typeof output === "string" ? output : output.map(inputPart);
  return { type, call_id: encoding.names.idOf(call_id), output: content };
}

/** An id that the server made itself, where it has the form that OpenAI's have. */
function serverId(id: string | null | undefined, prefix: string): string | undefined {
  return id?.startsWith(prefix) === true && id.length <= ID_LIMIT ? id : undefined;
}

/** Thoughts in plain text need an id for those who check shapes; sealed ones are known by what is in them. */
function thoughtsId(item: ReasoningItem, at: number): string | undefined {
  const own = serverId(item.id, "rs_");
  if (own !== undefined || typeof item.encrypted_content === "string") return own;
  return `rs_b${at}_${shortId(item.id ?? "")}`;
}

/** Shapes of the API demand an id of each answer: in the place of another server's, or of none, stands one of ours. */
function answer(item: MessageItem, { own, at }: { readonly own: boolean; readonly at: number }): object {
  const id = (own ? serverId(item.id, "msg_") : undefined) ?? `msg_b${at}_${shortId(item.id ?? "")}`;
  const status = item.status ?? "completed";
  const phase = own && typeof item.phase === "string" ? { phase: item.phase } : {};
  return { type: item.type, id, role: item.role, status, ...phase, content: item.content.flatMap(answerPart) };
}

function answerPart(part: ContentPart): object[] {
  if (part.type === "refusal") return [{ type: "refusal", refusal: part.refusal }];
  return part.type === "input_image" ? [] : [{ type: "output_text", text: part.text, annotations: [] }];
}

function message({ type, role, content }: MessageItem, { developer }: Sending): object {
  return { type, role: role === "developer" ? developer : role, content: content.map(inputPart) };
}

function inputPart(part: ContentPart): object {
  if (part.type === "input_image") return { type: part.type, image_url: part.image_url, detail: part.detail ?? "auto" };
  return { type: "input_text", text: "text" in part ? part.text : part.refusal };
}

function encodeTool(tool: ToolSpec): object {
  const { type, name, description } = tool;
  if (tool.type === "custom") return { type, name, description, format: tool.format };
  return { type, name, description, strict: false, parameters: tool.parameters };
}

function outputFormat(schema: object): object {
  return { type: "json_schema", name: "belay_output_schema", strict: true, schema };
}
