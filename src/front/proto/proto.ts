import { LineSplitter } from "../../base/index.js";
import { type Config, loadConfig } from "../../config/index.js";
import type { Conversation } from "../../engine/index.js";
import { decodeSubmission, type Event, encodeEvent, type Submission } from "../../protocol/index.js";
import { BROKEN_PIPE_EXIT_CODE, type FrontDeps, type Input, SIGNAL_EXIT_CODES, sanitise } from "../host/index.js";
import type { ProtoArgs } from "./args.js";

const LINE_LIMIT = 64 * 1024 * 1024;
const USAGE_EXIT_CODE = 2;

/**
 * The queue pair as it is: submissions in, events out. Ends at the end of stdin, after a shutdown, by a signal or when
 * nobody reads stdout; a turn that runs then is stopped first, and its last event printed. Resolves with the exit code.
 */
export async function runProto(args: ProtoArgs, deps: FrontDeps): Promise<number> {
  const { model, profile, overrides } = args;
  const loaded = await loadConfig({ env: deps.env, cwd: deps.cwd, profile, overrides, flags: { model } });
  if (!loaded.ok) {
    void deps.stderr.write(`${sanitise(loaded.message).replace(/^/gm, "belay: ")}\n`);
    return USAGE_EXIT_CODE;
  }
  for (const warning of warningsOf(loaded.config)) void deps.stderr.write(`belay: ${sanitise(warning)}\n`);
  const conversation = (await deps.conversations()).start(loaded.config);
  const code = await Promise.race([printEvents(conversation, deps), submitLines(conversation, deps)]);
  // Interrupts the turn that runs; its last event is printed before this settles.
  await conversation.close();
  return code;
}

/** A key may not be needed yet: a program may never submit a turn. */
function warningsOf({ warnings, missingKey, provider }: Config): readonly string[] {
  if (missingKey === undefined) return warnings;
  return [
    ...warnings,
    `no API key for provider "${provider.id}": the environment variable ${missingKey.envKey} is not set`,
  ];
}

function print(event: Event, { stdout }: FrontDeps): void | Promise<void> {
  return stdout.write(`${encodeEvent(event)}\n`);
}

/** Prints what happens; resolves with the exit code once something other than the end of stdin ends the run. */
function printEvents(conversation: Conversation, deps: FrontDeps): Promise<number> {
  return new Promise((resolve) => {
    deps.signals.onStop((signal) => resolve(SIGNAL_EXIT_CODES[signal]));
    deps.stdout.onBroken(() => resolve(BROKEN_PIPE_EXIT_CODE));
    conversation.subscribe((event) => {
      if (event.msg.type === "shutdown_complete") resolve(0);
      return print(event, deps);
    });
  });
}

/** Resolves with 0 at the end of stdin. */
async function submitLines(conversation: Conversation, deps: FrontDeps): Promise<number> {
  for await (const read of readSubmissions(deps.stdin)) {
    if (read.ok) {
      conversation.submit(read.submission.op, read.submission.id);
      continue;
    }
    const message = `invalid submission: ${read.message}`;
    void deps.stderr.write(`belay: ${sanitise(message)}\n`);
    await print({ id: read.id, msg: { type: "error", message } }, deps);
  }
  return 0;
}

type Read =
  | { readonly ok: true; readonly submission: Submission }
  | { readonly ok: false; readonly id: string; readonly message: string };

async function* readSubmissions(stdin: Input): AsyncGenerator<Read, void, undefined> {
  const splitter = new LineSplitter(LINE_LIMIT);
  try {
    for await (const chunk of stdin) {
      for (const line of splitter.push(chunk)) yield readLine(line);
    }
  } catch (error) {
    // What stdin is (a folder, a terminal that was closed) is not in our hands: it counts as its end.
    yield wrong("", `cannot read stdin: ${(error as Error).message}`);
  }
  for (const line of splitter.end()) yield readLine(line);
}

type Line = ReturnType<LineSplitter["push"]>[number];

function readLine(line: Line): Read {
  if (line.type === "too_long") return wrong("", `the line has ${line.bytes} bytes, more than 64 MiB`);
  if (line.type === "not_utf8") return wrong("", "the line is not UTF-8 text");
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    // JSON.parse has no other way to say so.
    return wrong("", `not JSON (${(error as Error).message})`);
  }
  const decoded = decodeSubmission(value);
  if (decoded.ok) return { ok: true, submission: decoded.value };
  const id = typeof value === "object" && value !== null ? (value as { id?: unknown }).id : undefined;
  return wrong(typeof id === "string" ? id : "", decoded.message);
}

function wrong(id: string, message: string): Read {
  return { ok: false, id, message };
}
