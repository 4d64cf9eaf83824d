import * as v from "valibot";
import type { Decoded, Fields } from "../../protocol/index.js";
import { argumentsReader, problemOf } from "./arguments.js";
import { DEFAULT_TIMEOUT_MS, runCommand } from "./command.js";
import { FOLDER_ALIASES, MEANINGFUL_TO_COMMANDS } from "./command-fields.js";
import { folderOf } from "./command-folder.js";
import { commandOfText, isWords } from "./script-or-argv.js";
import { isReadingCommand, scriptArgv, userShell } from "./shell-command.js";
import type { Tool } from "./tool.js";

const schema = v.object({
  command: v.union([v.array(v.string()), v.string()]),
  workdir: v.optional(v.nullable(v.string())),
  timeout: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
  timeout_ms: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
  with_escalated_permissions: v.optional(v.nullable(v.boolean())),
  justification: v.optional(v.nullable(v.string())),
});

const read = argumentsReader(
  { tool: "shell", schema },
  {
    aliases: { ...FOLDER_ALIASES, cmd: "command", argv: "command" },
    meaningful: MEANINGFUL_TO_COMMANDS,
    script: "command",
    adapt: withCommand,
  },
);

/** The fields with a list as their command that is an argv, or a text that is a script. */
function withCommand(fields: Fields): Decoded<Fields> {
  const { command } = fields;
  const [only = "", ...more] = isWords(command) ? command : [];
  if (more.length === 0 && /\s/.test(only)) return { ok: true, value: { ...fields, command: only } };
  if (typeof command !== "string") return { ok: true, value: fields };
  const found = commandOfText(command);
  if (!found.ok) return { ok: false, message: `command: ${found.message}` };
  return { ok: true, value: { ...fields, command: "argv" in found.value ? found.value.argv : found.value.script } };
}

/** The argv of a command as it was read. */
function argvOf(command: string | readonly string[], shellPath: string): readonly string[] {
  return typeof command === "string" ? scriptArgv(shellPath, command, { login: true }) : command;
}

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
  problem: (text) => problemOf(read(text)),
  parallel: (call) => {
    const args = read(call.arguments);
    return args.ok && isReadingCommand(argvOf(args.value.command, "/bin/sh"));
  },
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const { command, workdir, timeout, timeout_ms, with_escalated_permissions, justification } = args.value;
    if (command.length === 0) return { status: "failed", output: "command is empty: give a program and its arguments" };
    return runCommand(
      {
        argv: argvOf(command, userShell(context.env)),
        cwd: folderOf(workdir, context),
        timeoutMs: timeout_ms ?? timeout ?? context.commandTimeoutMs,
        maxTokens: undefined,
        escalated: with_escalated_permissions === true,
        justification: justification ?? undefined,
      },
      context,
    );
  },
};
