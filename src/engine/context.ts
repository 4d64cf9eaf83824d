import { basename } from "node:path";
import { shortened } from "../base/index.js";
import type { ProjectDocs } from "../config/index.js";
import { type CallOutcome, type MessageItem, type ProcessOutcome, userMessage } from "../protocol/index.js";
import type { Settings } from "./settings.js";
import type { StopRecord } from "./turn.js";

/** What the model is told of the place it works in. Paths are of this machine; nothing that identifies it is included. */
export function environmentContext(settings: Settings, shell: string, today: Date): string {
  const { sandboxPolicy } = settings;
  const networked =
    sandboxPolicy.mode === "danger-full-access" ||
    (sandboxPolicy.mode === "workspace-write" && sandboxPolicy.network_access);
  const roots = sandboxPolicy.mode === "workspace-write" ? sandboxPolicy.writable_roots : [];
  return [
    "<environment_context>",
    `Current working directory: ${settings.cwd}`,
    `Approval policy: ${settings.approvalPolicy}`,
    `Sandbox mode: ${sandboxPolicy.mode}`,
    ...roots.map((root) => `Writable root: ${root}`),
    `Network access: ${networked ? "enabled" : "restricted"}`,
    `Shell: ${basename(shell)}`,
    `Date: ${today.toISOString().slice(0, 10)}`,
    "</environment_context>",
  ].join("\n");
}

/** How the message with a project's instructions begins. */
export const DOCS_START = "# AGENTS.md instructions";

/** The AGENTS.md texts that apply, each under its file's name; undefined when there are none. */
export function projectDocsMessage(docs: ProjectDocs): string | undefined {
  if (docs.parts.length === 0) return undefined;
  const parts = docs.parts.map((part) => `## ${part.path}\n\n${part.text.trim()}`);
  return `${DOCS_START}\n\n<INSTRUCTIONS>\n${parts.join("\n\n")}\n</INSTRUCTIONS>`;
}

/** The note that tells the model what a stopped turn came to. */
export function abortMessage(end: StopRecord, partial: string): MessageItem {
  const named = (outcome: string) =>
    end.calls.filter((call) => call.outcome === outcome).map((call) => `${call.name} (${call.call_id})`);
  const done = named("done");
  const cut = named("cut");
  const never = named("not_started");
  const alive = end.processes.filter((process) => process.outcome === "may_survive");
  const kept = end.processes.filter((process) => process.outcome === "kept");
  const terminals = kept.filter((process) => process.process_id !== undefined);
  const left = kept.filter((process) => process.process_id === undefined);
  const who =
    end.status === "replaced"
      ? "The user replaced the previous turn by another task"
      : "The user stopped the previous turn";
  const lines = [
    "<turn_aborted>",
    `${who} after ${(end.after / 1000).toFixed(1)}s.`,
    ...(done.length > 0 ? [`Ran to their end: ${done.join(", ")}.`] : []),
    ...(cut.length > 0 ? [`Cut, and may have partly happened: ${cut.join(", ")}.`] : []),
    ...(never.length > 0 ? [`Never started: ${never.join(", ")}.`] : []),
    ...(alive.length > 0
      ? [
          `Their processes were killed; children that left the process group may survive: pid ${alive.map((p) => p.pid).join(", ")}.`,
        ]
      : []),
    ...(terminals.length > 0
      ? [`Terminals that run on, for write_stdin: ${terminals.map(terminalName).join(", ")}.`]
      : []),
    ...(left.length > 0 ? [`Left running by commands: pid ${left.map((p) => p.pid).join(", ")}.`] : []),
    ...(partial === "" ? [] : ["Your last message was cut off; the part above is all that was sent."]),
    "</turn_aborted>",
  ];
  return userMessage(lines.join("\n"));
}

/** Characters of a command that are told. */
const COMMAND_LIMIT = 100;

/** `session ID 4711 (npm run dev)`, of a terminal that runs. */
export function terminalName({ process_id: id, command }: Pick<ProcessOutcome, "process_id" | "command">): string {
  const text = (command.at(-1) ?? "").replaceAll("\n", " ");
  return `session ID ${id} (${shortened(text, COMMAND_LIMIT)})`;
}

/** The note that tells the model of a turn that ended because the whole program was killed. */
export function killedMessage(calls: readonly CallOutcome[]): MessageItem {
  const named = (outcome: string) =>
    calls.filter((call) => call.outcome === outcome).map((call) => `${call.name} (${call.call_id})`);
  const [done, cut] = [named("done"), named("cut")];
  const lines = [
    "<turn_aborted>",
    "Belay was killed while the previous turn ran, and has been started again.",
    ...(done.length > 0 ? [`Ran to their end: ${done.join(", ")}.`] : []),
    ...(cut.length > 0 ? [`Running when it was killed, and may have partly happened: ${cut.join(", ")}.`] : []),
    "What you said after the last entry above is lost. Look at the state of the files before you go on.",
    "</turn_aborted>",
  ];
  return userMessage(lines.join("\n"));
}

/** The outputs that calls get whose own the record does not have. */
export const LOST_OUTPUTS = {
  killed: "Belay was killed while this call ran: it may have partly happened, and its output is lost",
  lost: "the output of this call is missing in the record of the session",
} as const;

/** What was said of a message that was cut: kept once, marked as incomplete. */
export function partialMessage(text: string): MessageItem {
  return { type: "message", role: "assistant", status: "incomplete", content: [{ type: "output_text", text }] };
}
