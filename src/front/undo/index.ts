import { Command, Option } from "commander";
import type { FrontDeps } from "../host/index.js";
import type { UndoArgs } from "./run.js";

export type { UndoArgs } from "./run.js";

interface Flags {
  readonly conversation?: string;
  readonly call?: string;
  readonly redo?: boolean;
  readonly list?: boolean;
  readonly dryRun?: boolean;
  readonly keep?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const AFTER_HELP = `
Without TURN it takes back the last turn, of the last conversation in this folder, that changed files and is not undone;
said again it goes further back. All of it is taken back, or nothing. Files that someone has changed since are never
overwritten unasked: --keep leaves them out, --force overwrites them and keeps them for --redo.
Git's index, HEAD, branches and stash are left alone. What git ignores is covered up to a budget, other folders are not.
Exit codes: 0 done (or nothing to list), 1 not done, 2 wrong usage.

Examples:
  belay undo                    shows what it will do, and asks on a terminal
  belay undo --call last        only what the last call did, as after an interrupt
  belay undo --redo             takes the last undo back
  belay undo --list             the turns that changed files
`;

/** The command `undo`; `run` gets what was asked for. */
export function undoCommand(run: (args: UndoArgs) => Promise<void>): Command {
  return new Command("undo")
    .description("take back what a turn did to files, by patches and by commands")
    .argument("[turn]", "its id, as --list shows it")
    .option("--conversation <id>", "of this conversation")
    .option("--call <id>", 'only what this call of the turn did; "last": the one that ran last')
    .addOption(new Option("--redo", "take back the last undo instead").conflicts(["call", "list"]))
    .addOption(new Option("--list", "list the turns that changed files").conflicts(["call", "dryRun", "yes"]))
    .option("-n, --dry-run", "only show what would be done")
    .addOption(new Option("--keep", "leave files as they are that were changed since").conflicts(["force"]))
    .option("--force", "undo those too; they are kept, and --redo brings them back")
    .option("-y, --yes", "don't ask")
    .option("--json", "print the result as one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action((turn: string | undefined, flags: Flags) => run(argsOf(turn, flags)));
}

function argsOf(turn: string | undefined, flags: Flags): UndoArgs {
  return {
    turn,
    conversation: flags.conversation,
    call: flags.call,
    redo: flags.redo === true,
    action: flags.list === true ? "list" : flags.dryRun === true ? "show" : "undo",
    onConflict: flags.keep === true ? "keep" : flags.force === true ? "overwrite" : "refuse",
    yes: flags.yes === true,
    json: flags.json === true,
  };
}

/** Shows, lists or carries out an undo; resolves with the exit code. */
export async function runUndo(args: UndoArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runUndo(args, deps);
}
