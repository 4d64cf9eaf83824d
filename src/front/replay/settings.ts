import { join, relative, resolve } from "node:path";
import { isFolder } from "../../base/index.js";
import { type Config, DEFAULT_MODEL, loadConfig } from "../../config/index.js";
import type { SandboxPolicy } from "../../protocol/index.js";
import type { Scratch } from "./scratch.js";
import type { ScriptedTurn } from "./script.js";
import type { StageSettings } from "./stage.js";

type Env = Readonly<Record<string, string | undefined>>;

/** What commands of a record get of the user's environment: no value that is anybody's secret, no home folder. */
const PASSED = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "SHELL", "TZ"];

/**
 * The configuration of a replay: built in, with folders of its own and nothing of the user's settings. No provider is asked, so
 * none needs a key. Throws when it can't be made, which would be a bug.
 */
export async function replayConfig(env: Env, { work, home, user, tmp }: Scratch): Promise<Config> {
  const passed = Object.fromEntries(PASSED.map((name) => [name, env[name]]));
  const loaded = await loadConfig({
    env: { ...passed, HOME: user, BELAY_HOME: home, TMPDIR: tmp },
    cwd: work,
    profile: undefined,
    overrides: ['model_provider="demo"', `model="${DEFAULT_MODEL}"`],
    flags: { approvalPolicy: "never", sandboxMode: "workspace-write" },
  });
  if (!loaded.ok) throw new Error(loaded.message);
  // The record says where it was compacted; how large the model's window is no longer counts.
  return { ...loaded.config, contextWindow: undefined, autoCompactTokenLimit: Number.MAX_SAFE_INTEGER };
}

/** `root`: the folder of the record, whose place `work` takes. */
export function stageSettings(root: string | undefined, work: string): StageSettings {
  return {
    model: DEFAULT_MODEL,
    cwdOf: ({ context }) => placeOf(context?.cwd, root, work) ?? work,
    policyOf: ({ context }) => narrowed(context?.sandbox_policy),
  };
}

/** The turns whose folder is not below the record's own. */
export function turnsElsewhere(turns: readonly ScriptedTurn[], root: string | undefined, work: string): number[] {
  return turns
    .filter(({ context }) => context?.cwd !== undefined && placeOf(context.cwd, root, work) === undefined)
    .map(({ n }) => n);
}

function placeOf(cwd: string | undefined, root: string | undefined, work: string): string | undefined {
  if (cwd === undefined || root === undefined) return undefined;
  const below = relative(resolve("/", root), resolve("/", cwd));
  if (below === ".." || below.startsWith("../")) return undefined;
  const place = join(work, below);
  return isFolder(place) ? place : undefined;
}

/**
 * Never wider than recorded, and never wider than the copy: a record is anybody's text. Its own writable folders are those of
 * another machine, and what it could send through the network is what you can read.
 */
function narrowed(recorded: SandboxPolicy | undefined): SandboxPolicy {
  if (recorded?.mode === "read-only") return recorded;
  return {
    mode: "workspace-write",
    writable_roots: [],
    network_access: false,
    exclude_slash_tmp: true,
    exclude_tmpdir_env_var: recorded?.mode === "workspace-write" && recorded.exclude_tmpdir_env_var,
  };
}
