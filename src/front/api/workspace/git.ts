import { dirname } from "node:path";
import type { Commands } from "./commands.js";

const TIMEOUT_MS = 20_000;
/** Bytes kept of what git says when it fails. */
const COMPLAINT = 1024;
/** Filters a repository may name; more is no honest repository. */
const MOST_FILTERS = 100;

/** Settings by which a repository would have git run something, or look elsewhere. What is given here wins over all files. */
const HARMLESS = [
  ...["core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.attributesFile=/dev/null"],
  ...["core.sshCommand=false", "core.gitProxy=", "credential.helper=", "protocol.allow=never", "gc.auto=0"],
  ...["diff.external=", "diff.noprefix=false", "diff.mnemonicPrefix=false", "submodule.recurse=false"],
];

const ENVIRONMENT = {
  GIT_ALLOW_PROTOCOL: "none",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C",
};

/** `lost`: bytes of the output that were not kept. */
export type GitOutput =
  | { readonly ok: true; readonly text: string; readonly lost: number }
  | { readonly ok: false; readonly reason: string };

/** Runs git in one repository. `keep`: bytes of output, of its beginning or of its end. */
export type Git = (
  args: readonly string[],
  keep: { readonly head: number; readonly tail: number },
) => Promise<GitOutput>;

/**
 * git for the repository at `root` (a folder that holds `.git`), for looking only. Nothing of the repository is run: no hooks,
 * no file system monitor, no pager, no filters, no fetching of what is missing; external diffs and text conversion are
 * left out by arguments. Where the machine has a sandbox, it runs within read-only walls all the same.
 */
export async function openGit(
  root: string,
  { commands, signal }: { readonly commands: Commands; readonly signal: AbortSignal },
): Promise<{ readonly ok: true; readonly git: Git } | { readonly ok: false; readonly reason: string }> {
  const plain = gitWith([], { root, commands, signal });
  const names = await plain(["config", "--list", "--name-only", "-z"], { head: 1024 * 1024, tail: 0 });
  if (!names.ok) return names;
  const filters = filtersIn(names.text.split("\0"));
  if (names.lost > 0 || filters.size > MOST_FILTERS) return { ok: false, reason: "its settings are too many" };
  // `-c` ends the name at the first `=`: such a filter could not be switched off.
  if ([...filters].some((name) => name.includes("="))) return { ok: false, reason: "a filter's name holds a =" };
  const off = [...filters].flatMap((name) =>
    ["clean=", "smudge=", "process=", "required=false"].map((setting) => `filter.${name}.${setting}`),
  );
  return { ok: true, git: gitWith(off, { root, commands, signal }) };
}

function filtersIn(names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => /^filter\.(.*)\.[^.]*$/is.exec(name)?.[1] ?? []));
}

function gitWith(
  settings: readonly string[],
  { root, commands, signal }: { readonly root: string; readonly commands: Commands; readonly signal: AbortSignal },
): Git {
  const own = Object.entries(commands.config.commandEnv).filter(([name]) => !name.startsWith("GIT_"));
  const env = { ...Object.fromEntries(own), ...ENVIRONMENT, GIT_CEILING_DIRECTORIES: dirname(root) };
  const given = [...HARMLESS, ...settings].flatMap((setting) => ["-c", setting]);
  // The work tree is the folder asked for, whatever the repository's settings say.
  const argv = ["git", "--no-pager", "--literal-pathspecs", "--no-replace-objects", `--work-tree=${root}`, ...given];
  return async (args, keep) => {
    const ran = await commands.run(
      {
        argv: [...argv, ...args],
        cwd: root,
        env,
        timeoutMs: TIMEOUT_MS,
        policy: { mode: "read-only" },
        unconfined: "run",
        keep,
      },
      signal,
    );
    signal.throwIfAborted();
    if (!ran.ok) return ran;
    const { exit } = ran;
    if (exit.end === "timed_out") return { ok: false, reason: `git took more than ${TIMEOUT_MS / 1000} s` };
    if (exit.end !== "exited" || exit.code !== 0) {
      const complaint = exit.stderr.parts().head.trim().slice(0, COMPLAINT);
      return { ok: false, reason: complaint || (exit.error ?? "git failed") };
    }
    const { head, tail, cut } = exit.stdout.parts();
    return { ok: true, text: head + tail, lost: cut };
  };
}
