import * as v from "valibot";
import { askForApprovalSchema } from "../../protocol/index.js";

/** An argument that may be left out, or null. */
const maybe = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.optional(v.nullable(v.pipe(schema, v.description(description))));

const prompt = (description: string) => v.pipe(v.string(), v.description(description));

/** An object of any fields. The check is ours, since a record of valibot's may be a list. */
export const anyObject = v.pipe(
  v.unknown(),
  v.check((value) => typeof value === "object" && value !== null && !Array.isArray(value), "expected an object"),
  v.record(v.string(), v.unknown()),
);

/** The arguments of `codex`: those of 0.23 and of later versions. Others are ignored, and the result names them. */
export const codexArguments = v.object({
  prompt: prompt("What to do."),
  model: maybe(v.string(), "The model to use."),
  profile: maybe(v.string(), "A profile of config.toml."),
  cwd: maybe(v.string(), "The folder to work in; a relative path starts at the folder of the server."),
  "approval-policy": maybe(
    askForApprovalSchema,
    "When commands and patches need an approval, which is asked for by an elicitation.",
  ),
  sandbox: maybe(v.picklist(["read-only", "workspace-write", "danger-full-access"]), "What commands may touch."),
  config: maybe(anyObject, "Settings that go before config.toml, under its keys; keys may be dotted."),
  "base-instructions": maybe(v.string(), "Instructions of the model, in place of the built-in ones."),
  "developer-instructions": maybe(v.string(), "More instructions, told to the model as of a developer."),
  "compact-prompt": maybe(v.string(), "The prompt by which a long conversation is summarised."),
  "include-plan-tool": maybe(v.boolean(), "Without effect: the model always has the plan tool."),
});

/** The arguments of `codex-reply`. The conversation has had three names; one of them is needed. */
export const replyArguments = v.object({
  prompt: prompt("What to do next."),
  threadId: maybe(v.string(), "The conversation, as `threadId` of an earlier result."),
  conversationId: maybe(v.string(), "The same, by an older name."),
  sessionId: maybe(v.string(), "The same, by the oldest name."),
});

export type CodexArguments = v.InferOutput<typeof codexArguments>;
export type ReplyArguments = v.InferOutput<typeof replyArguments>;

const OUTPUT_SCHEMA = {
  type: "object",
  properties: {
    threadId: { type: "string", description: "The conversation: what codex-reply takes." },
    content: { type: "string", description: "The final message, or what went wrong." },
  },
  required: ["threadId", "content"],
};

/** What `tools/list` answers. */
export const TOOLS = [
  {
    name: "codex",
    title: "Belay",
    description:
      "Start a conversation with a coding agent that works in a folder of this machine, and wait for its answer.",
    inputSchema: jsonSchema(codexArguments),
    outputSchema: OUTPUT_SCHEMA,
  },
  {
    name: "codex-reply",
    title: "Belay Reply",
    description: "Go on with a conversation that codex has started, and wait for the answer.",
    inputSchema: jsonSchema(replyArguments),
    outputSchema: OUTPUT_SCHEMA,
  },
];

type Arguments = typeof codexArguments | typeof replyArguments;

/** The JSON Schema of a tool's arguments. */
function jsonSchema({ entries }: Arguments) {
  const fields: readonly (readonly [string, v.GenericSchema])[] = Object.entries(entries);
  return {
    type: "object",
    properties: Object.fromEntries(fields.map(([name, schema]) => [name, property(schema)])),
    required: fields.filter(([, schema]) => schema.type !== "optional").map(([name]) => name),
  };
}

function property(schema: v.GenericSchema): object {
  if ("wrapped" in schema) return property(schema.wrapped as v.GenericSchema);
  const description = v.getDescription(schema);
  if ("options" in schema) return { type: "string", enum: schema.options, description };
  if (schema.type === "unknown") return { type: "object", additionalProperties: true, description };
  return { type: schema.type, description };
}
