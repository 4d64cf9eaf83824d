import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { isFolder, realPath } from "../../base/index.js";
import { findHome } from "../../config/index.js";
import { type Conversation, isOwnTool } from "../../engine/index.js";
import { findSession, readRecord, type SessionSummary, type WholeRecord } from "../../rollout/index.js";
import { BROKEN_PIPE_EXIT_CODE, type FrontDeps, SIGNAL_EXIT_CODES, sanitise } from "../host/index.js";
import { compareTurn } from "./comparison.js";
import type { Reading } from "./facts.js";
import { copyFolder } from "./folder-copy.js";
import type { ReplayArgs } from "./index.js";
import { type MovedFolder, movedFolder } from "./moved-folder.js";
import { createReport, damageNotes, type Report, type TurnResult } from "./report.js";
import { makeScratch, type Scratch } from "./scratch.js";
import { readingOf, type ScriptedTurn, writeScript } from "./script.js";
import { replayConfig, stageSettings, turnsElsewhere } from "./settings.js";
import { Stage } from "./stage.js";

const SAME = 0;
const PARTED = 1;
const UNUSABLE = 2;

/** Of a refusal: names in it may be the record's. */
const MESSAGE_CHARACTERS = 2000;
/** Bytes of a record that is replayed. */
const RECORD_BYTES = 256 * 1024 * 1024;

/** What ends a replay early, and the exit code of that. */
interface Stop {
  readonly signal: AbortSignal;
  code(): number;
}

interface Input {
  readonly session: SessionSummary;
  readonly record: WholeRecord;
  readonly turns: readonly ScriptedTurn[];
}

interface Context {
  readonly args: ReplayArgs;
  readonly deps: FrontDeps;
  readonly scratch: Scratch;
  /** Where sessions are looked for. */
  readonly home: string;
  readonly stop: Stop;
  readonly report: Report;
}

/** Refused: nothing was played. `message` is for people. */
type Refused = { readonly ok: false; readonly message: string };

/** Plays a session again in folders of its own, which are removed; resolves with the exit code. */
export async function runReplay(args: ReplayArgs, deps: FrontDeps): Promise<number> {
  if (args.cwd !== undefined && args.tools === "mock") {
    return refuse("-C only says something with --tools run: without it no folder is used", deps);
  }
  const stop = listenForStop(deps);
  let scratch: Scratch;
  try {
    scratch = makeScratch(deps.env);
  } catch (error) {
    // No folder for temporary files, or one that is full.
    return refuse(`no folder could be made for the replay: ${(error as Error).message}`, deps);
  }
  try {
    const report = createReport(args, deps);
    const home = findHome(deps.env, deps.cwd) ?? scratch.home;
    const code = await replay({ args, deps, scratch, home, stop, report });
    return typeof code === "number" ? code : refuse(code.message, deps);
  } catch (error) {
    if (stop.signal.aborted) return stop.code();
    throw error;
  } finally {
    const failure = args.keep ? `the folders of the replay are in ${scratch.root}` : scratch.remove();
    if (failure !== undefined) void deps.stderr.write(`belay: ${failure}\n`);
  }
}

function listenForStop({ signals, stdout }: FrontDeps): Stop {
  const controller = new AbortController();
  let code = 0;
  const stop = (why: number) => {
    if (controller.signal.aborted) return;
    code = why;
    controller.abort(new Error("stopped"));
  };
  signals.onStop((signal) => stop(SIGNAL_EXIT_CODES[signal]));
  stdout.onBroken(() => stop(BROKEN_PIPE_EXIT_CODE));
  return { signal: controller.signal, code: () => code };
}

function refuse(message: string, { stderr }: FrontDeps): number {
  void stderr.write(`${sanitise(message.slice(0, MESSAGE_CHARACTERS)).replace(/^/gm, "belay: ")}\n`);
  return UNUSABLE;
}

async function replay(context: Context): Promise<number | Refused> {
  const { args, deps, scratch, stop, report } = context;
  const input = await readInput(context);
  if ("ok" in input) return input;
  const { session, record } = input;
  for (const note of damageNotes(record)) report.note(note);
  const root = session.cwd;
  const copied = args.tools === "mock" ? undefined : await copyWork(root, context);
  if (copied?.ok === false) return copied;
  const config = await replayConfig(deps.env, scratch);
  const conversations = await deps.conversations();
  if (args.tools === "run") {
    const { level, summary, missing } = await conversations.sandboxReport(config);
    if (level !== "walls") {
      const why = [
        `--tools run needs walls around the commands of a record, and there are none here: ${summary}`,
        ...missing,
      ];
      return { ok: false, message: why.join("\n") };
    }
  }
  stop.signal.throwIfAborted();
  const moved = movedFolder(root, [scratch.work]);
  const turns = input.turns.slice(0, args.until);
  const stage = new Stage({
    turns,
    mode: args.tools === "mock" ? { kind: "mock" } : { kind: "run", moved },
    settings: stageSettings(root, scratch.work),
    show: (event) => report.event(event),
  });
  if (args.tools === "run") tellOfRun(input, context);
  const by = `recorded by ${session.originator ?? "Codex"} ${session.version ?? ""}`.trim();
  report.begin({ id: session.id, turnCount: input.turns.length, by });
  const conversation = conversations.start(config, stage.doubles);
  stage.open(conversation);
  const parted = await playAll(turns, { stage, conversation, context, read: readingOf(record), moved });
  report.end({ stopped: stop.signal.aborted });
  if (stop.signal.aborted) return stop.code();
  return parted ? PARTED : SAME;
}

async function readInput({ args, deps, home, stop }: Context): Promise<Input | Refused> {
  const path = resolve(deps.cwd, args.session);
  const found = findSession(home, isFile(path) ? path : args.session);
  if (!found.ok && isFolder(path)) return { ok: false, message: `${path} is a folder: name the file of a session` };
  if (!found.ok) return found;
  const { session } = found;
  let record: WholeRecord | undefined;
  try {
    record = await readRecord(session.path, { home, signal: stop.signal, limit: RECORD_BYTES });
  } catch (error) {
    stop.signal.throwIfAborted();
    // A file that can't be read can't be replayed.
    return { ok: false, message: `${session.path}: ${(error as Error).message}` };
  }
  if (record === undefined) {
    return { ok: false, message: `${session.path} has more than ${RECORD_BYTES} bytes: too much to replay` };
  }
  const turns = writeScript(record);
  if (turns.every(({ start }) => start.kind === "none")) {
    return { ok: false, message: `there is no turn to replay in ${session.path}` };
  }
  return { session, record, turns };
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    // No path at all, or below a file: then it is a word for a session.
    return false;
  }
}

/** Undefined, or why the folder that tools need is not there. */
async function copyWork(
  recorded: string | undefined,
  { args, deps, scratch, home, stop, report }: Context,
): Promise<Refused | undefined> {
  const wanted = args.cwd === undefined ? recorded : resolve(deps.cwd, args.cwd);
  const from = wanted !== undefined && isAbsolute(wanted) && isFolder(wanted) ? realPath(wanted) : undefined;
  if (from === undefined) {
    const what =
      wanted === undefined ? "the record does not say in which folder it was made" : `there is no folder ${wanted}`;
    return { ok: false, message: `${what}: name one with -C DIR, or replay with --tools mock` };
  }
  const { env, clock } = deps;
  const copied = await copyFolder({ from, to: scratch.work, env, clock, home, signal: stop.signal });
  if (!copied.ok) return copied;
  if (copied.left.length > 0) report.note(`not copied: ${listed(copied.left)}`);
  return undefined;
}

const LISTED = 5;

function listed(names: readonly string[]): string {
  const more = names.length - LISTED;
  return [...names.slice(0, LISTED), ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

/** What is not as it was when tools run again. */
function tellOfRun({ session, turns }: Input, { args, report, scratch }: Context): void {
  if (args.cwd === undefined)
    report.note("the folder is copied as it is now: -C names one as it was when the session began");
  const wide = turns.some(({ context }) => context?.sandbox_policy?.mode === "danger-full-access");
  if (wide) report.note("the session ran with full access; here commands may write in the copy alone, without network");
  const calls = turns.flatMap((turn) => [...turn.calls.values()]);
  const cut = calls.filter(({ outcome }) => outcome === "cut").length;
  if (cut > 0) report.note(`${cut} calls were cut at the time: they are not made again`);
  const foreign = [...new Set(calls.map(({ item }) => item.name))].filter((name) => !isOwnTool(name));
  if (foreign.length > 0) {
    report.note(`Belay has no tools of these names, so their outputs come from the record: ${listed(foreign)}`);
  }
  const elsewhere = turnsElsewhere(turns, session.cwd, scratch.work);
  if (elsewhere.length > 0) {
    report.note(`turn ${elsewhere.join(", ")} worked in a folder that is not copied, and works in the copy here`);
  }
}

interface Playing {
  readonly stage: Stage;
  readonly conversation: Conversation;
  readonly context: Context;
  /** How the record was read. */
  readonly read: Reading;
  readonly moved: MovedFolder;
}

/** True: at least one turn came out differently. */
async function playAll(turns: readonly ScriptedTurn[], playing: Playing): Promise<boolean> {
  const { stage, conversation, context, read, moved } = playing;
  const { stop, report } = context;
  let parted = false;
  let closing: Promise<void> | undefined;
  const closed = new Promise<undefined>((settle) => {
    const close = () => {
      closing = conversation.close().then(() => settle(undefined));
    };
    if (stop.signal.aborted) close();
    else stop.signal.addEventListener("abort", close, { once: true });
  });
  for (const [index, turn] of turns.entries()) {
    if (stop.signal.aborted) break;
    if (turn.start.kind === "none") {
      await report.turn(turn, { result: "passed_over", why: turn.start.why });
      continue;
    }
    const played = await Promise.race([stage.play(index), closed]);
    if (played === undefined || stop.signal.aborted) break;
    const result = resultOf(turn, compareTurn(turn, played, { read, moved }));
    parted ||= result.result === "parted";
    await report.turn(turn, result);
  }
  await (closing ?? conversation.close());
  return parted;
}

function resultOf(turn: ScriptedTurn, parting: ReturnType<typeof compareTurn>): TurnResult {
  if (turn.start.kind === "undo" || turn.start.kind === "redo") {
    return { result: "passed_over", why: "the record does not say which turn was undone: it is not compared" };
  }
  if (parting !== undefined) return { result: "parted", parting };
  return turn.end === "lost"
    ? { result: "same", why: "as far as the record goes: it was cut here" }
    : { result: "same" };
}
