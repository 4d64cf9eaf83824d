import { type BoundedText, shortened } from "../../base/index.js";
import type { Terminal, TerminalEnd } from "../terminal.js";
import type { Terminals } from "../terminals.js";
import { BYTES_PER_TOKEN, boundedOutput, LEFTOVERS_STOPPED, leftRunning } from "./output-text.js";
import type { ToolContext } from "./tool.js";

/** Characters of a command in a list. */
const COMMAND_LIMIT = 200;

/** One call that started a terminal, or used it, as its answer needs it. */
export interface TerminalCall {
  /** Ms that the call took. */
  readonly ms: number;
  readonly maxTokens: number | undefined;
  /** What there is to say besides. */
  readonly notes: readonly string[];
}

/**
 * What the model is told of a terminal: how it is, and what it printed since the last time. The markers and their order
 * are Codex's ("Process running with session ID N", "Process exited with code N", "Output:").
 */
export function terminalText(terminal: Terminal, call: TerminalCall, context: ToolContext): string {
  const output = terminal.read();
  const { end } = terminal;
  return [
    `Wall time: ${(call.ms / 1000).toFixed(1)} seconds`,
    end === undefined ? `Process running with session ID ${terminal.id}` : ending(end),
    ...(end?.exit?.leftovers === true ? [LEFTOVERS_STOPPED] : []),
    ...(end?.exit === undefined ? [] : leftRunning(end.exit)),
    `Original token count: ${Math.ceil(output.total / BYTES_PER_TOKEN)}`,
    ...call.notes,
    ...(end?.notes ?? []),
    "Output:",
    boundedOutput(limited(output, call.maxTokens, context)),
  ].join("\n");
}

/** What a call that was cut had printed so far. */
export function outputSoFar(terminal: Terminal, maxTokens: number | undefined, context: ToolContext): string {
  const output = terminal.read();
  return output.total === 0 ? "" : `Output so far:\n${boundedOutput(limited(output, maxTokens, context))}`;
}

/** The terminals there are, for the model. */
export function listText(terminals: Terminals): string {
  const all = terminals.all();
  if (all.length === 0) return "No terminal is open.";
  return ["Terminals:", ...all.map((terminal) => `- ${line(terminal)}`)].join("\n");
}

function line({ id, end, start }: Terminal): string {
  const command = (start.argv.at(-1) ?? "").replaceAll("\n", " ");
  const short = shortened(command, COMMAND_LIMIT);
  const state = end === undefined ? "running" : "ended, and its last output was not read";
  return `session ID ${id}: ${state}${start.tty ? ", pseudo-terminal" : ""}: ${short}`;
}

function ending({ exit, reason }: TerminalEnd): string {
  if (exit === undefined) return `Not started: ${reason}`;
  switch (exit.end) {
    case "exited":
      return `Process exited with code ${exit.code}`;
    case "signalled":
      return `Process was killed by ${exit.signal}`;
    case "timed_out":
      return "Process ran into its timeout_ms and was killed, with its children";
    case "cancelled":
      return "Process was stopped, with its children";
    case "not_started":
      return `Not started: ${exit.error}`;
  }
}

function limited(output: BoundedText, maxTokens: number | undefined, { outputTokens }: ToolContext): BoundedText {
  const half = halfOf(Math.min(maxTokens ?? outputTokens, outputTokens));
  return output.narrowed({ head: half, tail: half });
}

/** Half of so many tokens, in bytes: what is kept of a beginning, and of an end. */
export function halfOf(tokens: number): number {
  return Math.floor((tokens * BYTES_PER_TOKEN) / 2);
}
