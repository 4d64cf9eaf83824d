import { Command, CommanderError } from "commander";
import { applyPatchCommand, runApplyPatch } from "./front/apply-patch/index.js";
import { doctorCommand, runDoctor } from "./front/doctor/index.js";
import {
  colorOption,
  execCommand,
  forkCommand,
  overrideOption,
  resumeCommand,
  runDemo,
  runExec,
} from "./front/exec/index.js";
import { type ColorChoice, type FrontDeps, type ProgramOptions, runProgram } from "./front/host/index.js";
import { mcpServerCommand, runMcpServer } from "./front/mcp-server/index.js";
import { protoCommand, runProto } from "./front/proto/index.js";
import { replayCommand, runReplay } from "./front/replay/index.js";
import { rulesCommand, runRules } from "./front/rules/index.js";
import { runSandbox, sandboxCommand } from "./front/sandbox/index.js";
import { runSessions, sessionsCommand } from "./front/sessions/index.js";
import { runTrust, trustCommand } from "./front/trust/index.js";
import { runUndo, undoCommand } from "./front/undo/index.js";

interface DemoFlags {
  readonly json?: boolean;
  readonly color: ColorChoice;
}

const USAGE_EXIT_CODE = 2;

const AFTER_HELP = `
Configuration: config.toml in $BELAY_HOME, else $CODEX_HOME, else ~/.belay. Keys: OPENAI_API_KEY, or what a provider names.

Examples:
  belay demo                                 see it work, without a key
  belay exec "fix the failing test"          one task, then the result
  belay exec --json - < task.md              the same for programs
  belay doctor                               what this machine can do, and what is missing
  belay exec resume --last "and the tests"   go on where the last one ended
  belay help exec                            all options of a command
`;

/** Runs the command line as this process; the engine is loaded when a front end asks for it. Never rejects. */
export function startCommandLine(words: readonly string[], options: Omit<ProgramOptions, "loadEngine">): Promise<void> {
  const loadEngine = () => import("./engine/index.js");
  return runProgram((deps) => runCommandLine(words, deps), { ...options, loadEngine });
}

/** Picks the front end that the words of the command line name and runs it; resolves with the exit code. */
export async function runCommandLine(words: readonly string[], deps: FrontDeps): Promise<number> {
  let code = 0;
  const program = describeProgram(deps, (exitCode) => {
    code = exitCode;
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (error) {
    // How commander ends: help that was asked for is a success, all else is wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    throw error;
  }
}

function describeProgram(deps: FrontDeps, finish: (code: number) => void): Command {
  const program = new Command("belay")
    .description("A coding agent that stops when you say stop.")
    .version(`belay ${deps.version}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addOption(overrideOption())
    .enablePositionalOptions()
    .showHelpAfterError("(belay --help shows what there is)")
    .addHelpText("after", AFTER_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void deps.stdout.write(text),
      writeErr: (text) => void deps.stderr.write(text),
    });
  for (const command of commandsOf(deps, finish)) {
    program.addCommand(inherit(command, program, [command]));
    for (const part of command.commands) inherit(part, program, [command, part]);
  }
  return program;
}

/** Settings of the program, and after an error the way to the help of the command that was meant. */
function inherit(command: Command, program: Command, path: readonly Command[]): Command {
  const words = ["belay", ...path.map((part) => part.name())].join(" ");
  return command.copyInheritedSettings(program).showHelpAfterError(`(${words} --help shows what there is)`);
}

/** Every command, in the order of the help. */
function commandsOf(deps: FrontDeps, finish: (code: number) => void): Command[] {
  const demo = new Command("demo")
    .description("watch a scripted model fix a bug in a throw-away project")
    .option("--json", "print events as JSON lines")
    .addOption(colorOption())
    .action(async (flags: DemoFlags) => finish(await runDemo({ json: flags.json === true, color: flags.color }, deps)));
  return [
    execCommand(async (args) => finish(await runExec(args, deps))),
    resumeCommand(async (args) => finish(await runExec(args, deps))),
    forkCommand(async (args) => finish(await runExec(args, deps))),
    applyPatchCommand(async (args) => finish(await runApplyPatch(args, deps))),
    protoCommand(overrideOption(), async (args) => finish(await runProto(args, deps))),
    undoCommand(async (args) => finish(await runUndo(args, deps))),
    replayCommand(async (args) => finish(await runReplay(args, deps))),
    sessionsCommand(async (args) => finish(await runSessions(args, deps))),
    trustCommand(async (args) => finish(await runTrust(args, deps))),
    sandboxCommand(overrideOption(), async (args) => finish(await runSandbox(args, deps))),
    doctorCommand({ config: overrideOption(), color: colorOption() }, async (args) =>
      finish(await runDoctor(args, deps)),
    ),
    mcpServerCommand(overrideOption(), async (args) => finish(await runMcpServer(args, deps))),
    rulesCommand(overrideOption, async (args) => finish(await runRules(args, deps))),
    demo,
  ];
}
