import { shellJoin, shellQuote } from "../../base/index.js";
import type { InputItem, ProcessOutcome, TerminalMsg } from "../../protocol/index.js";
import { type Style, sanitise } from "../host/index.js";
import { formatDuration, shortenLine } from "./format.js";

const LINE_CHARACTERS = 200;

/** How a turn stopped, from its terminal event: what was cut, what may still be alive, which files changed, which input no model saw. */
export function describeReceipt(
  msg: TerminalMsg,
  options: {
    readonly style: Style;
    readonly shorten: (path: string) => string;
    /** The command that undoes the turn, as it has to be typed. */
    readonly undo: string;
  },
): string {
  const { style, shorten, undo } = options;
  const lines: string[] = [];
  if (msg.type === "turn_aborted") {
    const how = msg.reason === "interrupted" ? "turn interrupted" : "turn replaced by another";
    const time = msg.stop_ms === undefined ? "" : ` (stopped in ${formatDuration(msg.stop_ms)})`;
    lines.push(style.red(`${how}${time}`));
    lines.push(...listed("cut", callsThat(msg, "cut")), ...listed("not started", callsThat(msg, "not_started")));
    lines.push(...listed("killed", processesThat(msg, "killed")));
    lines.push(...listed("kept running", processesThat(msg, "kept")));
    const survivors = [...processesThat(msg, "may_survive"), ...(msg.lingering ?? []).map(sanitise)];
    lines.push(...listed("may still be running", survivors).map(style.yellow));
    lines.push(
      ...listed(
        "files changed",
        (msg.changed_files ?? []).map((path) => sanitise(shorten(path))),
      ),
    );
  }
  if (msg.type === "turn_aborted" && (msg.changed_files ?? []).length > 0) {
    const cut = msg.calls?.findLast(({ outcome }) => outcome === "cut");
    const alone = cut === undefined ? "" : `, ${undo} --call ${asWord(cut.call_id)} only what the cut call did`;
    lines.push(style.dim(`  they stay so; ${undo} takes all of it back${alone}`));
  }
  lines.push(...listed("input that no model has seen", (msg.unused_input ?? []).map(describeInput)).map(style.yellow));
  return lines.map((line) => `${line}\n`).join("");
}

function listed(title: string, entries: readonly string[]): string[] {
  if (entries.length === 0) return [];
  return [`  ${title}:`, ...entries.map((entry) => `    ${shortenLine(entry, LINE_CHARACTERS)}`)];
}

/** To be typed to a shell. */
function asWord(text: string): string {
  return /^[\w-]+$/.test(text) ? text : shellQuote(sanitise(text));
}

type Aborted = Extract<TerminalMsg, { type: "turn_aborted" }>;

function callsThat(msg: Aborted, outcome: "cut" | "not_started"): readonly string[] {
  return (msg.calls ?? []).filter((call) => call.outcome === outcome).map((call) => sanitise(call.name));
}

function processesThat(msg: Aborted, outcome: ProcessOutcome["outcome"]): readonly string[] {
  return (msg.processes ?? [])
    .filter((process) => process.outcome === outcome)
    .map(({ pid, command }) => `${pid} ${sanitise(shellJoin(command)).replaceAll("\n", " ")}`);
}

function describeInput(items: readonly InputItem[]): string {
  const parts = items.map((item) => {
    if (item.type === "text") return item.text;
    return item.type === "local_image" ? `[image ${item.path}]` : "[image]";
  });
  return sanitise(parts.join(" ")).replaceAll("\n", " ");
}
