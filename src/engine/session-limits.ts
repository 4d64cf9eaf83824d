import type { Clock } from "../base/index.js";
import type { Config } from "../config/index.js";
import { collectGarbage, isGcDue } from "../rollout/index.js";

/** Once a day: deletes what is past the user's limits for recorded sessions; what the user should know of it. */
export async function keepToLimits({ home, sessionLimits: limits }: Config, clock: Clock): Promise<string[]> {
  if (limits.maxBytes === undefined && limits.keepDays === undefined) return [];
  const now = clock.now();
  if (!isGcDue(home, now)) return [];
  try {
    const { deleted } = collectGarbage({ home, limits, now, dryRun: false, unusedBlobs: "when sessions go" });
    if (deleted.length === 0) return [];
    const { removeCheckpoints } = await import("../checkpoint/index.js");
    removeCheckpoints(
      home,
      deleted.map(({ id }) => id),
      { now, atRest: false },
    );
    const which = deleted.some(({ why }) => why === "old") ? "keep_days" : "max_bytes";
    return [
      `${deleted.length} sessions past the limits of config.toml were deleted (sessions.${which}; belay sessions gc)`,
    ];
  } catch (error) {
    // What can't be tidied up today is tomorrow's: a conversation must not fail by it.
    return [`recorded sessions could not be tidied up: ${(error as Error).message}`];
  }
}
