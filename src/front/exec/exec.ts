import type { EventMsg, LevelReport, Op, TerminalMsg } from "../../protocol/index.js";
import type { FrontDeps } from "../host/index.js";
import { sanitise } from "../host/index.js";
import type { ExecArgs } from "./args.js";
import { type MessageFile, writeMessage } from "./last-message.js";
import { type Prepared, prepareRun } from "./prepare.js";
import { createPresenter, type Presenter } from "./presenter.js";
import { exitCodeOf, runTurn } from "./run.js";
import { checkAgainstSchema } from "./schema.js";

const USAGE_EXIT_CODE = 2;
const FAILED_EXIT_CODE = 1;

/** Runs one prompt to its end; resolves with the exit code. */
export async function runExec(args: ExecArgs, deps: FrontDeps): Promise<number> {
  const prepared = await prepareRun(args, deps);
  if (!prepared.ok) return refuse(prepared.message, deps);
  const { config, messageFile } = prepared;
  const conversations = await deps.conversations();
  const lack = args.requireSandbox ? lackOf(await conversations.sandboxReport(config)) : undefined;
  if (lack !== undefined) return refuse(lack, deps);
  const conversation = conversations.start(config);
  const presenter = createPresenter(args, deps, { config, conversationId: conversation.id });
  presenter.begin(prepared.prompt);
  const run = await runTurn({
    conversation,
    op: userTurn(prepared),
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

function refuse(message: string, deps: FrontDeps): number {
  void deps.stderr.write(`${sanitise(message).replace(/^/gm, "belay: ")}\n`);
  return USAGE_EXIT_CODE;
}

/** Why the level is not the one that the mode asks for: walls, or with full access a PID namespace. */
function lackOf({ mode, level, summary, missing }: LevelReport): string | undefined {
  if (level !== "none") return undefined;
  return [`--require-sandbox: sandbox mode ${mode} can't be kept on this machine: ${summary}`, ...missing].join("\n");
}

function userTurn({ config, items, schema }: Prepared): Op {
  return {
    type: "user_turn",
    items: [...items],
    cwd: config.cwd,
    approval_policy: config.approvalPolicy,
    sandbox_policy: config.sandboxPolicy,
    model: config.model,
    effort: config.effort,
    summary: config.summary,
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
