import { Command, InvalidArgumentError, Option } from "commander";
import type { FrontDeps } from "../host/index.js";
import type { SessionsArgs } from "./run.js";

export type { SessionsArgs } from "./run.js";

const AFTER_HELP = `
SESSION is an id, the beginning of one that fits no other, or a name.

Examples:
  belay sessions list
  belay sessions show 01a2066f
  belay sessions export 01a2066f --redact -o report.jsonl
  belay sessions gc --dry-run
`;

const LIST_DEFAULT = 20;

/** The command `sessions` with its own commands; `run` gets what was asked for. */
export function sessionsCommand(run: (args: SessionsArgs) => Promise<void>): Command {
  const command = new Command("sessions").description("look at, search and tidy up recorded sessions");
  for (const one of [...looking(run), ...changing(run)]) command.addCommand(one);
  return command.addHelpText("after", AFTER_HELP);
}

type Run = (args: SessionsArgs) => Promise<void>;

function looking(run: Run): Command[] {
  return [
    new Command("list")
      .description("the sessions, the last used first")
      .option("-n, --limit <count>", "how many", checkCount, LIST_DEFAULT)
      .option("--here", "those of the current folder alone")
      .option("--archived", "the archived ones")
      .option("--cursor <cursor>", "go on where a page ended (next_cursor of --json)")
      .addOption(jsonOption())
      .action((flags) => run({ action: "list", ...flags })),
    new Command("show")
      .description("what was said in a session")
      .argument("<session>")
      .option("-n, --limit <count>", "the last so many turns", checkCount, LIST_DEFAULT)
      .addOption(jsonOption())
      .action((session: string, flags) => run({ action: "show", session, ...flags })),
    new Command("search")
      .description("sessions in which a text occurs, in what was said and in what tools gave out")
      .argument("<text>")
      .option("-n, --limit <count>", "how many sessions", checkCount, LIST_DEFAULT)
      .addOption(jsonOption())
      .action((text: string, flags) => run({ action: "search", text, ...flags })),
    new Command("export")
      .description("a session as one file, with all that it was forked from")
      .argument("<session>")
      .option("-o, --output <file>", "where to; default: stdout")
      .option("--redact", "without secrets, values of the environment, and the names of your folders")
      .action((session: string, flags) => run({ action: "export", session, ...flags })),
  ];
}

function changing(run: Run): Command[] {
  return [
    new Command("rename")
      .description("give a session a name to resume it by")
      .argument("<session>")
      .argument("<name>", '"" takes the name away')
      .action((session: string, name: string) => run({ action: "rename", session, name })),
    new Command("archive")
      .description("take a session out of the lists")
      .argument("<session>")
      .action((session: string) => run({ action: "archive", session })),
    new Command("unarchive")
      .description("put an archived session back")
      .argument("<session>")
      .action((session: string) => run({ action: "unarchive", session })),
    new Command("delete")
      .description("remove a session for good")
      .argument("<session>")
      .option("-y, --yes", "do it")
      .action((session: string, flags) => run({ action: "delete", session, ...flags })),
    new Command("gc")
      .description("delete what is past the limits of config.toml, and texts that no session has any more")
      .option("--dry-run", "say what would go")
      .addOption(jsonOption())
      .action((flags) => run({ action: "gc", ...flags })),
  ];
}

function jsonOption(): Option {
  return new Option("--json", "print JSON");
}

function checkCount(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError("It must be a number from 1.");
  return Number(value);
}

/** Does what was asked; resolves with the exit code. */
export async function runSessions(args: SessionsArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runSessions(args, deps);
}
