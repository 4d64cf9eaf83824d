import { isUtf8 } from "node:buffer";
import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { sleep } from "../base/index.js";
import { type Config, readRegularFile } from "../config/index.js";
import {
  type Proposal,
  type RuleProblem,
  type RuleSet,
  type RuleSource,
  readRules,
  type Saved,
  saveRule,
} from "../rules/index.js";

const RULES_FILE = "rules.toml";
const MAX_BYTES = 1024 * 1024;

/** The user's own rules file. */
export function rulesPath(home: string): string {
  return join(home, RULES_FILE);
}

/** The rules that hold in a conversation: the user's, as they are at each moment, and those of a trusted project. */
export class CommandRules {
  readonly #config: Pick<Config, "home" | "projectFiles">;
  readonly #told = new Set<string>();
  #stamp: string | undefined;
  #set: Promise<RuleSet> | undefined;

  constructor(config: Pick<Config, "home" | "projectFiles">) {
    this.#config = config;
  }

  /** The user's file is read again when it has changed: what was granted in another conversation counts here too. */
  current(): Promise<RuleSet> {
    const stat = statSync(rulesPath(this.#config.home), { throwIfNoEntry: false });
    const stamp = stat === undefined ? "" : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    if (this.#set === undefined || stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#set = loadRules(this.#config);
    }
    return this.#set;
  }

  /** What is wrong with the files, each once. */
  takeProblems(set: RuleSet): string[] {
    const fresh = set.problems.map(({ message }) => message).filter((message) => !this.#told.has(message));
    for (const message of fresh) this.#told.add(message);
    return fresh;
  }

  /** Keeps an `allow` rule for good, in the user's file. */
  save(rule: Proposal, signal: AbortSignal): Promise<Saved> {
    return saveRule(rulesPath(this.#config.home), rule, (ms) => sleep(ms, signal));
  }
}

async function loadRules({ home, projectFiles }: Pick<Config, "home" | "projectFiles">): Promise<RuleSet> {
  const own = readOwn(rulesPath(home));
  const projects = projectFiles.filter(({ path }) => basename(path) === RULES_FILE);
  if (own === undefined && projects.length === 0) return { rules: [], problems: [] };
  const sources: RuleSource[] = projects.map((file) => ({ ...file, origin: "project" }));
  if (own !== undefined && "text" in own) sources.unshift(own);
  const set = await readRules(sources);
  return own === undefined || "text" in own ? set : { ...set, problems: [own, ...set.problems] };
}

/** A file that is there and can't be read may forbid something. */
function readOwn(path: string): RuleSource | RuleProblem | undefined {
  const file = readRegularFile(path, MAX_BYTES);
  if (file.type === "missing") return undefined;
  const wrong =
    file.type === "refused"
      ? file.why
      : file.more
        ? `is larger than ${MAX_BYTES} bytes`
        : isUtf8(file.bytes)
          ? undefined
          : "is not UTF-8 text";
  if (file.type === "read" && wrong === undefined) return { path, text: file.bytes.toString("utf8"), origin: "home" };
  return { message: `${path}: ${wrong}; until it can be read, nothing is allowed by rules`, suspends: true };
}
