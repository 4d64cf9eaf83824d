import { dirname, join, relative, sep } from "node:path";
import * as v from "valibot";
import { applyPlan, insideRoots, type PatchPlan, parsePatch, planPatch, realRoots } from "../../patch/index.js";
import { type Decoded, type Fields, plainName } from "../../protocol/index.js";
import { guardedPlaces } from "../../sandbox/index.js";
import { argumentsReader, problemOf } from "./arguments.js";
import { decidePatch } from "./decision.js";
import { PATCH_CUSTOM, PATCH_FUNCTION } from "./patch-grammar.js";
import type { Tool, ToolContext, ToolOutput } from "./tool.js";

const ROOTED = "Paths in a patch are relative to the current folder: write them so.";
const AT_ONCE = "A patch is applied as it stands, at once.";

const PATH_NAMES = new Set(["path", "file", "filepath", "filename", "targetfile"]);

const read = argumentsReader(
  { tool: "apply_patch", schema: v.object({ input: v.string() }) },
  {
    aliases: {
      patch: "input",
      diff: "input",
      content: "input",
      text: "input",
      patchtext: "input",
      applypatch: "input",
    },
    meaningful: {
      ...{ workdir: ROOTED, cwd: ROOTED, workingdirectory: ROOTED, directory: ROOTED, dir: ROOTED, root: ROOTED },
      ...{ dryrun: AT_ONCE, check: AT_ONCE, checkonly: AT_ONCE, reverse: AT_ONCE, revert: AT_ONCE },
    },
    // The patch as a JSON text, or as the one entry of a list.
    fieldsOf: (value) => {
      const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
      return typeof only === "string" && isPatch(only) ? { input: only } : undefined;
    },
    adapt: withOwnPaths,
  },
);

/**
 * The fields with the patch out of an argv of `apply_patch`. A patch that is given beside a path says itself which files it is
 * for: one that does not name the path is for another.
 */
function withOwnPaths(fields: Fields): Decoded<Fields> {
  const { command } = fields;
  const argv = Array.isArray(command) && command.length === 2 && command[0] === "apply_patch" ? command : [];
  const input = fields.input ?? argv[1];
  for (const [name, value] of Object.entries(fields)) {
    if (!PATH_NAMES.has(plainName(name)) || typeof value !== "string" || value === "") continue;
    if (typeof input === "string" && input.includes(value)) continue;
    return { ok: false, message: `${name}: there is no such field: the lines of the patch name its files` };
  }
  return { ok: true, value: { ...fields, input } };
}

function isPatch(text: string): boolean {
  return /^\s*\*\*\*\s*Begin Patch/.test(text);
}

/** `apply_patch`: edits files, all or nothing. As a custom tool its input is the patch itself. */
export const applyPatchTool: Tool = {
  name: "apply_patch",
  spec: PATCH_FUNCTION,
  customSpec: PATCH_CUSTOM,
  problem: (text) => problemOf(readPatchCall(text)),
  parallel: () => false,
  run: async (call, context) => {
    const args = readPatchCall(call.arguments);
    if (args.ok) return runPatch(args.value.input, context.settings.cwd, context);
    return { status: "failed", output: args.message };
  },
};

/** The patch of a call; as custom tools give it, and as models sometimes write it into a function call, it is the whole text. */
function readPatchCall(text: string): Decoded<{ readonly input: string }> {
  const args = read(text);
  if (args.ok || text.trimStart().startsWith("{") || !text.includes("*** Begin Patch")) return args;
  return { ok: true, value: { input: text } };
}

/** Folder of the journals by which a killed patch is finished or undone, in the home folder. */
export function patchJournal(home: string): string {
  return join(home, "patches");
}

/** Parses, checks against the files in `cwd`, asks where a person must, and applies: the one way a tool edits files. */
export async function runPatch(text: string, cwd: string, context: ToolContext): Promise<ToolOutput> {
  const parsed = parsePatch(text);
  if (!parsed.ok) return { status: "failed", output: `invalid patch: ${parsed.message}` };
  const planned = await planPatch(parsed.patch, { cwd, signal: context.signal });
  context.signal.throwIfAborted();
  if (!planned.ok)
    return { status: "failed", output: `the patch does not apply, nothing was changed: ${planned.message}` };
  const { plan } = planned;
  const roots = writableRoots(context);
  const inside = insideRoots(plan.paths, roots) && !plan.paths.some(forbiddenIn(roots, context));
  const decision = decidePatch(context.settings, { inside });
  if (decision.kind === "refuse") return { status: "failed", output: decision.reason, declined: true };
  if (decision.kind === "run") return apply(plan, { context, asked: false });
  const answer = await context.approve({
    type: "apply_patch_approval_request",
    call_id: context.callId,
    changes: { ...plan.changes },
    reason: decision.reason ?? null,
    grant_root: null,
  });
  if (answer === "approved" || answer === "approved_for_session") return apply(plan, { context, asked: true });
  return { status: "failed", output: "patch rejected by user", declined: true };
}

function apply(plan: PatchPlan, how: { context: ToolContext; asked: boolean }): Promise<ToolOutput> {
  return how.context.undoably({ files: plan.paths }, () => applyUndoably(plan, how));
}

async function applyUndoably(
  plan: PatchPlan,
  { context, asked }: { context: ToolContext; asked: boolean },
): Promise<ToolOutput> {
  context.signal.throwIfAborted();
  const { callId } = context;
  void context.emit({
    type: "patch_apply_begin",
    call_id: callId,
    auto_approved: !asked,
    changes: { ...plan.changes },
  });
  const applied = await applyPlan(plan, { signal: context.signal, journal: patchJournal(context.home) });
  void context.emit({
    type: "patch_apply_end",
    call_id: callId,
    stdout: applied.ok ? plan.summary : "",
    stderr: applied.ok ? "" : applied.message,
    success: applied.ok,
  });
  if (applied.ok) {
    await context.recordChanges(plan.files);
    return { status: "done", output: plan.summary };
  }
  if (applied.kind === "cancelled") return { status: "cut", output: "Nothing of the patch was applied." };
  return { status: "done", output: `the patch was not applied: ${applied.message}` };
}

/** Folders whose files make other programs run things: inside a writable root they are not the model's to write. */
const GUARDED = new Set([".git", ".belay", ".codex", ".agents", ".vscode", ".idea"]);

/** Tells whether a path is not for the model to write although it is in a writable root. Looks at the disk once for all paths. */
function forbiddenIn(roots: readonly string[], { home, settings }: ToolContext): (path: string) => boolean {
  const guarded = guardedPlaces(roots);
  const homes = realRoots([home]);
  // The home folder (rules, trust, settings, sessions) may lie in the project; one that holds the project is closed in its own files.
  const holdsProject = insideRoots(realRoots([settings.cwd]), homes);
  return (path) =>
    // By such a name wherever it lies, or what commands can't write there either.
    insideRoots(path, guarded) ||
    roots.some((root) => hasGuardedName(path, root)) ||
    homes.includes(dirname(path)) ||
    (!holdsProject && insideRoots(path, homes));
}

function hasGuardedName(path: string, root: string): boolean {
  const below = relative(root, path).split(sep);
  return below[0] !== ".." && below.some((part) => GUARDED.has(part.toLowerCase()));
}

/** Where patches may write without asking, with links resolved. */
function writableRoots({ settings, env }: ToolContext): string[] {
  const { sandboxPolicy: policy, cwd } = settings;
  if (policy.mode !== "workspace-write") return [];
  return realRoots([
    cwd,
    ...policy.writable_roots,
    ...(policy.exclude_slash_tmp ? [] : ["/tmp"]),
    ...(policy.exclude_tmpdir_env_var || env.TMPDIR === undefined ? [] : [env.TMPDIR]),
  ]);
}
