import { type ApplyFailure, type ApplyOptions, applyPlan } from "./apply.js";
import type { Patch, Refusal } from "./patch.js";
import { planPatch } from "./plan.js";

export interface AtOnceOptions extends ApplyOptions {
  /** Absolute; relative paths of the patch start there. */
  readonly cwd: string;
  /** From so many sections on, hunks are placed when their file is staged. */
  readonly lateFrom?: number;
}

/** Of fewer files, a patch that does not fit should leave no trace, not even for a moment; more take long to be held. */
const MANY = 32;

/** Works out a patch and applies all of it, or nothing, for who shows nothing of it before. */
export async function applyAtOnce(
  patch: Patch,
  { cwd, lateFrom = MANY, ...options }: AtOnceOptions,
): Promise<{ readonly ok: true; readonly summary: string } | Refusal | ApplyFailure> {
  const ways = patch.sections.length >= lateFrom ? (["late", "now"] as const) : (["now"] as const);
  for (const place of ways) {
    const planned = await planPatch(patch, { ...options, cwd, place, describe: "nothing" });
    if (!planned.ok) {
      // Why, and where first, only a plan in full tells.
      if (place === "late") continue;
      return planned;
    }
    const applied = await applyPlan(planned.plan, options);
    if (applied.ok) return { ok: true, summary: planned.plan.summary };
    if (applied.kind !== "unfit") return applied;
  }
  throw new Error("a plan in full is never unfit");
}
