import type { Provider } from "../../protocol/index.js";
import { type Learned, settledFields } from "../learned.js";
import { createEncodings, meetCalls } from "../outgoing.js";
import type { ModelRequest, ToolSpec } from "../types.js";
import { encodeMessages } from "./chat-messages.js";

/** Characters of an id of a call that Chat servers take of others. */
const ID_LIMIT = 40;

/** Makes the bodies of a conversation's Chat Completions requests. Each item's text is encoded once in its life. */
export function createChatBody(provider: Provider, learned: Learned): (request: ModelRequest) => string {
  const encodings = createEncodings();
  return (request) => {
    const habits = learned.habits(provider, request);
    const key = JSON.stringify([request.model, habits.callIds, habits.signatures]);
    const receiver = { provider: provider.id, model: request.model };
    const encoding = encodings(key, receiver, { form: habits.callIds, limit: ID_LIMIT });
    meetCalls(encoding.names, request.input, receiver);
    const messages = encodeMessages(request, { encoding, habits }).join(",");
    const fields = settledFields(fieldsOf(request), provider, habits);
    return `{"model":${JSON.stringify(request.model)},"messages":[${messages}],${JSON.stringify(fields).slice(1)}`;
  };
}

function fieldsOf(request: ModelRequest): Record<string, unknown> {
  const { outputSchema, tools, toolChoice, effort, verbosity, serviceTier } = request;
  return {
    stream: true,
    stream_options: { include_usage: true },
    // Some servers refuse an empty list.
    ...(tools.length === 0 ? {} : { tools: tools.map(encodeTool) }),
    ...(toolChoice === undefined || tools.length === 0 ? {} : { tool_choice: toolChoice }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
    ...(outputSchema === undefined ? {} : { response_format: responseFormat(outputSchema) }),
  };
}

function encodeTool(tool: ToolSpec): object {
  if (tool.type === "function") {
    const { name, description, parameters } = tool;
    return { type: "function", function: { name, description, parameters } };
  }
  const description = `${tool.description}\n\nThe input follows this Lark grammar:\n${tool.format.definition}`;
  const input = { type: "string", description: "The whole input of the tool, as plain text." };
  const parameters = { type: "object", properties: { input }, required: ["input"], additionalProperties: false };
  return { type: "function", function: { name: tool.name, description, parameters } };
}

function responseFormat(schema: object): object {
  return { type: "json_schema", json_schema: { name: "belay_output_schema", strict: true, schema } };
}
