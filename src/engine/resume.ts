import { newId } from "../base/index.js";
import type { Config } from "../config/index.js";
import {
  type CallOutcome,
  type InputItem,
  isMade,
  type ResponseItem,
  type TerminalMsg,
  type TokenUsage,
} from "../protocol/index.js";
import {
  type Damage,
  findSession,
  forkSession,
  type Holder,
  lockSession,
  type RestoredSession,
  RolloutWriter,
  restoreSession,
} from "../rollout/index.js";
import { killedMessage, LOST_OUTPUTS } from "./context.js";
import { remedyFor } from "./disk-remedy.js";
import { headOf, Recorder } from "./recorder.js";
import { type ChosenSettings, restoreSettings } from "./restored-settings.js";
import { type Settings, settingsOf } from "./settings.js";
import type { EngineDeps } from "./types.js";

/** Which session, and how it goes on. */
export interface ResumeInit {
  /** Its id, the beginning of one, its name, or the path of its file. */
  readonly source: string;
  readonly config: Config;
  /** Settings of `config` that win over the record's. */
  readonly chosen?: ChosenSettings;
}

export interface ForkInit extends ResumeInit {
  /** The last turn that the fork has, from 1; all of them without it. */
  readonly atTurn?: number | undefined;
}

/** Why a session can't be resumed or forked. `message` is for people. */
export interface NotOpened {
  readonly ok: false;
  readonly reason: "not_found" | "ambiguous" | "in_use" | "unreadable";
  readonly message: string;
}

/** What a conversation begins with when it is not new. */
export interface Resumed {
  readonly id: string;
  readonly recorder: Recorder;
  readonly items: readonly ResponseItem[];
  readonly settings: Settings;
  /** The tokens of all requests so far, as far as they are on record. */
  readonly usage: TokenUsage | undefined;
  /** For people: settings that changed, what of the record was lost. */
  readonly notices: readonly string[];
  /** The end of a turn that a kill has cut: on record by now, and to be told. */
  readonly killed: { readonly turnId: string; readonly msg: TerminalMsg } | undefined;
  readonly unusedInput: readonly (readonly InputItem[])[];
  /** The number of the next submission. */
  readonly nextSubmission: number;
}

export type OpenedSession = { readonly ok: true; readonly resumed: Resumed } | NotOpened;

interface Context {
  readonly deps: EngineDeps;
  readonly signal: AbortSignal;
}

/** Takes a session for this process and reads it. */
export async function openResumed(init: ResumeInit, { deps, signal }: Context): Promise<OpenedSession> {
  const { home } = init.config;
  const found = findSession(home, init.source);
  if (!found.ok) return found;
  const { id, path } = found.session;
  try {
    const locked = await lockSession(home, id, { ...deps, signal });
    if (!locked.ok) return inUse(id, locked.holder);
    try {
      const restored = await restoreSession({ home, path, texts: LOST_OUTPUTS, signal });
      const writer = RolloutWriter.continue({ home, clock: deps.clock, start: restored.start });
      const head = restored.meta ?? headOf({ id, config: init.config, deps });
      const { context, contextAt: at, usage } = restored;
      const known = { context: at === undefined || context === undefined ? undefined : { context, at }, usage };
      const recorder = new Recorder({ id, home, writer, head, isNew: false, known, lock: locked.lock, deps });
      return { ok: true, resumed: goOn({ ...restored, id }, { recorder, writer, init }) };
    } catch (error) {
      locked.lock.release();
      throw error;
    }
  } catch (error) {
    return unreadable({ path, home, error, signal });
  }
}

/** Makes a session that begins as another does, and takes it for this process. */
export async function openFork(init: ForkInit, context: Context): Promise<OpenedSession> {
  const found = findSession(init.config.home, init.source);
  if (!found.ok) return found;
  const { deps, signal } = context;
  try {
    const forked = await forkSession({
      home: init.config.home,
      clock: deps.clock,
      signal,
      path: found.session.path,
      id: newId(deps),
      atTurn: init.atTurn,
      version: deps.version,
      texts: LOST_OUTPUTS,
    });
    if (!forked.ok) {
      const remedy = remedyFor(forked.failure ?? "", init.config.home);
      const message = remedy === undefined ? forked.message : `${forked.message}; ${remedy}`;
      return { ok: false, reason: "unreadable", message };
    }
    return await openResumed({ ...init, source: forked.path }, context);
  } catch (error) {
    return unreadable({ path: found.session.path, home: init.config.home, error, signal });
  }
}

function goOn(
  restored: RestoredSession,
  {
    recorder,
    writer,
    init,
  }: { readonly recorder: Recorder; readonly writer: RolloutWriter; readonly init: ResumeInit },
): Resumed {
  const { config, chosen = new Set() } = init;
  const provider = restored.meta?.model_provider ?? undefined;
  const sameProvider = provider === undefined || provider === config.provider.id;
  const { settings, changes } = restoreSettings(settingsOf(config), restored.context, { chosen, sameProvider });
  const moved = sameProvider ? [] : [`the provider is ${config.provider.id} now; the session had ${provider}`];
  writer.expect(restored.supplied.map((output) => output.call_id));
  recorder.items(restored.supplied);
  const killed = endCutTurn(restored, recorder);
  const items = withMakers(restored, provider);
  return {
    id: restored.id,
    recorder,
    items: killed === undefined ? items : [...items, killed.note],
    settings,
    usage: restored.usage,
    notices: [...killedNotices(killed, restored), ...moved, ...changes, ...damageNotices(restored)],
    killed,
    unusedInput: restored.unusedInput,
    nextSubmission: restored.nextSubmission,
  };
}

/**
 * Who made what the model said, where the record has it not with each item (Codex's, and our older ones): its provider, and
 * the model of its last turn.
 */
function withMakers({ items, context }: RestoredSession, provider: string | undefined): ResponseItem[] {
  const model = context?.model;
  if (provider === undefined || model === undefined) return [...items];
  const maker = { provider, model };
  return items.map((item) => (isMade(item) && item.maker === undefined ? { ...item, maker } : item));
}

/** A turn that has no end on record gets one, as if it had been interrupted; the model is told. */
function endCutTurn({ cutTurn, unusedInput }: RestoredSession, recorder: Recorder) {
  if (cutTurn === undefined) return undefined;
  const calls = cutTurn.calls.map(({ item, done }): CallOutcome => {
    return { call_id: item.call_id, name: item.name, outcome: done ? "done" : "cut" };
  });
  const note = killedMessage(calls);
  const msg: TerminalMsg = {
    type: "turn_aborted",
    reason: "interrupted",
    calls,
    processes: [],
    changed_files: [],
    unused_input: unusedInput.map((items) => [...items]),
    lingering: [],
    killed: true,
  };
  recorder.items([note]);
  recorder.terminal(msg, cutTurn.turnId);
  return { turnId: cutTurn.turnId, msg, note };
}

function killedNotices(killed: Resumed["killed"], { cutTurn, unusedInput }: RestoredSession): string[] {
  if (killed === undefined) return [];
  const cut = cutTurn?.calls.filter(({ done }) => !done).map(({ item }) => item.name) ?? [];
  const running = cut.length === 0 ? "" : ` while it ran ${cut.join(", ")}`;
  const unused = unusedInput.map((items) =>
    items.map((item) => (item.type === "text" ? item.text : item.type)).join(" "),
  );
  return [
    `the record of the last turn breaks off${running} (Belay was killed, or the disk was full); the model is told`,
    ...unused.map((text) => `typed before that, and not used: ${text}`),
  ];
}

function damageNotices({ damage, dropped, reordered }: RestoredSession & { readonly damage: Damage }): string[] {
  const { skipped, missingBlobs, missingBase } = damage;
  const parts = skipped.slice(0, 5).map(({ at, bytes, why }) => `${bytes} bytes at byte ${at} (${why})`);
  const more = skipped.length > parts.length ? [`and ${skipped.length - parts.length} more`] : [];
  return [
    ...(skipped.length === 0
      ? []
      : [`parts of the session's record could not be read and were skipped: ${[...parts, ...more].join(", ")}`]),
    ...(reordered ? ["lines of the session's record had changed places, and were put in order"] : []),
    ...(dropped === 0 ? [] : [`${dropped} entries of the session's record had no counterpart and were left out`]),
    ...(missingBlobs === 0
      ? []
      : [`${missingBlobs} large texts of the session are gone: the beginning and the end of each are left`]),
    ...(missingBase === undefined
      ? []
      : [`session ${missingBase}, which this one was forked from, is gone: what was said there is lost`]),
  ];
}

function inUse(id: string, { pid, elsewhere }: Holder): NotOpened {
  const where = elsewhere ? " on another machine or in another container" : "";
  return {
    ok: false,
    reason: "in_use",
    message: `session ${id} is open in process ${pid}${where}: close it there, or go on with a copy: belay fork ${id}`,
  };
}

function unreadable(failed: {
  readonly path: string;
  readonly home: string;
  readonly error: unknown;
  readonly signal: AbortSignal;
}): NotOpened {
  if (failed.signal.aborted) throw failed.error;
  const { message } = failed.error as Error;
  const remedy = remedyFor(message, failed.home);
  const how = remedy === undefined ? "" : `; ${remedy} (belay sessions show shows it as it is)`;
  return { ok: false, reason: "unreadable", message: `${failed.path} can't be gone on with: ${message}${how}` };
}
