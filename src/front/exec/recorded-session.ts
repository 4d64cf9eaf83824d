import { resolve } from "node:path";
import { isFolder } from "../../base/index.js";
import { findHome } from "../../config/index.js";
import type { Conversation, Conversations, OpenedConversation } from "../../engine/index.js";
import { findSession, lastSession, readLastContext } from "../../rollout/index.js";
import type { FrontDeps } from "../host/index.js";
import type { Prepared, Refused } from "./prepare.js";
import type { ExecArgs, SessionChoice } from "./run-flags.js";

/** A session that was found, and the folder that its last turn worked in, if that is still there. */
export interface FoundTarget {
  readonly ok: true;
  readonly path: string;
  readonly id: string;
  readonly cwd: string | undefined;
}

/** Finds the session that a run is to go on with. */
export async function findTarget(
  choice: SessionChoice,
  args: ExecArgs,
  deps: FrontDeps,
): Promise<FoundTarget | Refused> {
  const home = findHome(deps.env, deps.cwd);
  if (home === undefined) return { ok: false, message: "no home folder: set BELAY_HOME or HOME" };
  const folder = choice.everywhere ? undefined : resolve(deps.cwd, args.cwd ?? ".");
  const found = choice.source === undefined ? lastSession(home, folder) : findSession(home, choice.source);
  if (!found.ok) return found;
  const { id, path, cwd } = found.session;
  try {
    const context = await readLastContext(path, { home, signal: new AbortController().signal });
    const folders = [context?.cwd, cwd].filter((one) => one !== undefined && isFolder(one));
    return { ok: true, id, path, cwd: folders[0] };
  } catch (error) {
    // A file that can't be read can't be gone on with either.
    return { ok: false, message: `${path}: ${(error as Error).message}` };
  }
}

/** Opens the session that was found, with the settings that options name and the session's own for the rest. */
export function openTarget(
  conversations: Conversations,
  target: FoundTarget,
  { args, prepared }: { readonly args: ExecArgs; readonly prepared: Prepared },
): Promise<OpenedConversation> {
  const init = { source: target.path, config: prepared.config, chosen: chosenBy(args) };
  if (args.session?.kind !== "fork") return conversations.resume(init);
  return conversations.fork({ ...init, atTurn: args.session.atTurn });
}

/** What a new conversation is, in the words of an opened one. */
export function startNew(conversation: Conversation, { config }: Prepared): Extract<OpenedConversation, { ok: true }> {
  return { ok: true, conversation, settings: { ...config, outputSchema: undefined } };
}

/** The settings that the command line says something of. */
function chosenBy(args: ExecArgs) {
  const keys = new Set(args.overrides.map((override) => override.split("=", 1)[0]?.trim()));
  const profile = args.profile !== undefined;
  const named = {
    cwd: args.cwd !== undefined,
    model: args.model !== undefined || args.oss || keys.has("model") || profile,
    effort: keys.has("model_reasoning_effort") || profile,
    summary: keys.has("model_reasoning_summary") || profile,
    sandboxPolicy: args.sandbox !== undefined || keys.has("sandbox_mode"),
    // Nobody is there to be asked.
    approvalPolicy: true,
  };
  const names = Object.keys(named) as (keyof typeof named)[];
  return new Set(names.filter((name) => named[name]));
}
