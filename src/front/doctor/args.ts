import { Command, type Option } from "commander";
import type { ColorChoice } from "../host/index.js";

/** What the command line of `belay doctor` asks for. Paths are as typed. */
export interface DoctorArgs {
  readonly json: boolean;
  readonly color: ColorChoice;
  readonly cwd: string | undefined;
  readonly profile: string | undefined;
  /** `key=value`, in order. */
  readonly overrides: readonly string[];
}

interface Flags {
  readonly json?: boolean;
  readonly color: ColorChoice;
  readonly cd?: string;
  readonly profile?: string;
  readonly config?: readonly string[];
}

const AFTER_HELP = `
Nothing is sent anywhere and nothing is changed; commands are run in a sandbox to see whether it holds. Keys are looked
for, never shown.
Exit codes: 0 nothing is missing, 1 something is missing, 2 wrong usage.
`;

/** The command `doctor`; `run` gets what was asked for. `shared`: the options -c and --color. */
export function doctorCommand(
  shared: { readonly config: Option; readonly color: Option },
  run: (args: DoctorArgs) => Promise<void>,
): Command {
  return new Command("doctor")
    .description("say what this machine can do for commands, what is missing and what to install")
    .option("--json", "print the findings as one JSON object")
    .addOption(shared.color)
    .option("-C, --cd <dir>", "the folder to work in")
    .option("-p, --profile <name>", "a profile of config.toml")
    .addOption(shared.config)
    .addHelpText("after", AFTER_HELP)
    .action((flags: Flags, command: Command) => {
      const before = (command.parent?.opts() as Partial<Flags> | undefined)?.config ?? [];
      const { json = false, color, cd: cwd, profile, config = [] } = flags;
      return run({ json, color, cwd, profile, overrides: [...before, ...config] });
    });
}
