import { Command, InvalidArgumentError, Option } from "commander";
import type { FrontDeps } from "../host/index.js";

/** What the command line of `belay replay` asks for. */
export interface ReplayArgs {
  /** A path, an id, the beginning of one, or a name. */
  readonly session: string;
  readonly tools: "mock" | "run";
  /** The folder that is copied for tools that run; the record's own without it. */
  readonly cwd: string | undefined;
  /** The last turn that is played, from 1. */
  readonly until: number | undefined;
  readonly keep: boolean;
  readonly json: boolean;
}

interface Flags {
  readonly tools: ReplayArgs["tools"];
  readonly cd?: string;
  readonly until?: number;
  readonly keep?: boolean;
  readonly json?: boolean;
}

const AFTER_HELP = `
SESSION is the path of a session file or of an export, an id, the beginning of one that fits no other, or a name. The
model's answers come from the record: no network and no key is used, and your sessions and settings are left alone.
--tools run makes the calls of the record again, those of tools that Belay has, in a copy of the folder that is removed
at the end. A record is anybody's text: its commands run within walls, at most with workspace-write on that copy, without
network, and nobody is asked for more. They can read what you can read: replay records that you don't trust with mock.
Exit codes: 0 the same, 1 it came out differently, 2 wrong usage or nothing to replay.

Examples:
  belay replay report.jsonl                       from a bug report (belay sessions export --redact)
  belay replay 01a2066f --tools run -C ../before  with the files as they were then
`;

/** The command `replay`; `run` gets what was asked for. */
export function replayCommand(run: (args: ReplayArgs) => Promise<void>): Command {
  const tools = new Option("--tools <how>", "outputs from the record, or calls made again")
    .choices(["mock", "run"])
    .default("mock");
  return new Command("replay")
    .description("play a recorded session again, offline, and say where it comes out differently")
    .argument("<session>")
    .addOption(tools)
    .option("-C, --cd <dir>", "with --tools run: the folder to copy; default: the session's own, as it is now")
    .option("--until <turn>", "the last turn to play, from 1", checkTurn)
    .option("--keep", "leave the folders of the replay, and say where they are")
    .option("--json", "print events as JSON lines, and a summary as the last one")
    .addHelpText("after", AFTER_HELP)
    .action((session: string, { tools: how, cd, until, keep, json }: Flags) =>
      run({ session, tools: how, cwd: cd, until, keep: keep === true, json: json === true }),
    );
}

function checkTurn(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError("It must be a number from 1.");
  return Number(value);
}

/** Plays a session again; resolves with the exit code. */
export async function runReplay(args: ReplayArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runReplay(args, deps);
}
