import { loadConfig } from "../../config/index.js";
import type { LevelReport } from "../../protocol/index.js";
import {
  type FrontDeps,
  makeStyle,
  SIGNAL_EXIT_CODES,
  type StopSignal,
  type Style,
  sanitise,
  wantsColor,
} from "../host/index.js";
import type { DoctorArgs } from "./args.js";
import { containmentFindings, type Site } from "./containment.js";
import type { Finding } from "./finding.js";
import { programFindings, selfFindings } from "./programs.js";
import { settingsFindings } from "./settings.js";

const FOUND_EXIT_CODE = 1;
const DEFAULT_WISHES = { containFullAccess: true, keepBackgroundProcesses: false, allowPartialSandbox: false };
/** The width of the column of names. */
const NAME_WIDTH = 24;

/** Prints the findings; resolves with 0 when nothing is missing, 1 when something is. */
export async function runDoctor(args: DoctorArgs, deps: FrontDeps): Promise<number> {
  const stop = new AbortController();
  let cause: StopSignal | undefined;
  deps.signals.onStop((signal) => {
    cause = signal;
    stop.abort();
  });
  try {
    const { findings, levels } = await examine(args, deps, stop.signal);
    const isSound = findings.every(({ status }) => status !== "missing");
    const report = { ok: isSound, version: deps.version, levels, findings };
    const style = makeStyle(wantsColor(args.color, { env: deps.env, isTTY: deps.stdout.isTTY }));
    void deps.stdout.write(args.json ? `${JSON.stringify(report)}\n` : describe(findings, style));
    return isSound ? 0 : FOUND_EXIT_CODE;
  } catch (error) {
    // A signal cuts the trials short; anything else is a bug.
    if (cause === undefined) throw error;
    return SIGNAL_EXIT_CODES[cause];
  }
}

interface Examined {
  readonly findings: readonly Finding[];
  readonly levels: readonly LevelReport[];
}

async function examine(args: DoctorArgs, deps: FrontDeps, signal: AbortSignal): Promise<Examined> {
  const { profile, overrides, cwd } = args;
  const loaded = await loadConfig({ env: deps.env, cwd: deps.cwd, profile, overrides, flags: { cwd } });
  // What can be told although the configuration is wrong is told.
  const site: Site = loaded.ok
    ? { cwd: loaded.config.cwd, home: loaded.config.home, env: loaded.config.commandEnv, wishes: loaded.config, signal }
    : { cwd: deps.cwd, home: deps.cwd, env: { PATH: deps.env.PATH ?? "" }, wishes: DEFAULT_WISHES, signal };
  const programs = await programFindings(site);
  const containment = await containmentFindings(site);
  const findings = [
    ...selfFindings(deps.version),
    ...settingsFindings(loaded, deps),
    ...programs,
    ...containment.findings,
  ];
  return { findings, levels: containment.levels };
}

function describe(findings: readonly Finding[], style: Style): string {
  const lines = findings.flatMap(({ id, status, text, fix }) => {
    const mark = { ok: style.green("ok     "), note: style.dim("note   "), missing: style.red("MISSING") }[status];
    const more = fix.map((line) => `${" ".repeat(8 + NAME_WIDTH)}${style.yellow(sanitise(line))}`);
    return [`${mark} ${id.padEnd(NAME_WIDTH - 1)} ${sanitise(text)}`, ...more];
  });
  const lacking = findings.filter(({ status }) => status === "missing").length;
  const end = lacking === 0 ? style.green("nothing is missing") : style.red(`${lacking} missing`);
  return `${[...lines, end].join("\n")}\n`;
}
