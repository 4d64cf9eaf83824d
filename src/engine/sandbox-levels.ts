import { delimiter } from "node:path";
import type { Random } from "../base/index.js";
import type { Config } from "../config/index.js";
import { findPty } from "../process/index.js";
import type { LevelReport } from "../protocol/index.js";
import {
  asWanted,
  factsOf,
  probe,
  remember,
  remembered,
  reportLevel,
  type SandboxLevel,
  sameReport,
} from "../sandbox/index.js";
import type { EngineDeps } from "./types.js";

/** How long the first event of a conversation waits for a first trial, ms. */
const INTRODUCTION_BOUND_MS = 2000;

/**
 * What this machine can do for commands: found out by a trial before the first command of the engine, and kept. What an
 * earlier start found out is only told.
 */
export class SandboxLevels {
  readonly #signal: AbortSignal;
  readonly #random: Random;
  readonly #version: string;
  readonly #known = new Map<string, Promise<SandboxLevel>>();
  #pty: Promise<string | undefined> | undefined;

  /** `signal`: the engine's; that of one turn would cut the answer short for all others. */
  constructor(signal: AbortSignal, { random, version }: Pick<EngineDeps, "random" | "version">) {
    this.#signal = signal;
    this.#random = random;
    this.#version = version;
  }

  /** The level for commands of a conversation; in full access without a namespace when the user wants it so. */
  async levelFor(config: Config, cwd: string): Promise<SandboxLevel> {
    const level = await this.#probe(config, cwd);
    return { ...asWanted(level, config), keepsChildren: config.keepBackgroundProcesses };
  }

  /** See `findPty`: tried out for the first that asks. */
  ptyProgram(): Promise<string | undefined> {
    this.#pty ??= findPty(this.#signal);
    return this.#pty;
  }

  /** What an earlier start said of the same machine, for the mode that a conversation begins with. */
  remembered(config: Config): LevelReport | undefined {
    const facts = remembered(config, config.commandEnv, this.#version);
    if (facts === undefined) return undefined;
    return reportLevel(asWanted(facts, config), config.sandboxPolicy.mode);
  }

  /** What a trial says of the mode that a conversation begins with. */
  async reportFor(config: Config): Promise<LevelReport> {
    return reportLevel(factsOf(await this.levelFor(config, config.cwd)), config.sandboxPolicy.mode);
  }

  #probe({ commandEnv: env, home }: Config, cwd: string): Promise<SandboxLevel> {
    const path = env.PATH ?? "";
    // No program of the folder worked in is trusted: where PATH leads there, the answer is for that folder alone.
    const own = path.split(delimiter).some((folder) => folder.startsWith(cwd)) ? cwd : "";
    const key = JSON.stringify([path, own]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const place = { cwd, home };
    const probed = probe(place, { env, signal: this.#signal }).then((level) => {
      const unique = Buffer.from(this.#random(6)).toString("hex");
      remember(factsOf(level), { place, env, version: this.#version, unique });
      return level;
    });
    this.#known.set(key, probed);
    return probed;
  }
}

/** The level as one conversation has it: what it was told at its start, and what then turns out to be so. */
export class ConversationLevel {
  readonly #levels: SandboxLevels;
  readonly #config: Config;
  readonly #tell: (message: string) => void;
  #told: LevelReport | undefined;

  /** `tell`: called once, when the machine can do something else than the conversation was told. */
  constructor(levels: SandboxLevels, config: Config, tell: (message: string) => void) {
    this.#levels = levels;
    this.#config = config;
    this.#tell = tell;
  }

  /** For the first event: at once when an earlier start left it, else by a trial; undefined when that takes too long. */
  introduce(): LevelReport | Promise<LevelReport | undefined> {
    this.#told = this.#levels.remembered(this.#config);
    return this.#told ?? this.#tryOut();
  }

  async forCommands(cwd: string): Promise<SandboxLevel> {
    const level = await this.#levels.levelFor(this.#config, cwd);
    const report = reportLevel(factsOf(level), this.#config.sandboxPolicy.mode);
    if (this.#told === undefined || !sameReport(report, this.#told)) {
      this.#told = report;
      this.#tell([`sandbox: ${report.summary}`, ...report.missing].join("; "));
    }
    return level;
  }

  ptyProgram(): Promise<string | undefined> {
    return this.#levels.ptyProgram();
  }

  async #tryOut(): Promise<LevelReport | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, INTRODUCTION_BOUND_MS, undefined);
    });
    // A trial that the end of the engine cut has no answer.
    const found = this.#levels.reportFor(this.#config).catch(() => undefined);
    this.#told = await Promise.race([found, late]);
    clearTimeout(timer);
    return this.#told;
  }
}
