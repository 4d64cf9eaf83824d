import { Command, InvalidArgumentError, Option } from "commander";
import { type ExecArgs, readRunFlags, type SessionChoice, withRunOptions } from "./run-flags.js";

export { colorOption, overrideOption } from "./run-flags.js";

const AFTER_HELP = `
Input: without PROMPT, or with "-", the prompt is read from stdin. With a PROMPT, what is piped in is appended to it as a
<stdin> block; a pipe that stays silent for 250 ms is left alone.
Output: the final message alone on stdout, everything else on stderr; with --json, one event a line on stdout.
Exit codes: 0 done, 1 the turn failed, 2 wrong usage or configuration, 124 the deadline passed, 130 SIGINT, 143 SIGTERM,
129 SIGHUP, 141 nobody reads stdout any more. One SIGINT stops the turn properly; a second one leaves at once.

Examples:
  belay exec "fix the failing test"
  git diff | belay exec "review this change"
  belay exec --json --deadline 10m -s workspace-write - < task.md
`;

type Run = (args: ExecArgs) => Promise<void>;

/** The command `exec`, with `exec resume` and `exec fork`; `run` gets what was asked for. */
export function execCommand(run: Run): Command {
  const command = new Command("exec")
    .alias("e")
    .description("run one prompt to its end, without a terminal UI")
    .argument("[prompt]", 'what to do; "-" reads it from stdin')
    // A prompt may well be the word "help".
    .helpCommand(false)
    .enablePositionalOptions();
  return withRunOptions(command)
    .addHelpText("after", AFTER_HELP)
    .action((prompt: string | undefined, _flags: unknown, own: Command) =>
      run(readRunFlags(own, { prompt, session: undefined })),
    )
    .addCommand(resumeCommand(run))
    .addCommand(forkCommand(run));
}

/** `resume [session] [prompt]`, on its own or of `exec`. */
export function resumeCommand(run: Run): Command {
  return sessionCommand("resume", run)
    .description("go on with a recorded session: its history, folder, model")
    .addHelpText("after", RESUME_HELP);
}

/** `fork [session] [prompt]`: without a prompt it prints the new session's id. */
export function forkCommand(run: Run): Command {
  return sessionCommand("fork", run)
    .description("start a session that begins as another one did")
    .addOption(new Option("--at <turn>", "the last turn to take over, from 1").argParser(checkTurn))
    .addHelpText("after", FORK_HELP);
}

const RESUME_HELP = `
SESSION is an id, the beginning of one, or a name (belay sessions list). What was cut when Belay was killed shows as
interrupted, and the model is told. Settings are those of the session where no option says otherwise; of its sandbox mode
and the configured one the stricter counts.

Examples:
  belay exec resume --last "and now the tests"
  belay exec resume 01a2066f "try the other way"
`;

const FORK_HELP = `
The other session stays as it is. Without a prompt, the fork is made and its id printed.

Examples:
  belay fork --last --at 3 "take the second approach from here"
  id=$(belay fork 01a2066f)
`;

interface SessionFlags {
  readonly last?: boolean;
  readonly all?: boolean;
  readonly at?: number;
}

function sessionCommand(kind: SessionChoice["kind"], run: Run): Command {
  const command = new Command(kind)
    .argument("[session]", "which one")
    .argument("[prompt]", 'what to do; "-" reads it from stdin')
    .option("--last", "the session used last in this folder")
    .option("--all", "with --last: in any folder");
  return withRunOptions(command).action(
    (first: string | undefined, second: string | undefined, flags: SessionFlags, own: Command) => {
      const last = flags.last === true;
      // With --last there is no session to name: the first word is the prompt.
      if (last && second !== undefined) own.error("error: name a session or say --last, not both");
      if (!last && first === undefined)
        own.error("error: name a session, or say --last (belay sessions list shows them)");
      const [source, prompt] = last ? [undefined, first] : [first, second];
      const session = { kind, source, everywhere: flags.all === true, atTurn: flags.at };
      return run(readRunFlags(own, { prompt, session }));
    },
  );
}

function checkTurn(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError("It must be the number of a turn, from 1.");
  return Number(value);
}
