import { type OptionList, operandsOf } from "./options.js";

/** Whether a program does nothing but read and print with these arguments. */
export type ArgumentCheck = (args: readonly string[]) => boolean;

const any: ArgumentCheck = () => true;

/** Listed options, and `most` operands at most. */
function listed(list: OptionList, most = Number.POSITIVE_INFINITY): ArgumentCheck {
  return (args) => {
    const operands = operandsOf(list, args);
    return operands !== undefined && operands.length <= most;
  };
}

const DIGEST = listed({ flags: "bctz", long: "binary text check tag zero quiet status strict warn" });

const GREP = listed({
  flags: "abcEFGhHiIlLnoPqrRsTUvVwxyzZ0123456789",
  valued: "ABCefmdD",
  long: [
    "after-context= before-context= context= regexp= file= max-count= directories= devices= include= exclude= exclude-dir=",
    "exclude-from= color? colour? label= binary-files= group-separator= no-group-separator basic-regexp extended-regexp",
    "fixed-strings perl-regexp ignore-case no-ignore-case invert-match word-regexp line-regexp count files-with-matches",
    "files-without-match only-matching quiet silent no-messages byte-offset with-filename no-filename initial-tab",
    "null null-data line-number recursive dereference-recursive text line-buffered version",
  ].join(" "),
});

const RIPGREP = listed({
  flags: "iSsFwxvcnNlopqaUuHI0LP.V",
  valued: "eABCgtTmMdjErf",
  long: [
    "regexp= file= after-context= before-context= context= glob= iglob= type= type-not= max-count= max-columns= max-depth=",
    "maxdepth= threads= encoding= replace= color= colors= sort= sortr= engine= context-separator= field-match-separator=",
    "field-context-separator= path-separator= max-filesize= dfa-size-limit= regex-size-limit= type-list files hidden no-hidden",
    "ignore-case smart-case case-sensitive fixed-strings no-fixed-strings word-regexp line-regexp invert-match count",
    "count-matches line-number no-line-number column no-column files-with-matches files-without-match only-matching",
    "pretty quiet text binary multiline multiline-dotall unrestricted with-filename no-filename null null-data follow",
    "no-follow pcre2 no-pcre2 heading no-heading vimgrep json stats no-stats trim no-trim passthru",
    "no-config no-ignore no-ignore-vcs no-ignore-parent no-ignore-dot no-ignore-global no-ignore-exclude no-ignore-files",
    "no-ignore-messages no-messages no-require-git one-file-system byte-offset max-columns-preview crlf auto-hybrid-regex",
    "glob-case-insensitive ignore-file-case-insensitive include-zero line-buffered block-buffered mmap no-mmap",
    "no-unicode unicode stop-on-nonmatch version pcre2-version",
  ].join(" "),
});

const LS = listed({
  flags: "1aAbBcCdfFgGhHiklLmnNopqQrRsStuUvxXZ",
  valued: "IwT",
  long: [
    "all almost-all author escape ignore-backups directory classify? file-type format= full-time group-directories-first",
    "no-group human-readable si dereference dereference-command-line hide= hyperlink? indicator-style= inode ignore=",
    "kibibytes numeric-uid-gid literal hide-control-chars show-control-chars quote-name quoting-style= reverse recursive",
    "size sort= time= time-style= tabsize= width= context zero color? version",
  ].join(" "),
});

const DIFF = listed({
  flags: "abBcdeEfiNnpqrstTuwyZ",
  valued: "CUWxXFIL",
  long: [
    "brief report-identical-files unified? context? side-by-side width= suppress-common-lines recursive no-dereference",
    "new-file ignore-case ignore-tab-expansion ignore-trailing-space ignore-space-change ignore-all-space",
    "ignore-blank-lines ignore-matching-lines= text strip-trailing-cr minimal speed-large-files show-c-function",
    "show-function-line= label= expand-tabs initial-tab exclude= exclude-from= color? normal version",
  ].join(" "),
});

/** `test` with one question about a file or a text; its other forms evaluate arithmetic in some shells. */
const TEST: ArgumentCheck = ([first = "", ...rest]) => {
  if (/^-[bcdefghkLOGNprsStuwxzn]$/.test(first)) return rest.length === 1;
  return rest.length === 2 && (rest[0] === "=" || rest[0] === "!=");
};

/** Lines by number alone: the script language of sed writes files and, in GNU's, runs commands. */
const SED: ArgumentCheck = ([quiet, script = "", ...files]) =>
  quiet === "-n" && /^(?:\d+|\$)(?:,(?:\d+|\$))?p$/.test(script) && files.every((file) => !file.startsWith("-"));

const DATE: ArgumentCheck = (args) => {
  // Another operand sets the clock, and so does -d for some.
  const operands = operandsOf({ flags: "uR", long: "utc universal rfc-email iso-8601? rfc-3339= date=" }, args);
  return operands?.every((operand) => operand.startsWith("+")) === true;
};

const CD: ArgumentCheck = ([folder = ".", ...more]) => more.length === 0 && !/^[-+]/.test(folder);

/** `find` by what each word of its expression takes; actions that run, delete or write are not here. */
const FIND_WORDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    0: "-empty -print -print0 -not -o -or -a -and -prune -depth -xdev -mount -follow -daystart -readable -writable -executable -ls -quit -true -false -noleaf -nouser -nogroup -ignore_readdir_race ! ( ) ,",
    1: "-name -iname -path -ipath -wholename -iwholename -regex -iregex -regextype -type -xtype -maxdepth -mindepth -size -mtime -mmin -atime -amin -ctime -cmin -newer -anewer -cnewer -newermt -perm -user -group -uid -gid -links -inum -samefile -lname -ilname -fstype -used -printf",
  }).flatMap(([arity, words]) => words.split(" ").map((word) => [word, Number(arity)] as const)),
);

const FIND: ArgumentCheck = (args) => {
  const start = args.findIndex((word) => !/^-[HLP]$/.test(word));
  if (start === -1) return true;
  for (let at = start; at < args.length; at += 1) {
    const word = args[at] ?? "";
    const arity = FIND_WORDS.get(word);
    if (arity === undefined && /^[-(),!]/.test(word)) return false;
    at += arity ?? 0;
    if (at >= args.length) return false;
  }
  return true;
};

/** Programs that only read and print, but for what their checks refuse. Called by these names alone, never by a path. */
export const PROGRAMS: ReadonlyMap<string, ArgumentCheck> = new Map(
  Object.entries({
    ":": any,
    true: any,
    false: any,
    echo: any,
    cd: CD,
    pwd: listed({ flags: "LP", long: "logical physical" }, 0),
    test: TEST,
    command: ([option, ...names]) => option === "-v" && names.length === 1 && !names[0]?.startsWith("-"),
    which: listed({ flags: "as", long: "all" }),
    arch: listed({}, 0),
    basename: listed({ flags: "az", valued: "s", long: "multiple suffix= zero" }),
    cat: listed({
      flags: "AbeEnstTuv",
      long: "show-all number-nonblank show-ends number squeeze-blank show-tabs show-nonprinting version",
    }),
    cksum: listed({ flags: "z", valued: "a", long: "algorithm= zero untagged tag" }),
    cmp: listed({ flags: "bls", valued: "in", long: "print-bytes verbose silent quiet bytes= ignore-initial=" }),
    comm: listed({ flags: "123iz", long: "check-order nocheck-order output-delimiter= total zero-terminated" }),
    cut: listed({
      flags: "nsz",
      valued: "bcdf",
      long: "bytes= characters= delimiter= fields= complement only-delimited output-delimiter= zero-terminated",
    }),
    date: DATE,
    df: listed({
      flags: "aBhHiklmPT",
      valued: "tx",
      long: "all human-readable si inodes local portability print-type total",
    }),
    diff: DIFF,
    dirname: listed({ flags: "z", long: "zero" }),
    du: listed({
      flags: "0abcDhHklLmPsSx",
      valued: "dt",
      long: "all apparent-size bytes total human-readable si summarize separate-dirs one-file-system max-depth= exclude= threshold= time?",
    }),
    egrep: GREP,
    expand: listed({ flags: "i", valued: "t", long: "initial tabs=" }),
    fgrep: GREP,
    file: listed({
      flags: "bhiLkNnr0E",
      long: "brief mime mime-type mime-encoding dereference no-dereference keep-going version",
    }),
    find: FIND,
    fold: listed({ flags: "bs", valued: "w", long: "bytes spaces width=" }),
    grep: GREP,
    head: listed({
      flags: "qvz",
      valued: "nc",
      long: "lines= bytes= quiet silent verbose zero-terminated version",
      numbers: true,
    }),
    hostname: listed({ flags: "fsdiI", long: "fqdn long short domain" }, 0),
    id: listed({ flags: "agGnruzZ", long: "group groups name real user zero" }),
    jq: listed({
      flags: "rcesnSMCjaR",
      long: "raw-output compact-output exit-status slurp null-input sort-keys tab monochrome-output color-output join-output ascii-output raw-input indent= version",
    }),
    ls: LS,
    md5sum: DIGEST,
    nl: listed({
      flags: "p",
      valued: "bdfhilnsvw",
      long: "body-numbering= number-format= number-separator= number-width=",
    }),
    nproc: listed({ long: "all ignore=" }, 0),
    od: listed({
      flags: "abcdfhilosvx",
      valued: "AjNStw",
      long: "address-radix= skip-bytes= read-bytes= format= width?",
    }),
    paste: listed({ flags: "sz", valued: "d", long: "delimiters= serial" }),
    readlink: listed({ flags: "efmnqsvz", long: "canonicalize canonicalize-existing canonicalize-missing no-newline" }),
    realpath: listed({
      flags: "eLmPqsz",
      long: "canonicalize-existing canonicalize-missing logical physical strip no-symlinks relative-to= relative-base= zero",
    }),
    rev: listed({}),
    rg: RIPGREP,
    sed: SED,
    seq: listed({ flags: "w", valued: "fs", long: "equal-width format= separator=", numbers: true }),
    sha1sum: DIGEST,
    sha256sum: DIGEST,
    sha512sum: DIGEST,
    sleep: listed({}),
    sort: listed({
      flags: "bcCdfghiMmnRrsuVz",
      valued: "kt",
      long: "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort human-numeric-sort month-sort numeric-sort reverse version-sort check? merge key= field-separator= stable unique zero-terminated version",
    }),
    stat: listed({ flags: "fLtx", valued: "c", long: "dereference file-system format= printf= terse" }),
    tac: listed({ flags: "br", valued: "s", long: "before regex separator=" }),
    tail: listed({
      flags: "qvz",
      valued: "nc",
      long: "lines= bytes= quiet silent verbose zero-terminated version",
      numbers: true,
    }),
    tr: listed({ flags: "cCdst", long: "complement delete squeeze-repeats truncate-set1" }),
    tree: listed({
      flags: "adfilnpsuhgDFqNQrtUvcCJ",
      valued: "LPI",
      long: "dirsfirst filesfirst noreport charset= filelimit= gitignore inodes du prune sort= si matchdirs version",
    }),
    uname: listed(
      {
        flags: "amnprsvio",
        long: "all kernel-name nodename kernel-release kernel-version machine processor operating-system",
      },
      0,
    ),
    // A second operand is written to.
    uniq: listed(
      {
        flags: "cdDiuz",
        valued: "fsw",
        long: "count repeated all-repeated? unique ignore-case skip-fields= skip-chars= check-chars= zero-terminated group?",
      },
      1,
    ),
    wc: listed({ flags: "clLmw", long: "bytes chars lines words max-line-length total= version" }),
    whoami: listed({}, 0),
  } satisfies Record<string, ArgumentCheck>),
);
