import { constants } from "node:os";
import { type Config, loadConfig } from "../../config/index.js";
import { type AttachedExit, type Command, findObstacle, type Obstacle } from "../../process/index.js";
import { asWanted, attachSandboxed, factsOf, probe, reportLevel, type SandboxLevel } from "../../sandbox/index.js";
import { type FrontDeps, SIGNAL_EXIT_CODES, type StopSignal, sanitise } from "../host/index.js";
import type { SandboxArgs } from "./args.js";

const USAGE_EXIT_CODE = 2;
/** As of env(1) and timeout(1). */
const NOT_CONTAINED_EXIT_CODE = 125;
const OBSTACLE_EXIT_CODES: Readonly<Record<Obstacle["kind"], number>> = {
  refused: NOT_CONTAINED_EXIT_CODE,
  not_runnable: 126,
  missing: 127,
};

/** Runs one command within the walls of its mode; resolves with its exit code, or one of ours (see the help). */
export async function runSandbox(args: SandboxArgs, deps: FrontDeps): Promise<number> {
  const say = (message: string) => void deps.stderr.write(`${sanitise(message).replace(/^/gm, "belay: ")}\n`);
  const { cwd, sandbox: sandboxMode, profile, overrides } = args;
  const loaded = await loadConfig({ env: deps.env, cwd: deps.cwd, profile, overrides, flags: { cwd, sandboxMode } });
  if (!loaded.ok) {
    say(loaded.message);
    return USAGE_EXIT_CODE;
  }
  const { config } = loaded;
  for (const warning of config.warnings) say(warning);
  const command = { argv: args.argv, cwd: config.cwd, env: config.commandEnv };
  const obstacle = findObstacle(command);
  if (obstacle !== undefined) {
    say(obstacle.reason);
    return OBSTACLE_EXIT_CODES[obstacle.kind];
  }
  // A second signal kills what runs through the engine.
  await deps.conversations();
  return runWithin(command, config, { say, signals: deps.signals });
}

interface Host extends Pick<FrontDeps, "signals"> {
  readonly say: (message: string) => void;
}

async function runWithin(command: Command, config: Config, { say, signals }: Host): Promise<number> {
  const stop = new AbortController();
  let cause: StopSignal | undefined;
  signals.onStop((signal) => {
    cause = signal;
    stop.abort();
  });
  const level = await levelOf(config, stop.signal);
  if (level === undefined) return SIGNAL_EXIT_CODES[cause ?? "SIGTERM"];
  const report = reportLevel(factsOf(level), config.sandboxPolicy.mode);
  const isLess = report.level === "partial" || (report.mode === "danger-full-access" && report.level === "none");
  if (isLess) say([report.summary, ...report.missing].join("; "));
  const ran = await attachSandboxed(command, config.sandboxPolicy, { place: config, level, signal: stop.signal });
  if (!ran.ok) {
    say(ran.reason);
    return NOT_CONTAINED_EXIT_CODE;
  }
  const { exit, appeared } = ran;
  if (exit.error !== undefined) say(exit.error);
  if (exit.leftovers) say("processes that the command had left running were stopped: a command ends with its children");
  if (appeared.length > 0) {
    say(
      `while the command ran, these came into being or changed, and other programs obey them: ${appeared.join(", ")}`,
    );
  }
  return cause === undefined ? exitCode(exit) : SIGNAL_EXIT_CODES[cause];
}

/** Undefined when a signal cut the trial. */
async function levelOf(config: Config, signal: AbortSignal): Promise<SandboxLevel | undefined> {
  const level = await probe(config, { env: config.commandEnv, signal }).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  // A command that has our terminal runs under no reaper.
  return level && { ...asWanted(level, config), reaper: false };
}

function exitCode({ end, code, signal }: AttachedExit): number {
  if (end === "exited") return code ?? NOT_CONTAINED_EXIT_CODE;
  if (end === "signalled") return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
  return NOT_CONTAINED_EXIT_CODE;
}
