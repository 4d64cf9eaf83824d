import { resolve } from "node:path";
import * as v from "valibot";
import { argumentsReader } from "./arguments.js";
import { DEFAULT_TIMEOUT_MS, runCommand } from "./command.js";
import { isReadingCommand, namedShell, scriptArgv, userShell } from "./shell-command.js";
import { runInTerminal } from "./terminal-command.js";
import type { Tool } from "./tool.js";
import { clampYield, START_TIME } from "./yield-time.js";

const read = argumentsReader(
  v.object({
    cmd: v.string(),
    workdir: v.optional(v.nullable(v.string())),
    shell: v.optional(v.nullable(v.string())),
    login: v.optional(v.nullable(v.boolean())),
    tty: v.optional(v.nullable(v.boolean())),
    yield_time_ms: v.optional(v.nullable(v.number())),
    timeout_ms: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
    max_output_tokens: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
    sandbox_permissions: v.optional(v.nullable(v.picklist(["use_default", "require_escalated"]))),
    justification: v.optional(v.nullable(v.string())),
  }),
);

/** `exec_command`: a script for the user's shell. */
export const execCommand: Tool = {
  name: "exec_command",
  spec: {
    type: "function",
    name: "exec_command",
    description: `Runs a shell script and returns its output, both streams together. Everything it starts ends with it. Time limit ${DEFAULT_TIMEOUT_MS} ms unless timeout_ms is given; long output is cut in the middle. For what runs long or wants input (servers, watchers, REPLs) give yield_time_ms: if it still runs after that time, it goes on as a terminal for write_stdin, without a time limit.`,
    parameters: {
      type: "object",
      properties: {
        cmd: { type: "string", description: "The script." },
        workdir: { type: "string", description: "Folder to run in; relative to the current one." },
        login: { type: "boolean", description: "Read the user's profile first (default true)." },
        shell: { type: "string", description: "Another shell than the user's: bash, zsh, sh, dash or ksh." },
        tty: {
          type: "boolean",
          description: "Run it in a pseudo-terminal (default false: pipes); it may go on as a terminal.",
        },
        yield_time_ms: {
          type: "number",
          description: `Return after so many ms (${START_TIME.min} to ${START_TIME.max}; with tty ${START_TIME.usual}) although it still runs.`,
        },
        timeout_ms: { type: "number", description: "Time limit in ms." },
        max_output_tokens: { type: "number", description: "Tokens of output to return at most." },
        sandbox_permissions: {
          type: "string",
          enum: ["use_default", "require_escalated"],
          description: "require_escalated asks the user to let it run outside of the sandbox; give a justification.",
        },
        justification: { type: "string", description: "One sentence for the user, in case they are asked to approve." },
      },
      required: ["cmd"],
      additionalProperties: false,
    },
  },
  parallel: (call) => {
    const args = read(call.arguments);
    return args.ok && isReadingCommand(scriptArgv("/bin/sh", args.value.cmd, { login: false }));
  },
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const { cmd, workdir, login, timeout_ms, max_output_tokens, sandbox_permissions, justification } = args.value;
    const { shell, tty, yield_time_ms } = args.value;
    if (cmd.trim() === "") return { status: "failed", output: "cmd is empty: give a script to run" };
    const program = shell == null ? userShell(context.env) : namedShell(shell, context.env);
    if (program === undefined) {
      return { status: "failed", output: `there is no shell ${shell} here: leave it out, or name bash or sh` };
    }
    const wanted = {
      argv: scriptArgv(program, cmd, { login: login ?? true }),
      cwd: resolve(context.settings.cwd, workdir ?? "."),
      maxTokens: max_output_tokens ?? undefined,
      escalated: sandbox_permissions === "require_escalated",
      justification: justification ?? undefined,
    };
    if (yield_time_ms == null && tty !== true) {
      return runCommand({ ...wanted, timeoutMs: timeout_ms ?? context.commandTimeoutMs }, context);
    }
    const yieldMs = clampYield(yield_time_ms ?? undefined, START_TIME);
    return runInTerminal({ ...wanted, yieldMs, tty: tty === true, timeoutMs: timeout_ms ?? undefined }, context);
  },
};
