import { isAbsolute, relative, resolve } from "node:path";
import type { Part, Reading } from "./command.js";
import { PROGRAMS } from "./programs.js";
import { isHonest } from "./shell.js";
import type { Verdict } from "./verdict.js";
import { isWrapper } from "./wrappers.js";

/** An `allow` rule that a person may want for good, as narrow as is useful. */
export interface Proposal {
  readonly prefix: readonly string[];
  /** Nothing may follow the prefix. */
  readonly exact: boolean;
  /** The folder it holds in. */
  readonly cwd: string;
}

/** Programs whose first word says what they do, and such words: what they run is the project's own, whatever follows. */
const TASKS: Readonly<Record<string, string>> = {
  npm: "test t build ci ls outdated",
  pnpm: "test build lint typecheck",
  yarn: "test build lint",
  bun: "test build",
  cargo: "build check test clippy fmt doc bench tree",
  go: "build test vet fmt",
  git: "add commit",
  make: "all build test check lint fmt format",
  just: "all build test check lint fmt format",
  mvn: "test compile package verify",
  gradle: "test build check assemble",
  dotnet: "build test restore format",
  mix: "test compile format",
  swift: "build test",
  poetry: "check lock",
  ruff: "check format",
};

/** What stands for `npm test` under another word: the script's name comes after it. */
const SCRIPT_TASKS: Readonly<Record<string, string>> = { npm: "run run-script", pnpm: "run", yarn: "run", bun: "run" };

/** Of these a whole command may be worth a rule when it begins so, and nothing else of them. */
const WHOLE_TASKS: Readonly<Record<string, string>> = {
  git: "push pull fetch status log diff show branch",
  docker: "ps images",
  kubectl: "",
  terraform: "validate plan",
};

/** Programs that do one thing, whatever they are told. */
const TOOLS = new Set(
  "pytest tsc eslint prettier biome jest vitest mocha mypy pyright flake8 pylint black isort rustfmt gofmt shellcheck ctest ninja tox".split(
    " ",
  ),
);

/** Never proposed: what runs any program, what destroys, what changes who may do what. */
const NEVER = new Set(
  [
    "cp mv ln install rm rmdir shred dd mkfs mount umount chmod chown chattr kill pkill killall shutdown reboot systemctl service crontab at",
    "source . alias export set eval trap exec cd pushd popd ssh scp rsync curl wget nc ncat socat gdb vi vim nvim emacs ed",
    "awk gawk mawk sed tee perl ruby lua osascript git-filter-branch",
  ]
    .join(" ")
    .split(" "),
);

/** Interpreters: worth a rule for one script of the project, never for code on the command line. */
const INTERPRETERS = /^(?:python[\d.]*|pypy[\d.]*|node|nodejs|deno|bun|ts-node|tsx|php|Rscript|julia)$/;

const MAX_WORDS = 8;
const MAX_LETTERS = 200;

/**
 * The narrowest useful rule that would have allowed the command, when exactly one of its parts lacks one; undefined when
 * none is good. `place`: the conversation's folder, with links resolved.
 */
export function proposeRule(reading: Reading, verdict: Verdict, place: string): Proposal | undefined {
  if (!reading.ok || (verdict.kind !== "none" && verdict.kind !== "safe")) return undefined;
  const open = reading.parts.filter((_, at) => !["safe", "rule"].includes(verdict.parts[at]?.by ?? ""));
  const [part, ...more] = open;
  if (part === undefined || more.some((other) => JSON.stringify(other) !== JSON.stringify(part))) return undefined;
  return proposalFor(part, place);
}

function proposalFor({ words, cwd }: Part, place: string): Proposal | undefined {
  const [program = "", first, second] = words;
  // A rule's folder has no wildcards but its own.
  if (cwd === undefined || /[*?[\]]/.test(cwd) || !isInside(".", cwd, place)) return undefined;
  if (!isUsable(program, cwd, place) || !words.every(isHonest)) return undefined;
  if (first !== undefined && TASKS[program]?.split(" ").includes(first))
    return { prefix: [program, first], exact: false, cwd };
  if (first !== undefined && second !== undefined && SCRIPT_TASKS[program]?.split(" ").includes(first))
    return /^[A-Za-z0-9]/.test(second) ? { prefix: [program, first, second], exact: false, cwd } : undefined;
  if (TOOLS.has(program)) return { prefix: [program], exact: false, cwd };
  const whole = WHOLE_TASKS[program];
  if (whole !== undefined && !whole.split(" ").includes(first ?? "-")) return undefined;
  // With these options it is not on the list of safe ones: for a reason that lasts.
  if (PROGRAMS.has(program)) return undefined;
  return isGoodWhole(words, cwd, place) ? { prefix: words, exact: true, cwd } : undefined;
}

/** The program is looked up by its name, or is a file of the project. */
function isUsable(program: string, cwd: string, place: string): boolean {
  if (program === "" || NEVER.has(program) || isWrapper(program)) return false;
  return !program.includes("/") || isInside(program, cwd, place);
}

function isGoodWhole(words: readonly string[], cwd: string, place: string): boolean {
  const [program = "", first] = words;
  if (words.length > MAX_WORDS || words.join(" ").length > MAX_LETTERS || words.includes("")) return false;
  if (INTERPRETERS.test(program) && (first === undefined || first.startsWith("-"))) return false;
  return words.every((word) =>
    word.split(/[=:,]/).every((piece) => isInside(piece.replace(/^-+[A-Za-z]*/, ""), cwd, place)),
  );
}

/** Words that are no paths are inside too. */
function isInside(word: string, cwd: string, place: string): boolean {
  if (word.startsWith("~") || word.startsWith("//")) return false;
  const below = relative(place, resolve(cwd, word));
  return below !== ".." && !below.startsWith("../") && !isAbsolute(below);
}
