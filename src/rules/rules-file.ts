import { homedir } from "node:os";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { placeOf, type Rule, type RuleDecision, type RuleProblem, type RuleSet, type RuleSource } from "./rule.js";
import { isSurelyAllow, type RuleBlock, ruleBlocks } from "./rule-blocks.js";
import { isHonest } from "./shell.js";

/** `message` says what is wrong; `line` from 1. */
type Toml =
  | { readonly ok: true; readonly table: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly line: number; readonly message: string };

/**
 * Reads rules files. A mistake costs its own rule alone, but never makes anything permitted: an `allow` that is wrong is
 * left out; a `forbid` or `ask` whose prefix can be read holds in every folder; where one may be lost altogether, nothing is
 * allowed by rules until the file is mended.
 */
export async function readRules(sources: readonly RuleSource[]): Promise<RuleSet> {
  const rules: Rule[] = [];
  const problems: RuleProblem[] = [];
  for (const source of sources) await new FileReader(source, { rules, problems }).read();
  return { rules, problems };
}

/** TOML 1.0; the parser is loaded at the first call. */
async function parseToml(text: string): Promise<Toml> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return { ok: true, table: parse(text, { maxDepth: 16 }) };
  } catch (error) {
    // A mistake in the text is an outcome; anything else is a bug and goes on.
    if (!(error instanceof TomlError)) throw error;
    const first = error.message.split("\n", 1)[0] ?? "";
    return { ok: false, line: error.line, message: first.replace(/^Invalid TOML document: /, "") };
  }
}

const ALL_ASKS = "until it is mended, every command that a rule would allow is asked about";
const LEFT_OUT = "the rule is left out until it is mended";
const KEYS = new Set(["prefix", "decision", "cwd", "exact", "reason"]);
const DECISIONS: readonly RuleDecision[] = ["allow", "ask", "forbid"];
const MAX_REASON = 500;

/** What is wrong with one rule: the key, and what to do. */
interface Mistake {
  readonly key: string | undefined;
  readonly what: string;
}

class FileReader {
  readonly #source: RuleSource;
  readonly #text: string;
  readonly #found: { readonly rules: Rule[]; readonly problems: RuleProblem[] };

  constructor(source: RuleSource, found: { rules: Rule[]; problems: RuleProblem[] }) {
    this.#source = source;
    this.#text = source.text.replace(/^\ufeff/, "");
    this.#found = found;
  }

  async read(): Promise<void> {
    const blocks = ruleBlocks(this.#text);
    const whole = await parseToml(this.#text);
    if (whole.ok) this.#table(whole.table, blocks);
    else await this.#pieces(blocks, whole);
  }

  #table(table: Readonly<Record<string, unknown>>, blocks: readonly RuleBlock[]): void {
    this.#strangers(table);
    const { rule } = table;
    if (rule === undefined) return;
    if (!Array.isArray(rule)) {
      const what = `expected [[rule]] tables: write each rule under [[rule]], with two brackets; ${ALL_ASKS}`;
      this.#problem(blocks[0]?.line, what, "suspends");
      return;
    }
    // Rules may also be written as inline tables: then nobody knows their lines.
    const own = blocks.filter((block) => block.isRule);
    rule.forEach((one: unknown, at) => {
      this.#rule(one, own.length === rule.length ? own[at] : undefined);
    });
  }

  /** The file does not parse as a whole: each rule by itself. */
  async #pieces(blocks: readonly RuleBlock[], whole: Extract<Toml, { ok: false }>): Promise<void> {
    const before = this.#found.problems.length;
    for (const block of blocks) {
      const parsed = await parseToml(block.text);
      if (parsed.ok) this.#table(parsed.table, [block]);
      else await this.#broken(block, parsed);
    }
    // A text over several lines may hold what looks like a rule, or hide one.
    const isTold = this.#found.problems.length > before && !/"""|'''/.test(this.#text);
    if (!isTold) this.#problem(whole.line, `${whole.message}; ${ALL_ASKS}`, "suspends");
  }

  /** A rule that does not parse: what its lines say one by one. */
  async #broken({ text, line }: RuleBlock, mistake: Extract<Toml, { ok: false }>): Promise<void> {
    const said: Record<string, unknown> = {};
    for (const one of text.split("\n").filter((each) => /^[ \t]*(?:prefix|decision)[ \t]*=/.test(each))) {
      const parsed = await parseToml(one);
      if (parsed.ok) Object.assign(said, parsed.table);
    }
    const wanted = isSurelyAllow(text) ? "allow" : DECISIONS.find((each) => each !== "allow" && each === said.decision);
    const at = line + mistake.line - 1;
    const { fate, isLost } = fateOf(wanted, said.prefix);
    this.#problem(at, `${mistake.message}; ${fate}`, isLost ? "suspends" : "");
    if (wanted !== "allow" && !isLost) this.#hold(said.prefix as readonly string[], wanted, line);
  }

  /** As much of a strict rule as can be read, for every folder. */
  #hold(prefix: readonly string[], decision: RuleDecision | undefined, line: number | undefined): void {
    const { path } = this.#source;
    const rule = { prefix, decision: decision ?? "ask", exact: false, cwd: undefined, reason: undefined };
    this.#found.rules.push({ ...rule, path, line });
  }

  /** Tables of another name may have been meant as rules. */
  #strangers(table: Readonly<Record<string, unknown>>): void {
    for (const key of Object.keys(table)) {
      if (key === "rule") continue;
      const what = `unknown key ${JSON.stringify(key)}: a rules file has [[rule]] tables alone; ${ALL_ASKS}`;
      this.#problem(lineOf(this.#text, new RegExp(`^[ \\t]*\\[*[ \\t]*${escaped(key)}\\b`, "m")), what, "suspends");
    }
  }

  #rule(value: unknown, block: RuleBlock | undefined): void {
    const table = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
    const { decision, prefix, exact, reason } = table;
    const folder = this.#folder(table.cwd, decision === "allow");
    const mistakes = [
      ...Object.keys(table).flatMap((key) =>
        KEYS.has(key) ? [] : [{ key, what: `unknown key; known are ${[...KEYS].join(", ")}` }],
      ),
      ...mistakesOf(table),
      ...(typeof folder === "string" ? [{ key: "cwd", what: folder }] : []),
    ];
    const wanted = DECISIONS.find((one) => one === decision);
    const held = {
      reason: typeof reason === "string" ? reason : undefined,
      path: this.#source.path,
      line: block?.line,
    };
    if (mistakes.length === 0 && wanted !== undefined && typeof folder !== "string") {
      const words = prefix as readonly string[];
      this.#found.rules.push({ ...held, prefix: words, decision: wanted, exact: exact === true, cwd: folder });
      return;
    }
    const { fate, isLost } = fateOf(wanted, prefix);
    for (const { key, what } of mistakes) {
      const line = key === undefined ? block?.line : (keyLine(block, key) ?? block?.line);
      this.#problem(line, `${key === undefined ? "" : `${key}: `}${what}; ${fate}`, isLost ? "suspends" : "");
    }
    if (wanted !== "allow" && !isLost) this.#hold(prefix as readonly string[], wanted, block?.line);
  }

  /** The folder of a rule; a text says what is wrong with it. What a project allows, it allows in itself. */
  #folder(value: unknown, allows: boolean): Rule["cwd"] | string {
    const project = this.#source.origin === "project" ? dirname(dirname(this.#source.path)) : undefined;
    if (value === undefined) return project !== undefined && allows ? { folder: project, below: true } : undefined;
    if (typeof value !== "string" || value === "" || !isHonest(value))
      return "expected the path of a folder, in quotes";
    const below = value.endsWith("/**");
    const path = below ? value.slice(0, -3) || sep : value;
    if (/[*?[\]]/.test(path)) return 'no wildcards but "/**" at the end, for a folder and all in it';
    const isHome = path === "~" || path.startsWith("~/");
    if (!isHome && !isAbsolute(path) && project === undefined)
      return "expected an absolute path, or one that begins with ~/";
    const folder = isHome ? join(homedir(), path.slice(1)) : resolve(project ?? sep, path);
    const isOutside = project !== undefined && /^\.\.(?:\/|$)/.test(relative(project, folder));
    if (allows && isOutside) return "a project's rules allow things in the project alone: name a folder in it";
    return { folder, below };
  }

  #problem(line: number | undefined, what: string, effect: "suspends" | ""): void {
    const message = `${placeOf({ path: this.#source.path, line })}: ${what}`;
    this.#found.problems.push({ message, suspends: effect === "suspends" });
  }
}

/** What becomes of a rule with a mistake. */
function fateOf(
  decision: RuleDecision | undefined,
  prefix: unknown,
): { readonly fate: string; readonly isLost: boolean } {
  if (decision === "allow") return { fate: LEFT_OUT, isLost: false };
  if (wordsMistake(prefix) !== undefined) return { fate: ALL_ASKS, isLost: true };
  const does = decision === "forbid" ? "forbids" : "asks";
  return { fate: `until it is mended it ${does} in every folder`, isLost: false };
}

function mistakesOf({ decision, prefix, exact, reason }: Readonly<Record<string, unknown>>): Mistake[] {
  const mistakes: Mistake[] = [];
  if (!DECISIONS.some((one) => one === decision)) {
    const what = decision === undefined ? "is missing" : `${JSON.stringify(decision)} is none`;
    mistakes.push({ key: "decision", what: `${what}: write "allow", "ask" or "forbid"` });
  }
  const words = wordsMistake(prefix);
  if (words !== undefined) mistakes.push({ key: "prefix", what: words });
  if (exact !== undefined && (typeof exact !== "boolean" || decision !== "allow"))
    mistakes.push({ key: "exact", what: 'true or false, and with decision = "allow" alone' });
  if (reason !== undefined && (typeof reason !== "string" || reason.length > MAX_REASON || !isHonest(reason)))
    mistakes.push({ key: "reason", what: `expected a text of at most ${MAX_REASON} characters` });
  return mistakes;
}

function wordsMistake(prefix: unknown): string | undefined {
  if (prefix === undefined) return 'is missing: write the first words of the command, as in ["git", "push"]';
  const isWords =
    Array.isArray(prefix) &&
    prefix.length > 0 &&
    prefix.every((word) => typeof word === "string" && word !== "" && isHonest(word));
  if (!isWords) return 'expected the first words of the command, as in ["git", "push"]';
  if (!/\s/.test(String(prefix[0]))) return undefined;
  return `the program's name has blanks: write its words one by one, as in ${JSON.stringify(String(prefix[0]).trim().split(/\s+/))}`;
}

function keyLine(block: RuleBlock | undefined, key: string): number | undefined {
  const at =
    block === undefined
      ? undefined
      : lineOf(block.text, new RegExp(`^[ \\t]*["']?${escaped(key)}["']?[ \\t]*[=.]`, "m"));
  return block === undefined || at === undefined ? undefined : block.line + at - 1;
}

function lineOf(text: string, pattern: RegExp): number | undefined {
  const at = text.search(pattern);
  return at === -1 ? undefined : text.slice(0, at).split("\n").length;
}

function escaped(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, "\\$&");
}
