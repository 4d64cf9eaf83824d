import { shellJoin } from "../../base/index.js";
import type { EventMsg, EventOf, TerminalMsg, TokenUsage } from "../../protocol/index.js";
import { type Style, sanitise } from "../host/index.js";
import { describePatch } from "./diff-lines.js";
import { excerptLines, formatCount, formatDuration, linesOf, refusalOf, shortenLine } from "./format.js";
import { shortPath } from "./paths.js";
import { describeReceipt } from "./receipt.js";
import { RunTokens } from "./run-tokens.js";

/** Lines of a command's output, and characters of one line, that are shown. */
const OUTPUT_LINES = 20;
const LINE_CHARACTERS = 400;

/**
 * The events of one turn as text for people: what happens as it happens. The last message of the assistant is held back:
 * when it turns out to be the final one, it goes to stdout instead.
 */
export class HumanLines {
  readonly #style: Style;
  readonly #cwd: string;
  /** Where the user is who reads this. */
  readonly #here: string;
  #conversation = "";
  readonly #commands = new Map<string, string>();
  readonly #tokens = new RunTokens();
  #held: string | undefined;

  constructor(options: { readonly style: Style; readonly cwd: string; readonly here: string }) {
    this.#style = options.style;
    this.#cwd = options.cwd;
    this.#here = options.here;
  }

  /** What to show for an event: whole lines, or "". */
  take(msg: EventMsg): string {
    switch (msg.type) {
      case "session_configured":
        this.#conversation = msg.session_id;
        this.#tokens.begin(msg);
        return "";
      case "agent_message_delta":
      case "agent_reasoning_delta":
      case "agent_reasoning_raw_content_delta":
      case "agent_reasoning_section_break":
      case "exec_command_output_delta":
      case "task_started":
      // The patches themselves were shown.
      case "turn_diff":
      // Nobody is there to be asked: the engine answers these itself.
      case "exec_approval_request":
      case "apply_patch_approval_request":
      case "undo_started":
      case "mcp_list_tools_response":
      case "background_terminals_response":
      case "get_history_entry_response":
      case "shutdown_complete":
      case "task_complete":
      case "turn_aborted":
        return "";
      case "token_count":
        this.#tokens.count(msg);
        return "";
      case "agent_message":
        return this.#hold(msg.message);
      case "exec_command_begin":
        return this.#beginCommand(msg);
      case "exec_command_end":
        return this.#endCommand(msg);
      case "terminal_interaction":
        return msg.stdin === "" ? "" : this.#say(this.#typed(msg));
      case "agent_reasoning":
      case "agent_reasoning_raw_content":
      case "patch_apply_begin":
      case "patch_apply_end":
      case "mcp_tool_call_begin":
      case "mcp_tool_call_end":
      case "plan_update":
      case "view_image_tool_call":
      case "undo_completed":
      case "background_event":
      case "error":
        return this.#say(describe(msg, { style: this.#style, cwd: this.#cwd }));
      default:
        return msg satisfies never;
    }
  }

  /** What is left to say, after the terminal event; the final message is not in it. */
  end(msg: TerminalMsg): string {
    const completed = msg.type === "task_complete" && msg.failed !== true;
    // A message that is not the final one is part of the progress.
    if (completed && this.#held === (msg.last_agent_message ?? undefined)) this.#held = undefined;
    const parts = [this.#release()];
    if (msg.type === "turn_aborted" || (msg.unused_input ?? []).length > 0) {
      // It looks for conversations of the folder it is typed in.
      const undo = this.#cwd === this.#here ? "belay undo" : `belay undo --conversation ${this.#conversation}`;
      const shorten = (path: string) => shortPath(path, this.#cwd);
      parts.push(describeReceipt(msg, { style: this.#style, shorten, undo }));
    }
    const tokens = describeTokens(this.#tokens);
    if (tokens !== "") parts.push(`${this.#style.dim(tokens)}\n`);
    return parts.join("");
  }

  #hold(message: string): string {
    const before = this.#release();
    this.#held = message;
    return before;
  }

  #release(): string {
    const message = this.#held;
    this.#held = undefined;
    return message === undefined ? "" : `${this.#style.magenta("belay")}\n${sanitise(message)}\n`;
  }

  #say(text: string): string {
    return `${this.#release()}${text}\n`;
  }

  #beginCommand(msg: EventOf<"exec_command_begin">): string {
    const command = sanitise(shellJoin(msg.command));
    this.#commands.set(msg.call_id, command);
    const shown = this.#style.bold(shownLines(command).join("\n"));
    return this.#say(`${this.#style.magenta("exec")} ${shown} in ${sanitise(msg.cwd)}`);
  }

  #endCommand(msg: EventOf<"exec_command_end">): string {
    const begun = this.#commands.get(msg.call_id) ?? sanitise(msg.call_id);
    this.#commands.delete(msg.call_id);
    const command = this.#style.bold(shortenLine(linesOf(begun)[0] ?? "", 80));
    const output = shownLines(sanitise(msg.aggregated_output ?? `${msg.stdout}${msg.stderr}`));
    const outcome = `${outcomeOf(msg)}${output.length > 0 ? ":" : ""}`;
    const head = `${command} ${outcomeColour(msg, this.#style)(outcome)}`;
    const text = [head, ...output.map(this.#style.dim)].join("\n");
    // A terminal ends when it will, also after what may be the final message.
    return msg.process_id == null ? this.#say(text) : `${text}\n`;
  }

  #typed(msg: EventOf<"terminal_interaction">): string {
    const command = linesOf(this.#commands.get(msg.call_id) ?? sanitise(msg.call_id))[0] ?? "";
    const typed = shortenLine(sanitise(JSON.stringify(msg.stdin)), LINE_CHARACTERS);
    return `${this.#style.magenta("typed")} ${typed} into ${this.#style.bold(shortenLine(command, 80))}`;
  }
}

type Described = EventOf<
  | "agent_reasoning"
  | "agent_reasoning_raw_content"
  | "patch_apply_begin"
  | "patch_apply_end"
  | "mcp_tool_call_begin"
  | "mcp_tool_call_end"
  | "plan_update"
  | "view_image_tool_call"
  | "undo_completed"
  | "background_event"
  | "error"
>;

/** Events whose text depends on nothing that came before. */
function describe(msg: Described, { style, cwd }: { readonly style: Style; readonly cwd: string }): string {
  switch (msg.type) {
    case "agent_reasoning":
    case "agent_reasoning_raw_content":
      return `${style.magenta("thinking")}\n${style.dim(sanitise(msg.text))}`;
    case "patch_apply_begin":
      return `${style.magenta("patch")}\n${describePatch(msg.changes, { style, cwd })}`;
    case "patch_apply_end":
      if (msg.success) return style.green("patch applied");
      return style.red(`patch failed: ${sanitise(msg.stderr === "" ? msg.stdout : msg.stderr).trimEnd()}`);
    case "mcp_tool_call_begin":
      return `${style.magenta("tool")} ${style.bold(toolName(msg))} ${shortenLine(argumentsOf(msg), LINE_CHARACTERS)}`;
    case "mcp_tool_call_end":
      return `${style.bold(toolName(msg))} ${endOfTool(msg, style)}`;
    case "plan_update":
      return describePlan(msg, style);
    case "view_image_tool_call":
      return `${style.magenta("image")} ${sanitise(shortPath(msg.path, cwd))}`;
    case "undo_completed":
      return msg.success ? style.green("undone") : style.red(`not undone: ${sanitise(msg.message ?? "")}`);
    case "background_event":
      return msg.call === undefined ? style.yellow(sanitise(msg.message)) : refused(msg.call, msg.message, style);
    case "error":
      return style.red(`error: ${sanitise(msg.message)}`);
  }
}

function shownLines(text: string): readonly string[] {
  return excerptLines(linesOf(text), OUTPUT_LINES).map((line) => shortenLine(line, LINE_CHARACTERS));
}

function outcomeColour(msg: EventOf<"exec_command_end">, style: Style): (text: string) => string {
  return (msg.end ?? "exited") === "exited" && msg.exit_code === 0 ? style.green : style.red;
}

function outcomeOf(msg: EventOf<"exec_command_end">): string {
  const time = formatDuration(msg.duration.secs * 1000 + msg.duration.nanos / 1e6);
  switch (msg.end ?? "exited") {
    case "exited":
      return msg.exit_code === 0 ? `succeeded in ${time}` : `exited ${msg.exit_code} in ${time}`;
    case "signalled":
      return `was killed by a signal after ${time}`;
    case "timed_out":
      return `ran out of time after ${time}`;
    case "cancelled":
      return msg.process_id == null ? `was cut after ${time}` : `was stopped after ${time}`;
    case "not_started":
      return "was not started";
  }
}

function toolName(msg: EventOf<"mcp_tool_call_begin"> | EventOf<"mcp_tool_call_end">): string {
  return sanitise(`${msg.invocation.server}.${msg.invocation.tool}`);
}

function argumentsOf(msg: EventOf<"mcp_tool_call_begin">): string {
  return sanitise(JSON.stringify(msg.invocation.arguments ?? {}));
}

function endOfTool(msg: EventOf<"mcp_tool_call_end">, style: Style): string {
  const time = formatDuration(msg.duration.secs * 1000 + msg.duration.nanos / 1e6);
  if (!("Err" in msg.result)) return style.green(`succeeded in ${time}`);
  return style.red(`failed in ${time}: ${shortenLine(sanitise(msg.result.Err), LINE_CHARACTERS)}`);
}

function describePlan(msg: EventOf<"plan_update">, style: Style): string {
  const marks = { completed: style.green("[x]"), in_progress: style.cyan("[>]"), pending: "[ ]" };
  const steps = msg.plan.map(({ step, status }) => `  ${marks[status]} ${sanitise(step)}`);
  const why = msg.explanation ?? "";
  return [`${style.magenta("plan")}${why === "" ? "" : ` ${sanitise(why)}`}`, ...steps].join("\n");
}

type Refused = NonNullable<EventOf<"background_event">["call"]>;

function refused(call: Refused, message: string, style: Style): string {
  const { name, command, status } = call;
  const what = shortenLine(sanitise(command === undefined ? name : shellJoin(command)), LINE_CHARACTERS);
  return `${style.bold(what)} ${style.red(`${status}: ${sanitise(refusalOf(call, message))}`)}`;
}

/** Of this run; of a conversation that it went on with, also all in all. */
function describeTokens({ run, total, isFirst }: RunTokens): string {
  if (run.input_tokens + run.output_tokens === 0) return "";
  return `tokens: ${countsOf(run)}${isFirst ? "" : ` in this run; ${countsOf(total)} in all`}`;
}

function countsOf(tokens: TokenUsage): string {
  const { cached_input_tokens: cached, reasoning_output_tokens: reasoning } = tokens;
  const ofInput = cached > 0 ? ` (${formatCount(cached)} cached)` : "";
  const ofOutput = reasoning > 0 ? ` (${formatCount(reasoning)} reasoning)` : "";
  return `${formatCount(tokens.input_tokens)} in${ofInput}, ${formatCount(tokens.output_tokens)} out${ofOutput}`;
}
