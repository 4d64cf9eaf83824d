import { join } from "node:path";

/** Of the home folder. */
export const SESSIONS = "sessions";
export const ARCHIVED = "archived_sessions";

/** What a session file's name says. `time` as in the name: the local time of Codex, UTC in ours; it sorts. */
export interface RolloutName {
  readonly id: string;
  readonly time: string;
}

/** `sessions/YYYY/MM/DD/rollout-YYYY-MM-DDThh-mm-ss-<id>.jsonl` in the home folder, in UTC. */
export function rolloutPath(home: string, id: string, time: Date): string {
  const [day = "", clock = ""] = time.toISOString().slice(0, 19).split("T");
  return join(home, SESSIONS, ...day.split("-"), `rollout-${day}T${clock.replaceAll(":", "-")}-${id}.jsonl`);
}

const UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

/** After a revert, Codex starts another file of the same session, with one more id behind an underscore. */
const NAME = new RegExp(`^rollout-(\\d{4}-\\d{2}-\\d{2}T\\d{2}-\\d{2}-\\d{2})-(${UUID})(?:_${UUID})?\\.jsonl$`);

/** Undefined for names that are not those of session files. */
export function parseRolloutName(name: string): RolloutName | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : { time: match[1]!, id: match[2]!.toLowerCase() };
}
