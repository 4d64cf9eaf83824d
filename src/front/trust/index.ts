import { Command, Option } from "commander";
import type { FrontDeps } from "../host/index.js";
import type { TrustArgs } from "./run.js";

export type { TrustArgs } from "./run.js";

interface Flags {
  readonly yes?: boolean;
  readonly list?: boolean;
  readonly remove?: boolean;
}

const AFTER_HELP = `
A project's settings (.belay/config.toml, .codex/config.toml) and rules (.belay/rules.toml) count only in the content that
you trusted; when it changes, they are ignored until you look again. Without DIR it is about the current folder; files
from its git root down to it are looked at together.
Exit codes: 0 trusted (or nothing to trust), 1 not trusted, 2 wrong usage.
`;

/** The command `trust`; `run` gets what was asked for. */
export function trustCommand(run: (args: TrustArgs) => Promise<void>): Command {
  return new Command("trust")
    .description("look at a project's own settings, and let them count")
    .argument("[dir]", "the folder; default: the current one")
    .addOption(new Option("-y, --yes", "trust what is there without asking").conflicts(["list", "remove"]))
    .addOption(new Option("--list", "print the folders you have trusted").conflicts(["remove"]))
    .option("--remove", "trust the folder no more")
    .addHelpText("after", AFTER_HELP)
    .action((folder: string | undefined, flags: Flags) => {
      const action = flags.list === true ? "list" : flags.remove === true ? "remove" : "review";
      return run({ folder, action, yes: flags.yes === true });
    });
}

/** Shows, stores or forgets trust; resolves with the exit code. */
export async function runTrust(args: TrustArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runTrust(args, deps);
}
