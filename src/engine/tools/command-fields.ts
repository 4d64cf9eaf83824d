/** Other agents' names for a script; as `plainName` has them. Not `input`, which may be for the command to read. */
export const SCRIPT_ALIASES: Readonly<Record<string, string>> = {
  ...{ command: "cmd", script: "cmd", bash: "cmd", code: "cmd", argv: "cmd" },
  ...{ commandline: "cmd", cmdline: "cmd", shellcommand: "cmd", bashcommand: "cmd" },
};

/** For the folder to run in. Not `path`, which may as well be what the command is for. */
export const FOLDER_ALIASES: Readonly<Record<string, string>> = {
  ...{ cwd: "workdir", workingdirectory: "workdir", workingdir: "workdir", directory: "workdir", dir: "workdir" },
};

const INPUT = "Give the command its input in the script itself, with a pipe or a heredoc.";
const ENVIRONMENT = "Set variables in the script itself.";
const WORDS = "Write the whole command, with its arguments, as the command.";
const BACKGROUND = "For what runs on give yield_time_ms to exec_command, and use write_stdin later.";
const ELSEWHERE = "Commands run on this machine, as its user; write what is meant into the command.";

/**
 * What other command tools have and these do not, and without which another command would run than was meant. `timeout`,
 * which may be in seconds or in milliseconds, `description` and the like change nothing of what runs, and are passed over.
 */
export const MEANINGFUL_TO_COMMANDS: Readonly<Record<string, string>> = {
  ...{ stdin: INPUT, input: INPUT, stdindata: INPUT, content: INPUT, data: INPUT, text: INPUT, heredoc: INPUT },
  ...{ env: ENVIRONMENT, environment: ENVIRONMENT, envvars: ENVIRONMENT, environmentvariables: ENVIRONMENT },
  ...{ args: WORDS, arguments: WORDS, params: WORDS, parameters: WORDS, flags: WORDS, options: WORDS, commands: WORDS },
  ...{ file: WORDS, files: WORDS, filename: WORDS, filepath: WORDS, target: WORDS, pattern: WORDS, url: WORDS },
  ...{ background: BACKGROUND, isbackground: BACKGROUND, runinbackground: BACKGROUND, detach: BACKGROUND },
  ...{ path: "If it is the folder to run in, its name is workdir; else write it into the command." },
  ...{ user: ELSEWHERE, sudo: ELSEWHERE, asroot: ELSEWHERE, host: ELSEWHERE, container: ELSEWHERE },
  ...{
    dryrun: "Commands are run, not tried.",
    restart: "Each command has a shell of its own: there is none to restart.",
  },
};
