import { resolve } from "node:path";
import * as v from "valibot";
import { argumentsReader } from "./arguments.js";
import { DEFAULT_TIMEOUT_MS, runCommand } from "./command.js";
import { isReadingCommand } from "./shell-command.js";
import type { Tool } from "./tool.js";

const read = argumentsReader(
  v.object({
    command: v.array(v.string()),
    workdir: v.optional(v.nullable(v.string())),
    timeout: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
    timeout_ms: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
    with_escalated_permissions: v.optional(v.nullable(v.boolean())),
    justification: v.optional(v.nullable(v.string())),
  }),
);

/** `shell`: a program with its arguments, no shell in between (Codex's older command tool). */
export const shell: Tool = {
  name: "shell",
  spec: {
    type: "function",
    name: "shell",
    description: `Runs a program with exactly these arguments; no shell interprets them. Its children end with it. Time limit ${DEFAULT_TIMEOUT_MS} ms unless timeout_ms is given.`,
    parameters: {
      type: "object",
      properties: {
        command: { type: "array", items: { type: "string" }, description: "Program and arguments." },
        workdir: { type: "string", description: "Folder to run in; relative to the current one." },
        timeout_ms: { type: "number", description: "Time limit in ms." },
        with_escalated_permissions: {
          type: "boolean",
          description: "Ask the user to let it run outside of the sandbox; give a justification.",
        },
        justification: { type: "string", description: "One sentence for the user, in case they are asked to approve." },
      },
      required: ["command"],
      additionalProperties: false,
    },
  },
  parallel: (call) => {
    const args = read(call.arguments);
    return args.ok && isReadingCommand(args.value.command);
  },
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const { command, workdir, timeout, timeout_ms, with_escalated_permissions, justification } = args.value;
    return runCommand(
      {
        argv: command,
        cwd: resolve(context.settings.cwd, workdir ?? "."),
        timeoutMs: timeout_ms ?? timeout ?? context.commandTimeoutMs,
        maxTokens: undefined,
        escalated: with_escalated_permissions === true,
        justification: justification ?? undefined,
      },
      context,
    );
  },
};
