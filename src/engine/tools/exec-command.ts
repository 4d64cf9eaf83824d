import { basename } from "node:path";
import * as v from "valibot";
import { type Decoded, type Fields, plainName } from "../../protocol/index.js";
import { argumentsReader, problemOf } from "./arguments.js";
import { DEFAULT_TIMEOUT_MS, runCommand } from "./command.js";
import { FOLDER_ALIASES, MEANINGFUL_TO_COMMANDS, SCRIPT_ALIASES } from "./command-fields.js";
import { folderOf } from "./command-folder.js";
import { commandOfText, isWords, type ShellScript, scriptOfList } from "./script-or-argv.js";
import { isReadingCommand, namedShell, scriptArgv, userShell } from "./shell-command.js";
import { runInTerminal } from "./terminal-command.js";
import type { Tool } from "./tool.js";
import { clampYield, START_TIME } from "./yield-time.js";

const schema = v.object({
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
});

const read = argumentsReader(
  { tool: "exec_command", schema },
  {
    aliases: { ...SCRIPT_ALIASES, ...FOLDER_ALIASES },
    meaningful: MEANINGFUL_TO_COMMANDS,
    script: "cmd",
    adapt: withScript,
  },
);

/** The fields with a script in `cmd`, where it was a list or the JSON of one. */
function withScript(fields: Fields): Decoded<Fields> {
  const found = scriptIn(fields.cmd);
  if (found === undefined) return { ok: true, value: fields };
  if (!found.ok) return { ok: false, message: `cmd: ${found.message}` };
  const { script, shell, login } = found.value;
  const differ = differenceIn(fields, shell);
  if (differ !== undefined) return { ok: false, message: differ };
  const permissions = fields.sandbox_permissions ?? permissionsAsked(fields);
  return {
    ok: true,
    value: {
      ...{ ...fields, cmd: script, sandbox_permissions: permissions },
      ...{ shell: fields.shell ?? shell, login: fields.login ?? login },
    },
  };
}

const LANGUAGES = new Set(["", "bash", "sh", "shell"]);

/** Why the script is not for the shell that would run it, where fields say so. */
function differenceIn(fields: Fields, ofList: string | undefined): string | undefined {
  const { shell } = fields;
  if (ofList !== undefined && typeof shell === "string" && basename(shell) !== basename(ofList)) {
    return `shell and cmd name different shells: give cmd as a script for ${shell.slice(0, 80)}, or leave shell out`;
  }
  const foreign = Object.entries(fields).find(
    ([name, value]) =>
      ["language", "lang", "interpreter"].includes(plainName(name)) &&
      !(typeof value === "string" && LANGUAGES.has(value.toLowerCase())) &&
      value !== null,
  );
  return foreign && `${foreign[0].slice(0, 80)}: cmd is a shell script: have it call the program that runs other code`;
}

/** What `shell` has a field of its own for. */
function permissionsAsked(fields: Fields): string | undefined {
  const asked = Object.entries(fields).some(
    ([name, value]) => plainName(name) === "withescalatedpermissions" && String(value).toLowerCase() === "true",
  );
  return asked ? "require_escalated" : undefined;
}

function scriptIn(cmd: unknown): Decoded<ShellScript> | undefined {
  if (isWords(cmd)) return scriptOfList(cmd);
  if (typeof cmd !== "string") return undefined;
  const command = commandOfText(cmd);
  if (!command.ok) return command;
  return scriptOfList("argv" in command.value ? command.value.argv : [command.value.script]);
}

/** `exec_command`: a script for the user's shell. */
export const execCommand: Tool = {
  name: "exec_command",
  spec: {
    type: "function",
    name: "exec_command",
    description: `Runs a shell script; returns its output, both streams together, long output cut in the middle. Everything it starts ends with it. Time limit ${DEFAULT_TIMEOUT_MS} ms unless timeout_ms is given. For what runs long or wants input (servers, watchers, REPLs) give yield_time_ms: what still runs then goes on as a terminal for write_stdin, without a time limit.`,
    parameters: {
      type: "object",
      properties: {
        cmd: { type: "string", description: "The script." },
        workdir: { type: "string", description: "Folder to run in; relative to the current one." },
        login: { type: "boolean", description: "Read the user's profile first (default true)." },
        shell: { type: "string", description: "Another shell than the user's: bash, zsh, sh, dash or ksh." },
        tty: {
          type: "boolean",
          description: "Run it in a pseudo-terminal (default: pipes); it may go on as a terminal.",
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
        justification: { type: "string", description: "One sentence for the user, who may be asked to approve." },
      },
      required: ["cmd"],
      additionalProperties: false,
    },
  },
  problem: (text) => problemOf(read(text)),
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
    const program = shell == null || shell === "" ? userShell(context.env) : namedShell(shell, context.env);
    if (program === undefined) {
      return { status: "failed", output: `there is no shell ${shell} here: leave it out, or name bash or sh` };
    }
    const wanted = {
      argv: scriptArgv(program, cmd, { login: login ?? true }),
      cwd: folderOf(workdir, context),
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
