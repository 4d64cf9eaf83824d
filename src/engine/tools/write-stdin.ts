import * as v from "valibot";
import type { Terminal, Typed } from "../terminal.js";
import { argumentsReader, problemOf } from "./arguments.js";
import { areaOfPolicy } from "./changeable-roots.js";
import { judgeCommand } from "./command-verdict.js";
import { scriptArgv, userShell } from "./shell-command.js";
import { listText, outputSoFar, terminalText } from "./terminal-text.js";
import type { Tool, ToolContext, ToolOutput } from "./tool.js";
import { decideTyping } from "./typing.js";
import { clampYield, POLL_TIME, WRITE_TIME } from "./yield-time.js";

const schema = v.object({
  session_id: v.optional(v.nullable(v.number())),
  chars: v.optional(v.nullable(v.string())),
  yield_time_ms: v.optional(v.nullable(v.number())),
  max_output_tokens: v.optional(v.nullable(v.pipe(v.number(), v.minValue(1)))),
  eof: v.optional(v.nullable(v.boolean())),
  close: v.optional(v.nullable(v.boolean())),
});

const read = argumentsReader(
  { tool: "write_stdin", schema },
  {
    aliases: {
      ...{ input: "chars", text: "chars", stdin: "chars", data: "chars" },
      ...{ session: "session_id", id: "session_id", terminalid: "session_id", terminal: "session_id" },
      ...{ processid: "session_id" },
    },
    meaningful: {
      ...{
        cmd: "chars are typed as they are: end a line with \\n.",
        command: "chars are typed as they are: end a line with \\n.",
      },
      ...{ keys: "Give what to type as chars; \\u0003 is Ctrl-C.", signal: "Type \\u0003 for Ctrl-C, or close it." },
      ...{ enter: "End the line in chars with \\n.", pressenter: "End the line in chars with \\n." },
      ...{ submit: "End the line in chars with \\n.", newline: "End the line in chars with \\n." },
      ...{ kill: "To stop it set close to true.", terminate: "To stop it set close to true." },
      ...{ stop: "To stop it set close to true." },
    },
  },
);

type Arguments = v.InferOutput<typeof schema>;

/** `write_stdin`: types into a terminal, reads on from it, closes it; without an id it lists them. */
export const writeStdin: Tool = {
  name: "write_stdin",
  spec: {
    type: "function",
    name: "write_stdin",
    description: `Uses a command that still runs (a terminal, see exec_command): types chars into it, waits yield_time_ms or for its end, and returns what it printed since the last time. Without chars it only waits and reads (${POLL_TIME.min} to ${POLL_TIME.max} ms). Without session_id it lists the terminals. They end with the conversation; close those you no longer need.`,
    parameters: {
      type: "object",
      properties: {
        session_id: { type: "number", description: "The session ID that exec_command gave." },
        chars: {
          type: "string",
          description: "What to type; end a line with \\n. \\u0003 is Ctrl-C (SIGINT where it runs with pipes).",
        },
        yield_time_ms: { type: "number", description: `How long to wait, ms (with chars ${WRITE_TIME.usual}).` },
        max_output_tokens: { type: "number", description: "Tokens of output to return at most." },
        eof: { type: "boolean", description: "End its input, after chars (Ctrl-D in a pseudo-terminal)." },
        close: { type: "boolean", description: "Stop it, with everything it started." },
      },
      additionalProperties: false,
    },
  },
  problem: (text) => problemOf(read(text)),
  parallel: (call) => {
    const args = read(call.arguments);
    return args.ok && isReading(args.value);
  },
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const id = args.value.session_id ?? undefined;
    if (id === undefined) return { status: "done", output: listText(context.terminals) };
    const terminal = context.terminals.find(id);
    if (terminal !== undefined) {
      const { policy, place } = terminal.start;
      const area = terminal.end === undefined ? areaOfPolicy(policy, place.cwd) : undefined;
      return context.undoably(area, () => useTerminal(terminal, args.value, context));
    }
    const why = "it ended and its last output was read, or it never was";
    return { status: "failed", output: `there is no terminal ${id}: ${why}. ${listText(context.terminals)}` };
  },
};

function isReading({ chars, eof, close }: Arguments): boolean {
  return (chars ?? "") === "" && eof !== true && close !== true;
}

async function useTerminal(terminal: Terminal, args: Arguments, context: ToolContext): Promise<ToolOutput> {
  const chars = args.chars ?? "";
  const maxTokens = args.max_output_tokens ?? undefined;
  const { signal, clock } = context;
  const startedAt = clock.monotonic();
  if (terminal.end === undefined) {
    const refusal = await askToType(terminal, chars, context);
    if (refusal !== undefined) return refusal;
    signal.throwIfAborted();
    const { callId } = terminal.start;
    void context.emit({
      type: "terminal_interaction",
      call_id: callId,
      process_id: String(terminal.id),
      stdin: chars,
    });
  }
  const notes = await act(terminal, args, context);
  const time = clampYield(args.yield_time_ms ?? undefined, isReading(args) ? POLL_TIME : WRITE_TIME);
  const state = await terminal.wait(Math.max(0, time - (clock.monotonic() - startedAt)), signal);
  if (state === "ended") context.terminals.forget(terminal);
  if (state === "cut") {
    return { status: "cut", output: [...notes, outputSoFar(terminal, maxTokens, context)].filter(Boolean).join("\n") };
  }
  const call = { ms: clock.monotonic() - startedAt, maxTokens, notes };
  return { status: "done", output: terminalText(terminal, call, context) };
}

/** Types, ends the input, stops it, as was asked for; what there is to say of that. */
async function act(terminal: Terminal, args: Arguments, context: ToolContext): Promise<string[]> {
  const chars = args.chars ?? "";
  const { signal } = context;
  if (terminal.end !== undefined) return chars === "" ? [] : ["Nothing was typed: it had ended."];
  const notes: string[] = [];
  if (chars !== "") {
    const ms = clampYield(args.yield_time_ms ?? undefined, WRITE_TIME);
    notes.push(...typingNotes(await terminal.type(chars, ms, signal)));
  }
  if (args.eof === true && !signal.aborted) await terminal.endInput(signal);
  if (args.close === true && !signal.aborted) {
    const [outcome] = await context.terminals.stop([terminal]);
    if (outcome !== undefined) context.recordProcess(outcome);
    if (outcome?.outcome === "may_survive") notes.push(`What left its session may survive (pid ${outcome.pid}).`);
  }
  return notes;
}

function typingNotes({ bytes, taken, interrupted }: Typed): string[] {
  const notes: string[] = [];
  if (taken < bytes)
    notes.push(
      `Only ${taken} of ${bytes} bytes were typed: the program does not read its input. The rest was not sent.`,
    );
  if (!interrupted) notes.push("Ctrl-C found nothing to interrupt yet.");
  return notes;
}

/** Undefined when it may be typed. To interrupt a program is always allowed. */
async function askToType(terminal: Terminal, chars: string, context: ToolContext): Promise<ToolOutput | undefined> {
  if (/^\u0003*$/.test(chars)) return undefined;
  const key = `typing into terminal ${terminal.id}`;
  const { cwd } = terminal.start.command;
  const script = scriptArgv(userShell(context.env), chars.trim(), { login: false });
  const { verdict, problems } = await judgeCommand({ ...context, argv: script, cwd });
  for (const message of problems) void context.emit({ type: "background_event", message });
  const decision = decideTyping(context.settings, terminal.start, verdict);
  const granted = verdict.kind !== "ask" && context.approvals.isGranted(key);
  if (decision.kind === "run" || (decision.kind === "ask" && granted)) return undefined;
  const command = ["write_stdin", String(terminal.id), chars];
  const refused = (output: string): ToolOutput => ({ status: "failed", output, declined: true, command });
  if (decision.kind === "refuse") return refused(decision.reason);
  const program = terminal.start.argv.join(" ");
  const reason = `${decision.reason ?? ""} — terminal ${terminal.id}: ${program}`;
  const request = { type: "exec_approval_request", call_id: context.callId, command, reason } as const;
  const answer = await context.approve({ ...request, cwd });
  // No rule was proposed: who answers with one means all of this terminal.
  if (answer === "approved_for_session" || typeof answer === "object") context.approvals.grant(key);
  if (answer === "denied" || answer === "abort") return refused("nothing was typed: rejected by user");
  return undefined;
}
