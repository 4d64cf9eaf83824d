import { resolve } from "node:path";
import { isFolder } from "../../base/index.js";
import {
  changeTrust,
  findHome,
  type JudgedFolder,
  judgeProject,
  loadConfig,
  PROJECT_FILES,
  readTrust,
  recordOf,
  trustPath,
} from "../../config/index.js";
import { type FrontDeps, makeStyle, readAnswer, wantsColor } from "../host/index.js";
import { reveal } from "./reveal.js";
import { reviewFolder } from "./review.js";

/** What the command line of `belay trust` asks for. */
export interface TrustArgs {
  /** As typed; undefined: the current folder. */
  readonly folder: string | undefined;
  readonly action: "review" | "list" | "remove";
  /** Without asking. */
  readonly yes: boolean;
}

const USAGE_EXIT_CODE = 2;
const REFUSED_EXIT_CODE = 1;

interface Asked {
  readonly deps: FrontDeps;
  readonly home: string;
  /** Absolute. */
  readonly folder: string;
  readonly yes: boolean;
}

export async function runTrust(args: TrustArgs, deps: FrontDeps): Promise<number> {
  const home = findHome(deps.env, deps.cwd);
  if (home === undefined) return fail(deps, "no home folder: set BELAY_HOME or HOME", USAGE_EXIT_CODE);
  const asked: Asked = { deps, home, folder: resolve(deps.cwd, args.folder ?? "."), yes: args.yes };
  if (args.action === "list") return list(asked);
  if (args.action === "remove") return remove(asked);
  if (!isFolder(asked.folder)) return fail(deps, `${asked.folder}: there is no such folder`, USAGE_EXIT_CODE);
  return review(asked);
}

async function review({ deps, home, folder, yes }: Asked): Promise<number> {
  const { folders, storeProblem } = judgeProject({ env: deps.env, home, cwd: folder });
  if (storeProblem !== undefined) return fail(deps, storeProblem, REFUSED_EXIT_CODE);
  if (folders.length === 0) {
    void deps.stdout.write(
      `${reveal(folder)}: nothing to trust (no ${PROJECT_FILES.join(", ")} from the git root down)\n`,
    );
    return 0;
  }
  const style = makeStyle(wantsColor("auto", { env: deps.env, isTTY: deps.stdout.isTTY }));
  const wrong: string[] = [];
  for (const one of folders) {
    const reviewed = await reviewFolder(one, style);
    await deps.stdout.write(reviewed.text);
    wrong.push(...one.unreadable.map(({ path, why }) => `${path}: ${why}`), ...reviewed.wrong);
  }
  if (wrong.length > 0)
    return fail(deps, `nothing was trusted; first mend this:\n${wrong.join("\n")}`, REFUSED_EXIT_CODE);
  const pending = folders.filter(({ state }) => state !== "trusted");
  if (pending.length === 0) return 0;
  const refused = await refusal(folder, deps);
  if (refused !== undefined) return fail(deps, refused, REFUSED_EXIT_CODE);
  if (!yes && !(await confirm(deps))) return REFUSED_EXIT_CODE;
  return trust(pending, { deps, home });
}

/** What the user wrote in config.toml stands above what is answered here. */
async function refusal(folder: string, deps: FrontDeps): Promise<string | undefined> {
  const loaded = await loadConfig({ env: deps.env, cwd: folder, overrides: [], flags: {} });
  // A mistake in the settings is told by whoever needs them.
  if (!loaded.ok || loaded.config.projectTrust !== "untrusted") return undefined;
  return `your config.toml gives ${folder} the trust_level "untrusted": nothing in it counts until you change that`;
}

async function confirm({ stdin, stdout, stderr }: FrontDeps): Promise<boolean> {
  if (stdin.kind !== "terminal" || !stdout.isTTY) {
    void stderr.write("belay: nobody can be asked here, so nothing was trusted; --yes trusts what is shown\n");
    return false;
  }
  await stdout.write("Trust exactly this? When it changes, it is ignored until you look again. [y/N] ");
  const answer = await readAnswer(stdin);
  if (/^y(?:es)?$/i.test(answer.trim())) return true;
  void stdout.write("Nothing was trusted.\n");
  return false;
}

/** Stores the texts that were shown, not what is on disk by now. */
function trust(pending: readonly JudgedFolder[], { deps, home }: Pick<Asked, "deps" | "home">): number {
  const now = deps.clock.now();
  const changes = new Map(
    pending.map(({ key, files }) => [key, files.length === 0 ? undefined : recordOf(files, now)]),
  );
  const problem = changeTrust(home, changes, uniqueName(deps));
  if (problem !== undefined) return fail(deps, problem, REFUSED_EXIT_CODE);
  for (const { key, files } of pending) {
    const what = files.length === 0 ? "nothing is trusted any more" : "trusted in this content";
    void deps.stdout.write(`${reveal(key)}: ${what}\n`);
  }
  return 0;
}

function list({ deps, home }: Asked): number {
  const stored = readTrust(home);
  if (!stored.ok) return fail(deps, stored.message, REFUSED_EXIT_CODE);
  if (stored.records.size === 0) void deps.stdout.write(`no folder is trusted (${trustPath(home)})\n`);
  for (const [key, { trustedAt }] of [...stored.records].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { folders } = judgeProject({ env: deps.env, home, cwd: key });
    const state = folders.find((folder) => folder.key === key)?.state;
    const now = state === "trusted" ? "unchanged" : state === undefined ? "not there any more" : "changed, so ignored";
    void deps.stdout.write(`${reveal(key)}: trusted on ${reveal(trustedAt)}; ${now}\n`);
  }
  return 0;
}

/** Forgets what a review of the same folder would store; also of a folder that is gone. */
function remove({ deps, home, folder }: Asked): number {
  const stored = readTrust(home);
  if (!stored.ok) return fail(deps, stored.message, REFUSED_EXIT_CODE);
  const { folders } = judgeProject({ env: deps.env, home, cwd: folder });
  const keys = new Set([folder, ...folders.map(({ key }) => key)].filter((key) => stored.records.has(key)));
  if (keys.size === 0) return fail(deps, `${folder}: was not trusted`, REFUSED_EXIT_CODE);
  const problem = changeTrust(home, new Map([...keys].map((key) => [key, undefined])), uniqueName(deps));
  if (problem !== undefined) return fail(deps, problem, REFUSED_EXIT_CODE);
  for (const key of keys) void deps.stdout.write(`${reveal(key)}: trusted no more\n`);
  return 0;
}

function uniqueName(deps: FrontDeps): string {
  return Buffer.from(deps.random(6)).toString("hex");
}

function fail({ stderr }: FrontDeps, message: string, code: number): number {
  void stderr.write(`${reveal(message).replace(/^/gm, "belay: ")}\n`);
  return code;
}
