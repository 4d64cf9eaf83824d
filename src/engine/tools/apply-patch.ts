import { realpath } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { applyPlan, insideRoots, type PatchPlan, parsePatch, planPatch } from "../../patch/index.js";
import { argumentsReader } from "./arguments.js";
import { decidePatch } from "./decision.js";
import type { Tool, ToolContext, ToolOutput } from "./tool.js";

const read = argumentsReader(v.object({ input: v.string() }));

const DESCRIPTION = `Edits files: all of the patch is applied, or nothing. Paths are relative to the current folder.

*** Begin Patch
*** Add File: path
+every line of the new file
*** Delete File: path
*** Update File: path
*** Move to: new/path        (optional)
@@ a line that stands above the change, such as a function's head   (optional)
 unchanged line
-removed line
+added line
*** End Patch

Give about three unchanged lines around each change, exactly as they stand in the file.`;

/** `apply_patch`: edits files, all or nothing. */
export const applyPatchTool: Tool = {
  name: "apply_patch",
  spec: {
    type: "function",
    name: "apply_patch",
    description: DESCRIPTION,
    parameters: {
      type: "object",
      properties: { input: { type: "string", description: "The patch." } },
      required: ["input"],
      additionalProperties: false,
    },
  },
  parallel: () => false,
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const parsed = parsePatch(args.value.input);
    if (!parsed.ok) return { status: "failed", output: `invalid patch: ${parsed.message}` };
    const planned = await planPatch(parsed.patch, { cwd: context.settings.cwd });
    if (!planned.ok)
      return { status: "failed", output: `the patch does not apply, nothing was changed: ${planned.message}` };
    return decideAndApply(planned.plan, context);
  },
};

async function decideAndApply(plan: PatchPlan, context: ToolContext): Promise<ToolOutput> {
  const inside = insideRoots(plan.paths, await writableRoots(context));
  const decision = decidePatch(context.settings, { inside });
  if (decision.kind === "refuse") return { status: "failed", output: decision.reason, declined: true };
  if (decision.kind === "ask") {
    const answer = await context.approve({
      type: "apply_patch_approval_request",
      call_id: context.callId,
      changes: { ...plan.changes },
      reason: decision.reason ?? null,
      grant_root: null,
    });
    if (answer !== "approved" && answer !== "approved_for_session") {
      return { status: "failed", output: "patch rejected by user", declined: true };
    }
  }
  return apply(plan, { context, asked: decision.kind === "ask" });
}

async function apply(
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
  const applied = await applyPlan(plan, { signal: context.signal, journal: join(context.stateDir, "patches") });
  if (applied.ok) context.recordChanges(plan.changes);
  void context.emit({
    type: "patch_apply_end",
    call_id: callId,
    stdout: applied.ok ? plan.summary : "",
    stderr: applied.ok ? "" : applied.message,
    success: applied.ok,
  });
  if (applied.ok) return { status: "done", output: plan.summary };
  if (context.signal.aborted) return { status: "cut", output: "Nothing of the patch was applied." };
  return { status: "done", output: `the patch was not applied, nothing was changed: ${applied.message}` };
}

/** Where patches may write without asking, with links resolved; folders that do not exist are left out. */
async function writableRoots({ settings, env }: ToolContext): Promise<string[]> {
  const { sandboxPolicy: policy, cwd } = settings;
  if (policy.mode !== "workspace-write") return [];
  const roots = [
    cwd,
    ...policy.writable_roots,
    ...(policy.exclude_slash_tmp ? [] : ["/tmp"]),
    ...(policy.exclude_tmpdir_env_var || env.TMPDIR === undefined ? [] : [env.TMPDIR]),
  ];
  const real = await Promise.all(
    roots.map((root) =>
      // A root that does not exist grants nothing.
      realpath(root).catch(() => undefined),
    ),
  );
  return real.filter((root) => root !== undefined);
}
