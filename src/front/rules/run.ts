import { type Config, loadConfig } from "../../config/index.js";
import { explainCommand, listRules } from "../../engine/index.js";
import { type FrontDeps, type Output, SIGNAL_EXIT_CODES, type StopSignal, sanitise } from "../host/index.js";
import { codeOf, explanationJson, explanationText, rulesJson, rulesText } from "./report.js";

/** What the command line of `belay rules` asks for. */
export interface RulesArgs {
  readonly action: "check" | "list";
  /** The command to check. */
  readonly words: readonly string[];
  readonly json: boolean;
  /** As typed; undefined: the current folder. */
  readonly folder: string | undefined;
  readonly profile: string | undefined;
  readonly sandbox: string | undefined;
  readonly approval: string | undefined;
  /** `key=value`, in order. */
  readonly overrides: readonly string[];
}

const USAGE_EXIT_CODE = 2;
const MISTAKE_EXIT_CODE = 1;

export async function runRules(args: RulesArgs, deps: FrontDeps): Promise<number> {
  const flags = { cwd: args.folder, sandboxMode: args.sandbox, approvalPolicy: args.approval };
  const loaded = await loadConfig({
    ...{ env: deps.env, cwd: deps.cwd, profile: args.profile, overrides: args.overrides },
    flags,
  });
  if (!loaded.ok) {
    write(deps.stderr, `belay: ${loaded.message}\n`);
    return USAGE_EXIT_CODE;
  }
  for (const warning of loaded.config.warnings) write(deps.stderr, `belay: ${warning}\n`);
  return args.action === "list" ? list(loaded.config, args, deps) : check(loaded.config, args, deps);
}

async function list(config: Config, { json }: RulesArgs, { stdout, stderr }: FrontDeps): Promise<number> {
  const set = await listRules(config);
  write(stdout, json ? `${JSON.stringify(rulesJson(set))}\n` : rulesText(set, config));
  for (const { message } of set.problems) write(stderr, `belay: ${message}\n`);
  return set.problems.length === 0 ? 0 : MISTAKE_EXIT_CODE;
}

async function check(config: Config, { words, json }: RulesArgs, deps: FrontDeps): Promise<number> {
  const stop = new AbortController();
  let stopped: StopSignal | undefined;
  deps.signals.onStop((signal) => {
    stopped = signal;
    stop.abort();
  });
  const [first = "", ...more] = words;
  const command = more.length === 0 && /\s/.test(first) ? { script: first } : { argv: words };
  const explained = await explainCommand(config, command, stop.signal);
  if (stopped !== undefined) return SIGNAL_EXIT_CODES[stopped];
  for (const problem of explained.problems) write(deps.stderr, `belay: ${problem}\n`);
  const text = json ? `${JSON.stringify(explanationJson(explained, config))}\n` : explanationText(explained, config);
  write(deps.stdout, text);
  return codeOf(explained.decision);
}

/** Commands and rules may hold what a terminal obeys. */
function write(output: Output, text: string): void {
  void output.write(output.isTTY ? sanitise(text) : text);
}
