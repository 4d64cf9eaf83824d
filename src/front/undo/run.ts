import { join } from "node:path";
import { realPath } from "../../base/index.js";
import {
  conversationsWithCheckpoints,
  mayRun,
  type OnConflict,
  type PreparedUndo,
  thisProcess,
  Undoing,
} from "../../checkpoint/index.js";
import { findHome } from "../../config/index.js";
import { recoverPatches } from "../../patch/index.js";
import {
  type FrontDeps,
  makeStyle,
  readAnswer,
  SIGNAL_EXIT_CODES,
  type StopSignal,
  wantsColor,
} from "../host/index.js";
import { describeEnd, describePlan, describeTurns, jsonOf, jsonOfTurns } from "./report.js";

/** What the command line of `belay undo` asks for. */
export interface UndoArgs {
  readonly turn: string | undefined;
  readonly conversation: string | undefined;
  readonly call: string | undefined;
  readonly redo: boolean;
  readonly action: "undo" | "show" | "list";
  readonly onConflict: OnConflict;
  readonly yes: boolean;
  readonly json: boolean;
}

const FAILED_EXIT_CODE = 1;

interface Surroundings {
  readonly deps: FrontDeps;
  readonly undoing: Undoing;
  readonly conversation: string;
  /** Cut short what has not begun. */
  readonly stop: AbortController;
}

export async function runUndo(args: UndoArgs, deps: FrontDeps): Promise<number> {
  const home = findHome(deps.env, deps.cwd);
  if (home === undefined) return refuse("no home folder: set BELAY_HOME or HOME", args, deps);
  // What a killed process left of a patch comes first: its files are not as they are to be yet.
  await recoverPatches(join(home, "patches"));
  const conversation = args.conversation ?? lastConversation(home, deps.cwd);
  if (conversation === undefined) {
    const message = "no conversation has changed files from this folder; --conversation ID names one of another folder";
    return refuse(message, args, deps);
  }
  if (!/^[\w-]+$/.test(conversation))
    return refuse("the id of a conversation is letters, digits and dashes", args, deps);
  const stop = new AbortController();
  const { clock, env } = deps;
  const undoing = new Undoing({ home, clock, env, owner: thisProcess(), isAlive: mayRun, signal: stop.signal });
  for (const { conversation: other, stuck } of await undoing.endCut()) {
    if (stuck !== undefined && other !== conversation) {
      void deps.stderr.write(`belay undo: conversation ${other} has an undo that is half done: ${stuck}\n`);
    }
  }
  const around = { deps, undoing, conversation, stop };
  return args.action === "list" ? list(args, around) : undo(args, around);
}

/** The one that changed files last, of those that were at work in this folder. */
function lastConversation(home: string, cwd: string): string | undefined {
  const here = nameOf(cwd);
  return conversationsWithCheckpoints(home).find(({ turns }) => turns.some((turn) => nameOf(turn.cwd) === here))?.id;
}

async function list(args: UndoArgs, { deps, undoing, conversation }: Surroundings): Promise<number> {
  const { history, stuck } = await undoing.open(conversation);
  if (stuck !== undefined) void deps.stderr.write(`belay undo: ${stuck}\n`);
  void deps.stdout.write(args.json ? jsonOfTurns(conversation, history) : describeTurns(conversation, history));
  return stuck === undefined ? 0 : FAILED_EXIT_CODE;
}

async function undo(args: UndoArgs, around: Surroundings): Promise<number> {
  const { deps, undoing, conversation } = around;
  const { turn, call, redo, onConflict } = args;
  const prepared = await undoing.prepare({ conversation, turn, call, redo, onConflict });
  if (!prepared.ok) return refuse(prepared.message, args, deps);
  const plan = prepared.undo;
  if (!args.json) {
    const style = makeStyle(wantsColor("auto", { env: deps.env, isTTY: deps.stdout.isTTY }));
    await deps.stdout.write(await describePlan(plan, { undoing, style, cwd: nameOf(deps.cwd), onConflict }));
  }
  if (args.action === "show") {
    if (args.json) void deps.stdout.write(jsonOf(plan, undefined));
    else if (plan.refusal !== undefined) void deps.stderr.write(`belay undo: ${plan.refusal}\n${hintFor(plan)}`);
    return plan.refusal === undefined ? 0 : FAILED_EXIT_CODE;
  }
  if (plan.refusal === undefined && !(await isWanted(args, deps))) return refuse("nothing was undone", args, deps);
  return carryOut(plan, args, around);
}

async function carryOut(plan: PreparedUndo, args: UndoArgs, around: Surroundings): Promise<number> {
  const { deps, undoing, conversation, stop } = around;
  let stopped: StopSignal | undefined;
  // From here on a signal ends it only before its first effect: it is all or nothing.
  const forget = deps.signals.onStop((signal) => {
    stopped = signal;
    stop.abort(new Error("stopped"));
  });
  try {
    const end = await undoing.carryOut(conversation, plan);
    if (args.json) void deps.stdout.write(jsonOf(plan, end));
    else if (end.ok) void deps.stdout.write(describeEnd(plan, end.left));
    else void deps.stderr.write(`belay undo: ${end.message}\n${hintFor(plan)}`);
    return end.ok ? 0 : FAILED_EXIT_CODE;
  } catch (error) {
    // Stopped before anything was done; nothing else is expected here.
    if (stopped === undefined) throw error;
    void deps.stderr.write("belay undo: stopped, nothing was undone\n");
    return SIGNAL_EXIT_CODES[stopped];
  } finally {
    forget();
  }
}

/** On a terminal the user is asked; elsewhere the command itself is the answer. */
async function isWanted({ yes, json }: UndoArgs, { stdin, stdout }: FrontDeps): Promise<boolean> {
  if (yes || json || stdin.kind !== "terminal" || !stdout.isTTY) return true;
  await stdout.write("Do it? [y/N] ");
  return /^y(?:es)?$/i.test((await readAnswer(stdin)).trim());
}

function hintFor({ conflicts, lost, refusal }: PreparedUndo): string {
  if (refusal === undefined || conflicts.length + lost.length === 0) return "";
  const keep = "--keep undoes the rest and leaves these as they are";
  return conflicts.length === 0
    ? `${keep}\n`
    : `${keep}; --force undoes them too, and --redo brings back what they are now\n`;
}

function refuse(message: string, { json }: UndoArgs, { stdout, stderr }: FrontDeps): number {
  if (json) void stdout.write(`${JSON.stringify({ ok: false, message })}\n`);
  else void stderr.write(`belay undo: ${message}\n`);
  return FAILED_EXIT_CODE;
}

/** A folder by its own name; one that is not there any more is known by the name it has alone. */
function nameOf(folder: string): string {
  return realPath(folder) ?? folder;
}
