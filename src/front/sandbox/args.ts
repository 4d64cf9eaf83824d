import { Command, Option } from "commander";

/** What the command line of `belay sandbox` asks for. Paths are as typed. */
export interface SandboxArgs {
  readonly argv: readonly string[];
  readonly sandbox: string | undefined;
  readonly cwd: string | undefined;
  readonly profile: string | undefined;
  /** `key=value`, in order. */
  readonly overrides: readonly string[];
}

interface Flags {
  readonly sandbox?: string;
  readonly cd?: string;
  readonly profile?: string;
  readonly config?: readonly string[];
}

const AFTER_HELP = `
The command has this terminal or these pipes to itself, and the environment that a model's commands get. It ends with all
that it started.
Exit codes: its own, 128 + n when it died of signal n; 2 wrong usage or configuration; 125 it can't be kept to the mode
here, and was not run; 126 it may not be run; 127 there is no such program; 130 SIGINT, 143 SIGTERM, 129 SIGHUP.

Examples:
  belay sandbox -- git status
  belay sandbox -s workspace-write -- npm test
  belay sandbox -s workspace-write -c sandbox_workspace_write.network_access=true -- npm ci
`;

/** The command `sandbox`; `run` gets what was asked for. `config` is the option -c. */
export function sandboxCommand(config: Option, run: (args: SandboxArgs) => Promise<void>): Command {
  return new Command("sandbox")
    .description("run one command as a model's command would be run")
    .argument("<command...>", "the program and its arguments")
    .passThroughOptions()
    .addOption(
      new Option("-s, --sandbox <mode>", "what it may touch (default: as configured)").choices([
        "read-only",
        "workspace-write",
        "danger-full-access",
      ]),
    )
    .option("-C, --cd <dir>", "the folder to work in")
    .option("-p, --profile <name>", "a profile of config.toml")
    .addOption(config)
    .addHelpText("after", AFTER_HELP)
    .action((argv: string[], flags: Flags, command: Command) => {
      const before = (command.parent?.opts() as Flags | undefined)?.config ?? [];
      const { sandbox, cd: cwd, profile } = flags;
      return run({ argv, sandbox, cwd, profile, overrides: [...before, ...(flags.config ?? [])] });
    });
}
