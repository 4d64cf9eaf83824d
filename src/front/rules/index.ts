import { Command, Option } from "commander";
import type { FrontDeps } from "../host/index.js";
import type { RulesArgs } from "./run.js";

export type { RulesArgs } from "./run.js";

interface Flags {
  readonly json?: boolean;
  readonly cd?: string;
  readonly profile?: string;
  readonly sandbox?: string;
  readonly askForApproval?: string;
  readonly config?: readonly string[];
}

const AFTER_HELP = `
Rules are in rules.toml of the home folder and, once trusted (belay trust), in .belay/rules.toml of a project.

Examples:
  belay rules list
  belay rules check -- git push origin main
  belay rules check -a untrusted -- "cd src && rg -n TODO | head"
`;

const AFTER_CHECK_HELP = `
One word with blanks in it is a script for your shell, several words are a program and its arguments.
Exit codes: 0 it would run without a question, 1 it would be asked about, 3 it would be refused, 2 wrong usage or configuration.
`;

const AFTER_LIST_HELP = `
Exit codes: 0 all is well, 1 a rules file has a mistake, 2 wrong usage or configuration.
`;

/** The command `rules`; `run` gets what was asked for. `config` makes the option -c. */
export function rulesCommand(config: () => Option, run: (args: RulesArgs) => Promise<void>): Command {
  const common = (command: Command) =>
    command
      .option("--json", "print the result as one JSON object")
      .option("-C, --cd <dir>", "the folder it is about")
      .option("-p, --profile <name>", "a profile of config.toml")
      .addOption(config());
  const check = common(new Command("check"))
    .description("say what would become of a command, and which rule says so")
    .argument("<command...>", "the command; put -- before it")
    .addOption(new Option("-a, --ask-for-approval <policy>", "under this approval policy, not the one that is set"))
    .addOption(new Option("-s, --sandbox <mode>", "in this sandbox mode, not the one that is set"))
    .passThroughOptions()
    .addHelpText("after", AFTER_CHECK_HELP)
    .action((words: string[], flags: Flags, command: Command) =>
      run({ action: "check", words, ...read(flags, command) }),
    );
  const list = common(new Command("list"))
    .description("print the rules that hold in a folder, and what is wrong with their files")
    .addHelpText("after", AFTER_LIST_HELP)
    .action((flags: Flags, command: Command) => run({ action: "list", words: [], ...read(flags, command) }));
  const rules = new Command("rules")
    .description("the rules by which commands run, are asked about or are refused")
    .enablePositionalOptions()
    .addHelpText("after", AFTER_HELP);
  for (const command of [check, list]) rules.addCommand(command);
  return rules;
}

/** Answers what was asked for; resolves with the exit code. */
export async function runRules(args: RulesArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runRules(args, deps);
}

function read(flags: Flags, command: Command): Omit<RulesArgs, "action" | "words"> {
  // `belay -c key=value rules ...`: what stands before comes first, so that what stands after it wins.
  const before = (command.parent?.parent?.opts() as Flags | undefined)?.config ?? [];
  return {
    json: flags.json === true,
    folder: flags.cd,
    profile: flags.profile,
    sandbox: flags.sandbox,
    approval: flags.askForApproval,
    overrides: [...before, ...(flags.config ?? [])],
  };
}
