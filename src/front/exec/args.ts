import { Command, InvalidArgumentError, Option } from "commander";
import type { ColorChoice } from "../host/index.js";
import { parseDuration } from "./format.js";

/** What the command line of `belay exec` asks for. Paths are as typed. */
export interface ExecArgs {
  readonly prompt: string | undefined;
  readonly model: string | undefined;
  readonly profile: string | undefined;
  readonly cwd: string | undefined;
  readonly sandbox: string | undefined;
  /** `key=value`, in order. */
  readonly overrides: readonly string[];
  readonly images: readonly string[];
  readonly lastMessageFile: string | undefined;
  readonly schemaFile: string | undefined;
  readonly json: boolean;
  readonly color: ColorChoice;
  readonly skipGitRepoCheck: boolean;
  /** Nothing starts where this machine can't keep commands to the sandbox mode. */
  readonly requireSandbox: boolean;
  readonly deadlineMs: number | undefined;
  readonly oss: boolean;
  /** No sandbox, no questions, no git check. */
  readonly bypass: boolean;
}

interface Flags {
  readonly model?: string;
  readonly profile?: string;
  readonly cd?: string;
  readonly sandbox?: string;
  readonly config?: readonly string[];
  readonly image?: readonly string[];
  readonly outputLastMessage?: string;
  readonly outputSchema?: string;
  readonly experimentalJson?: boolean;
  readonly color: ColorChoice;
  readonly skipGitRepoCheck?: boolean;
  readonly requireSandbox?: boolean;
  readonly deadline?: number;
  readonly oss?: boolean;
  readonly dangerouslyBypassApprovalsAndSandbox?: boolean;
  readonly fullAuto?: boolean;
}

const AFTER_HELP = `
Input: without PROMPT, or with "-", the prompt is read from stdin. With a PROMPT, what is piped in is appended to it as a
<stdin> block; a pipe that stays silent for 250 ms is left alone.
Output: the final message alone on stdout, everything else on stderr; with --json, one event a line on stdout.
Exit codes: 0 done, 1 the turn failed, 2 wrong usage or configuration, 124 the deadline passed, 130 SIGINT, 143 SIGTERM,
129 SIGHUP, 141 nobody reads stdout any more. One SIGINT stops the turn properly; a second one leaves at once.

Examples:
  belay exec "fix the failing test"
  git diff | belay exec "review this change"
  belay exec --json --deadline 10m -s workspace-write - < task.md
`;

/** `-c key=value`: repeatable, in order. */
export function overrideOption(): Option {
  return new Option("-c, --config <key=value>", "set a configuration key, as TOML; repeatable").argParser(
    checkOverride,
  );
}

export function colorOption(): Option {
  return new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto");
}

/** The command `exec`; `run` gets what was asked for. */
export function execCommand(run: (args: ExecArgs) => Promise<void>): Command {
  const bypass = new Option(
    "--yolo, --dangerously-bypass-approvals-and-sandbox",
    "run everything unasked and without a sandbox",
  );
  return new Command("exec")
    .alias("e")
    .description("run one prompt to its end, without a terminal UI")
    .argument("[prompt]", 'what to do; "-" reads it from stdin')
    .option("-m, --model <name>", "the model to use")
    .option("-p, --profile <name>", "a profile of config.toml")
    .option("-C, --cd <dir>", "the folder to work in")
    .addOption(
      new Option("-s, --sandbox <mode>", "what commands may touch").choices([
        "read-only",
        "workspace-write",
        "danger-full-access",
      ]),
    )
    .addOption(new Option("--full-auto", "short for -s workspace-write").conflicts(["sandbox"]))
    .addOption(bypass.conflicts(["sandbox", "fullAuto"]))
    .addOption(overrideOption())
    .option("-i, --image <file>", "an image for the prompt; repeatable, or a list with commas", collect)
    .option("-o, --output-last-message <file>", "write the final message to a file")
    .option("--output-schema <file>", "a JSON Schema that the final message has to match")
    .option("--json, --experimental-json", "print events as JSON lines")
    .addOption(colorOption())
    .option("--skip-git-repo-check", "work in a folder that is in no git repository")
    .option("--require-sandbox", "start nothing where this machine can't keep commands to the sandbox mode")
    .option("--deadline <time>", "stop the turn after 90s, 10m or 2h", checkDuration)
    .option("--oss", "a model on this machine (Ollama, LM Studio)")
    .addHelpText("after", AFTER_HELP)
    .action((prompt: string | undefined, flags: Flags, command: Command) => run(readFlags(prompt, flags, command)));
}

function readFlags(prompt: string | undefined, flags: Flags, command: Command): ExecArgs {
  const bypass = flags.dangerouslyBypassApprovalsAndSandbox === true;
  const implied = bypass ? "danger-full-access" : flags.fullAuto === true ? "workspace-write" : undefined;
  return {
    prompt,
    model: flags.model,
    profile: flags.profile,
    cwd: flags.cd,
    sandbox: implied ?? flags.sandbox,
    overrides: [...inherited(command), ...(flags.config ?? [])],
    images: flags.image ?? [],
    lastMessageFile: flags.outputLastMessage,
    schemaFile: flags.outputSchema,
    json: flags.experimentalJson === true,
    color: flags.color,
    skipGitRepoCheck: flags.skipGitRepoCheck === true,
    requireSandbox: flags.requireSandbox === true,
    deadlineMs: flags.deadline,
    oss: flags.oss === true,
    bypass,
  };
}

/** `belay -c key=value exec`: what stands before the command comes first, so that what stands after it wins. */
function inherited(command: Command): readonly string[] {
  return (command.parent?.opts() as { readonly config?: readonly string[] } | undefined)?.config ?? [];
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function checkOverride(value: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError("It must be key=value.");
  return [...before, value];
}

function checkDuration(value: string): number {
  const ms = parseDuration(value);
  if (ms === undefined) throw new InvalidArgumentError("It must be a time such as 90s, 10m or 2h, up to 500h.");
  return ms;
}
