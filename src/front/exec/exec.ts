import { loadConfig } from "../../config/index.js";
import type { OpenedConversation } from "../../engine/index.js";
import type { EventMsg, LevelReport, Op, TerminalMsg } from "../../protocol/index.js";
import type { FrontDeps } from "../host/index.js";
import { sanitise } from "../host/index.js";
import { type MessageFile, writeMessage } from "./last-message.js";
import { type Prepared, prepareRun } from "./prepare.js";
import { createPresenter, type Presenter } from "./presenter.js";
import { type FoundTarget, findTarget, openTarget, startNew } from "./recorded-session.js";
import { exitCodeOf, runTurn } from "./run.js";
import type { ExecArgs } from "./run-flags.js";
import { checkAgainstSchema } from "./schema.js";

const USAGE_EXIT_CODE = 2;
const FAILED_EXIT_CODE = 1;

/** Runs one prompt to its end; resolves with the exit code. */
export async function runExec(args: ExecArgs, deps: FrontDeps): Promise<number> {
  const target = args.session === undefined ? undefined : await findTarget(args.session, args, deps);
  if (target?.ok === false) return refuse(target.message, deps);
  if (target !== undefined && args.session?.kind === "fork" && args.prompt === undefined) {
    return forkOnly(target, args.session.atTurn, deps);
  }
  if (target !== undefined && args.prompt === undefined && deps.stdin.kind === "terminal") {
    return refuse(noPrompt(target), deps);
  }
  const prepared = await prepareRun({ ...args, cwd: args.cwd ?? target?.cwd }, deps);
  if (!prepared.ok) return refuse(prepared.message, deps);
  const conversations = await deps.conversations();
  const lack = args.requireSandbox ? lackOf(await conversations.sandboxReport(prepared.config)) : undefined;
  if (lack !== undefined) return refuse(lack, deps);
  const opened =
    target === undefined
      ? startNew(conversations.start(prepared.config), prepared)
      : await openTarget(conversations, target, { args, prepared });
  if (!opened.ok) return refuse(opened.message, deps);
  return runOne(opened, { args, prepared, deps });
}

interface Run {
  readonly args: ExecArgs;
  readonly prepared: Prepared;
  readonly deps: FrontDeps;
}

async function runOne(
  { conversation, settings }: Extract<OpenedConversation, { ok: true }>,
  { args, prepared, deps }: Run,
): Promise<number> {
  const { config, messageFile } = prepared;
  const shown = { config: { ...config, ...settings }, conversationId: conversation.id };
  const presenter = createPresenter(args, deps, shown);
  presenter.begin(prepared.prompt);
  const run = await runTurn({
    conversation,
    op: userTurn(prepared, settings),
    deps,
    deadlineMs: args.deadlineMs,
    present: presenting(presenter, config.warnings),
  });
  const message = run.end.type === "task_complete" ? (run.end.last_agent_message ?? undefined) : undefined;
  const failure = await failureOf(run.end, prepared);
  presenter.end(run.end, failure);
  const written = messageFile === undefined || (await saveMessage(message, messageFile, { presenter, deps }));
  await conversation.close();
  const code = exitCodeOf(run);
  return code === 0 && (failure !== undefined || !written) ? FAILED_EXIT_CODE : code;
}

function refuse(message: string, { stderr }: FrontDeps): number {
  void stderr.write(`${sanitise(message).replace(/^/gm, "belay: ")}\n`);
  return USAGE_EXIT_CODE;
}

/** There is no screen yet on which a session could just be looked at and gone on with. */
function noPrompt({ id }: FoundTarget): string {
  return [
    "give a prompt to go on with: there is no terminal UI yet",
    `belay exec resume ${id} "..." goes on; belay sessions show ${id} shows what was said`,
  ].join("\n");
}

/** Makes the fork and prints its id: for scripts, and for later. */
async function forkOnly(target: FoundTarget, atTurn: number | undefined, deps: FrontDeps): Promise<number> {
  const loaded = await loadConfig({ env: deps.env, cwd: deps.cwd, profile: undefined, overrides: [], flags: {} });
  if (!loaded.ok) return refuse(loaded.message, deps);
  const conversations = await deps.conversations();
  const opened = await conversations.fork({ source: target.path, config: loaded.config, atTurn });
  if (!opened.ok) return refuse(opened.message, deps);
  await opened.conversation.close();
  void deps.stdout.write(`${opened.conversation.id}\n`);
  return 0;
}

/** Why the level is not the one that the mode asks for: walls, or with full access a PID namespace. */
function lackOf({ mode, level, summary, missing }: LevelReport): string | undefined {
  if (level === "walls" || level === "cage") return undefined;
  return [`--require-sandbox: sandbox mode ${mode} can't be kept on this machine: ${summary}`, ...missing].join("\n");
}

type TurnSettings = Extract<OpenedConversation, { ok: true }>["settings"];

function userTurn({ items, schema }: Prepared, settings: TurnSettings): Op {
  return {
    type: "user_turn",
    items: [...items],
    cwd: settings.cwd,
    approval_policy: settings.approvalPolicy,
    sandbox_policy: settings.sandboxPolicy,
    model: settings.model,
    effort: settings.effort,
    summary: settings.summary,
    final_output_json_schema: schema,
  };
}

/** Warnings of the configuration, and what the sandbox lacks here, come once the conversation has introduced itself. */
function presenting(presenter: Presenter, warnings: readonly string[]) {
  return (msg: EventMsg): void | Promise<void> => {
    const wait = presenter.take(msg);
    if (msg.type !== "session_configured") return wait;
    const { summary, missing = [] } = msg.sandbox ?? {};
    const lacking = missing.length === 0 ? [] : [`sandbox: ${summary}: ${missing.join("; ")}`];
    for (const message of [...warnings, ...lacking]) void presenter.take({ type: "background_event", message });
    return wait;
  };
}

/** What is wrong with the final message of a turn that completed. */
async function failureOf(end: TerminalMsg, { schema }: Prepared): Promise<string | undefined> {
  if (schema === undefined || end.type !== "task_complete" || end.failed === true) return undefined;
  return checkAgainstSchema(schema, end.last_agent_message ?? "");
}

async function saveMessage(
  message: string | undefined,
  file: MessageFile,
  { presenter, deps }: { readonly presenter: Presenter; readonly deps: FrontDeps },
): Promise<boolean> {
  const unique = Buffer.from(deps.random(6)).toString("hex");
  const problem = await writeMessage(file, message ?? "", unique);
  if (problem !== undefined) presenter.notice(`the final message was not written to ${file.path}: ${problem}`);
  else if (message === undefined) presenter.notice(`there is no final message: ${file.path} is empty`);
  return problem === undefined;
}
