import { join, resolve } from "node:path";
import { findHome } from "../../config/index.js";
import { applyAtOnce, applyPlan, parsePatch, planPatch, recoverPatches } from "../../patch/index.js";
import type { FileChange } from "../../protocol/index.js";
import { type FrontDeps, SIGNAL_EXIT_CODES, type StopSignal, sanitise } from "../host/index.js";

/** What the command line of `belay apply-patch` asks for. */
export interface ApplyPatchArgs {
  /** The patch; undefined or "-": stdin. */
  readonly patch: string | undefined;
  /** Relative to the folder the program was started in. */
  readonly folder: string | undefined;
  readonly check: boolean;
  readonly json: boolean;
}

/** Bytes of patch read from stdin at most. */
const PATCH_LIMIT = 256 * 1024 * 1024;
const USAGE_EXIT_CODE = 2;

type Outcome =
  | { readonly ok: true; readonly summary: string; readonly changes: Readonly<Record<string, FileChange>> }
  | { readonly ok: false; readonly message: string };

export async function runApplyPatch(args: ApplyPatchArgs, deps: FrontDeps): Promise<number> {
  const text = args.patch === undefined || args.patch === "-" ? await readPatch(deps) : args.patch;
  if (text === undefined) return USAGE_EXIT_CODE;
  const stop = new AbortController();
  let stopped: StopSignal | undefined;
  deps.signals.onStop((signal) => {
    stopped = signal;
    stop.abort();
  });
  const outcome = await patchFolder(text, args, { deps, signal: stop.signal });
  report(outcome, args, deps);
  if (outcome.ok) return 0;
  return stopped === undefined ? 1 : SIGNAL_EXIT_CODES[stopped];
}

interface Surroundings {
  readonly deps: FrontDeps;
  readonly signal: AbortSignal;
}

async function patchFolder(text: string, args: ApplyPatchArgs, { deps, signal }: Surroundings): Promise<Outcome> {
  const home = findHome(deps.env, deps.cwd);
  if (home === undefined)
    return { ok: false, message: "no home folder: set BELAY_HOME to a folder that can be written" };
  const journal = join(home, "patches");
  if (!args.check) await recoverPatches(journal);
  const parsed = parsePatch(text);
  if (!parsed.ok) return parsed;
  const cwd = resolve(deps.cwd, args.folder ?? ".");
  if (!args.check && !args.json) {
    const applied = await applyAtOnce(parsed.patch, { cwd, signal, journal });
    return applied.ok ? { ...applied, changes: {} } : applied;
  }
  const planned = await planPatch(parsed.patch, { cwd, signal, describe: args.json ? "changes" : "nothing" });
  if (!planned.ok) return planned;
  const { plan } = planned;
  if (!args.check) {
    const applied = await applyPlan(plan, { signal, journal });
    if (!applied.ok) return applied;
  }
  return { ok: true, summary: plan.summary, changes: plan.changes };
}

function report(outcome: Outcome, args: ApplyPatchArgs, { stdout, stderr }: FrontDeps): void {
  if (args.json) {
    void stdout.write(`${JSON.stringify({ ...outcome, applied: outcome.ok && !args.check })}\n`);
  } else if (!outcome.ok) {
    void stderr.write(`belay apply-patch: ${stderr.isTTY ? sanitise(outcome.message) : outcome.message}\n`);
  } else if (args.check) {
    void stdout.write(outcome.summary.replace(/^[^\n]*/, "The patch applies. It would change:"));
  } else {
    void stdout.write(outcome.summary);
  }
}

async function readPatch({ stdin, stderr }: FrontDeps): Promise<string | undefined> {
  if (stdin.kind === "terminal") void stderr.write("reading the patch from the terminal; Ctrl-D ends it\n");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    bytes += chunk.length;
    if (bytes > PATCH_LIMIT) {
      void stderr.write(`belay apply-patch: stdin delivers more than ${PATCH_LIMIT} bytes\n`);
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
