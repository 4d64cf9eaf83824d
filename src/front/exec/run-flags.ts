import { type Command, InvalidArgumentError, Option } from "commander";
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
  /** Undefined: a new session. */
  readonly session: SessionChoice | undefined;
}

/** The recorded session that a run goes on with, or starts from. */
export interface SessionChoice {
  readonly kind: "resume" | "fork";
  /** Its id, the beginning of one, or its name; undefined: the last one used. */
  readonly source: string | undefined;
  /** The last one of all, not of the folder alone. */
  readonly everywhere: boolean;
  /** For a fork: the last turn it has, from 1. */
  readonly atTurn: number | undefined;
}

/** What commander makes of the options below. */
export interface RunFlags {
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

/** `-c key=value`: repeatable, in order. */
export function overrideOption(): Option {
  return new Option("-c, --config <key=value>", "set a configuration key, as TOML; repeatable").argParser(
    checkOverride,
  );
}

export function colorOption(): Option {
  return new Option("--color <when>", "colours").choices(["auto", "always", "never"]).default("auto");
}

/** The options of every command that runs a turn. */
export function withRunOptions(command: Command): Command {
  const bypass = new Option(
    "--yolo, --dangerously-bypass-approvals-and-sandbox",
    "run everything unasked and without a sandbox",
  );
  return command
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
    .option("--oss", "a model on this machine (Ollama, LM Studio)");
}

/** What was asked for, options before the command's name included: what stands behind it wins. */
export function readRunFlags(
  command: Command,
  asked: { readonly prompt: string | undefined; readonly session: SessionChoice | undefined },
): ExecArgs {
  const { parent } = command;
  const flags: Partial<RunFlags> = { ...(parent?.name() === "exec" ? given(parent) : {}), ...given(command) };
  const bypass = flags.dangerouslyBypassApprovalsAndSandbox === true;
  const implied = bypass ? "danger-full-access" : flags.fullAuto === true ? "workspace-write" : undefined;
  return {
    ...asked,
    model: flags.model,
    profile: flags.profile,
    cwd: flags.cd,
    sandbox: implied ?? flags.sandbox,
    overrides: overridesOf(command),
    images: flags.image ?? [],
    lastMessageFile: flags.outputLastMessage,
    schemaFile: flags.outputSchema,
    json: flags.experimentalJson === true,
    color: flags.color ?? "auto",
    skipGitRepoCheck: flags.skipGitRepoCheck === true,
    requireSandbox: flags.requireSandbox === true,
    deadlineMs: flags.deadline,
    oss: flags.oss === true,
    bypass,
  };
}

/** Options that were typed, not their defaults. */
function given(command: Command): Partial<RunFlags> {
  const typed = Object.entries(command.opts()).filter(([key]) => command.getOptionValueSource(key) !== "default");
  return Object.fromEntries(typed);
}

/** `belay -c key=value exec -c key=value`: in the order of the line, so that what stands later wins. */
function overridesOf(command: Command | null): readonly string[] {
  if (command === null) return [];
  const own = (command.opts() as { readonly config?: readonly string[] }).config ?? [];
  return [...overridesOf(command.parent), ...own];
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
