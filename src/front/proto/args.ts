import { Command, type Option } from "commander";

/** What the command line of `belay proto` asks for. */
export interface ProtoArgs {
  readonly model: string | undefined;
  readonly profile: string | undefined;
  /** `key=value`, in order. */
  readonly overrides: readonly string[];
}

interface Flags {
  readonly model?: string;
  readonly profile?: string;
  readonly config?: readonly string[];
}

const AFTER_HELP = `
Submissions come on stdin, events go to stdout, one JSON object a line. The end of stdin stops the turn that runs, prints
its last event and ends the program.

Example:
  {"id":"1","op":{"type":"user_input","items":[{"type":"text","text":"fix the failing test"}]}}
`;

/** The command `proto`; `run` gets what was asked for. `config` is the option -c. */
export function protoCommand(config: Option, run: (args: ProtoArgs) => Promise<void>): Command {
  return new Command("proto")
    .description("submissions and events as JSON lines, for programs")
    .option("-m, --model <name>", "the model to use")
    .option("-p, --profile <name>", "a profile of config.toml")
    .addOption(config)
    .addHelpText("after", AFTER_HELP)
    .action((flags: Flags, command: Command) => {
      const before = (command.parent?.opts() as Flags | undefined)?.config ?? [];
      return run({ model: flags.model, profile: flags.profile, overrides: [...before, ...(flags.config ?? [])] });
    });
}
