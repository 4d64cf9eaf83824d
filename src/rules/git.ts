import { type OptionList, operandsOf } from "./options.js";
import type { ArgumentCheck } from "./programs.js";

/** Options of commands that show differences. Not here: --output, --ext-diff, --textconv, --no-index, --show-signature. */
const DIFF: OptionList = {
  flags: "abcipqrRstuwz0123456789BCDM",
  valued: "GlSU",
  long: [
    "patch no-patch raw stat? numstat shortstat summary dirstat? name-only name-status compact-summary check full-index binary",
    "abbrev? unified= function-context minimal patience histogram diff-algorithm= anchored= word-diff? word-diff-regex=",
    "color-words? color? no-color color-moved? no-color-moved no-renames find-renames? find-copies? find-copies-harder",
    "diff-filter= ignore-space-at-eol ignore-space-change ignore-all-space ignore-blank-lines inter-hunk-context= text",
    "exit-code quiet cached staged merge-base no-ext-diff no-textconv ignore-submodules? relative? no-relative line-prefix=",
    "src-prefix= dst-prefix= no-prefix pickaxe-regex pickaxe-all irreversible-delete break-rewrites? stat-width= stat-count=",
  ].join(" "),
};

const LOG: OptionList = {
  flags: `${DIFF.flags}gEFPm`,
  valued: `${DIFF.valued}nL`,
  long: [
    DIFF.long,
    "oneline graph no-graph decorate? no-decorate all branches? tags? remotes? max-count= skip= since= until= after= before=",
    "author= committer= grep= all-match invert-grep regexp-ignore-case basic-regexp extended-regexp fixed-strings merges",
    "perl-regexp no-merges first-parent reverse follow abbrev-commit no-abbrev-commit date= topo-order date-order",
    "author-date-order full-history simplify-merges ancestry-path left-right cherry-mark cherry-pick boundary source",
    "walk-reflogs parents children cc diff-merges= no-notes no-mailmap use-mailmap full-diff log-size encoding= min-parents= max-parents=",
  ].join(" "),
  numbers: true,
};

const REV_LIST: OptionList = { ...LOG, long: `${LOG.long} count objects no-walk? not` };

const STATUS: OptionList = {
  flags: "sbvzu",
  long: "short branch porcelain? long verbose untracked-files? ignored? ahead-behind no-ahead-behind renames no-renames find-renames? show-stash null ignore-submodules?",
};

const BLAME: OptionList = {
  flags: "bcefklnpstwCM",
  valued: "L",
  long: "porcelain line-porcelain date= root show-email color-lines",
};

const LS_FILES: OptionList = {
  flags: "cdikmostuvz",
  long: "cached deleted modified others ignored stage unmerged killed directory no-empty-directory eol exclude-standard error-unmatch full-name abbrev? deduplicate",
};

const GREP: OptionList = {
  flags: "aicEFGhHIlLnoPpqvwWz",
  valued: "ABCefm",
  long: "cached untracked text ignore-case word-regexp invert-match extended-regexp basic-regexp perl-regexp fixed-strings line-number column files-with-matches name-only files-without-match count color? heading break show-function function-context after-context= before-context= context= max-depth= and or not all-match quiet",
};

/** A format that has signatures looked at runs what `gpg.program` says. */
const NAMED_FORMAT = /^--(?:format=.*|pretty(?:=.*)?)$/s;

/** Options are listed, and no format asks for a signature. */
function shows(list: OptionList): ArgumentCheck {
  return (args) => {
    const end = args.indexOf("--");
    const options = end === -1 ? args : args.slice(0, end);
    const formats = options.filter((word) => NAMED_FORMAT.test(word));
    if (formats.some((word) => word.includes("%G"))) return false;
    const rest = args.filter((word, at) => !NAMED_FORMAT.test(word) || (end !== -1 && at > end));
    return operandsOf(list, rest) !== undefined;
  };
}

/** Listing alone: with an operand these make, move or delete something, unless they are told to list. */
function lists(list: OptionList, listing: RegExp): ArgumentCheck {
  return (args) => {
    const operands = operandsOf(list, args);
    if (operands === undefined || args.some((word) => word.includes("%(signature"))) return false;
    return operands.length === 0 || args.some((word) => listing.test(word));
  };
}

const COMMANDS: ReadonlyMap<string, ArgumentCheck> = new Map(
  Object.entries({
    status: shows(STATUS),
    diff: shows(DIFF),
    log: shows(LOG),
    show: shows(LOG),
    shortlog: shows({ ...LOG, flags: `${LOG.flags}ens`, long: `${LOG.long} numbered summary email` }),
    blame: shows(BLAME),
    grep: shows(GREP),
    "ls-files": shows(LS_FILES),
    "ls-tree": shows({ flags: "drtlz", long: "long name-only name-status object-only full-name full-tree abbrev?" }),
    "rev-parse": shows({
      flags: "q",
      long: "show-toplevel show-prefix show-cdup git-dir absolute-git-dir git-common-dir is-inside-work-tree is-inside-git-dir is-bare-repository abbrev-ref? symbolic-full-name short? verify quiet branches? tags? remotes? all",
    }),
    "rev-list": shows(REV_LIST),
    "merge-base": shows({ flags: "a", long: "all octopus independent is-ancestor fork-point" }),
    "cat-file": shows({ flags: "tspe" }),
    describe: shows({
      long: "all tags contains abbrev= candidates= exact-match long match= exclude= always first-parent",
    }),
    "show-ref": shows({ flags: "dqs", long: "head heads tags branches dereference hash? verify quiet" }),
    branch: lists(
      {
        flags: "arvi",
        long: "all remotes verbose list show-current sort= format= ignore-case color? no-color column? no-column abbrev= merged? no-merged? contains? no-contains? points-at=",
      },
      /^--list$/,
    ),
    tag: lists(
      { flags: "ln", long: "list sort= format= ignore-case column? no-column merged? no-merged? contains? points-at=" },
      /^(?:-l|--list)$/,
    ),
    remote: ([first, ...more]) =>
      first === undefined || ((first === "-v" || first === "--verbose") && more.length === 0) || isUrlOf(first, more),
    stash: ([first, ...more]) => first === "list" && more.length === 0,
    worktree: ([first, ...more]) =>
      first === "list" && operandsOf({ flags: "vz", long: "porcelain" }, more)?.length === 0,
    reflog: (args) =>
      operandsOf({ valued: "n", long: "oneline", numbers: true }, args[0] === "show" ? args.slice(1) : args)?.length ===
      0,
  } satisfies Record<string, ArgumentCheck>),
);

function isUrlOf(first: string, more: readonly string[]): boolean {
  return first === "get-url" && operandsOf({ long: "all push" }, more)?.length === 1;
}

/**
 * Whether a git command only reads and prints, as far as its arguments tell. What the settings of a repository make git
 * run (filters, fsmonitor, textconv, pagers, hooks) no argument can tell: such a command needs walls.
 */
export const GIT: ArgumentCheck = (args) => {
  const [command = "", ...rest] = args[0] === "--no-pager" ? args.slice(1) : args;
  if (command === "--version") return rest.length === 0;
  return COMMANDS.get(command)?.(rest) === true;
};
