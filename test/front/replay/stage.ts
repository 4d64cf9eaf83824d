import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createConversations } from "../../../src/engine/index.js";
import type { FrontDeps, Output, StopSignal } from "../../../src/front/host/index.js";
import { type ReplayArgs, runReplay } from "../../../src/front/replay/index.js";
import { scratch } from "../../support/talk.js";

/** How a replay in this process ended. */
export interface Replayed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was left in the folder for temporary files. */
  readonly left: readonly string[];
}

/** Plays a session again as a user would who has no key, no configuration and, unless `home` is given, no home folder. */
export async function replay(
  session: string,
  options: Partial<ReplayArgs> & {
    /** Default: that of the tests. */
    readonly path?: string;

    readonly home?: string;
    readonly onText?: (text: string, stop: (signal: StopSignal) => void) => void;
  } = {},
): Promise<Replayed> {
  const folder = scratch();
  const tmp = join(folder.path, "tmp");
  mkdirSync(tmp);
  const { home = join(folder.path, "no-home"), onText, path = process.env.PATH, ...args } = options;
  const written = { stdout: "", stderr: "" };
  let stop: (signal: StopSignal) => void = () => {};
  const output = (name: "stdout" | "stderr"): Output => ({
    isTTY: false,
    broken: false,
    write(text) {
      written[name] += text;
      onText?.(text, stop);
    },
    onBroken: () => () => {},
  });
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const engine = createConversations({ clock, random: (n) => randomBytes(n), version: "0.0.0-test" });
  const deps: FrontDeps = {
    env: { PATH: path, HOME: join(folder.path, "no-user"), BELAY_HOME: home, TMPDIR: tmp, MY_SETTING: "private" },
    cwd: folder.path,
    stdin: { kind: "other", async *[Symbol.asyncIterator]() {} },
    stdout: output("stdout"),
    stderr: output("stderr"),
    clock,
    random: (n) => randomBytes(n),
    version: "0.0.0-test",
    signals: {
      onStop: (listener) => {
        stop = listener;
        return () => {};
      },
    },
    conversations: async () => engine,
  };
  try {
    const asked = { session, tools: "mock", cwd: undefined, until: undefined, keep: false, json: false } as const;
    const code = await runReplay({ ...asked, ...args }, deps);
    return {
      code,
      ...written,
      left: readdirSync(folder.path, { recursive: true, encoding: "utf8" }).filter((name) => name !== "tmp"),
    };
  } finally {
    await engine.close();
    folder.dispose();
  }
}

/** The one session file of a home. */
export function sessionFile(home: string): string {
  const names = readdirSync(join(home, "sessions"), { recursive: true, encoding: "utf8" });
  return join(home, "sessions", names.find((name) => name.endsWith(".jsonl"))!);
}

/** What of a record a test changes: the lines as JSON. */
export type Lines = { type: string; payload: Record<string, unknown> & { type?: string } }[];

export function linesOf(file: string): Lines {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Lines[number]);
}

export function textOfLines(lines: Lines): string {
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

interface Made {
  readonly cwd: string;
  readonly context?: object;
  /** Calls with their recorded outputs, one step each. */
  readonly calls: readonly { readonly name: string; readonly args: object | string; readonly output: string }[];
}

/** A record of one turn that nobody ever ran. */
export function madeUp({ cwd, context = {}, calls }: Made): Lines {
  const meta = {
    id: "01a206a0-ab28-73c6-b17e-cb30948e8f73",
    timestamp: "2026-01-01T00:00:00.000Z",
    cwd,
    originator: "belay",
  };
  const text = (role: string, said: string) => ({
    type: "message",
    role,
    content: [{ type: role === "user" ? "input_text" : "output_text", text: said }],
  });
  const steps = calls.flatMap(({ name, args, output }, at) => {
    const id = `call_${at}`;
    const call =
      typeof args === "string"
        ? { type: "custom_tool_call", name, input: args, call_id: id }
        : { type: "function_call", name, arguments: JSON.stringify(args), call_id: id };
    return [call, { type: `${call.type}_output`, call_id: id, output }];
  });
  const items = [text("user", "go"), ...steps, text("assistant", "done")];
  return [
    { type: "session_meta", payload: meta },
    { type: "event_msg", payload: { type: "task_started" } },
    { type: "turn_context", payload: { cwd, ...context } },
    ...items.map((payload) => ({ type: "response_item", payload })),
    { type: "event_msg", payload: { type: "task_complete", last_agent_message: "done" } },
  ].map((line) => ({ timestamp: "2026-01-01T00:00:00.000Z", ...line }));
}

/** The JSON lines of `--json`, and the summary that ends them. */
export function summaryOf({ stdout }: Replayed) {
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const summary = lines.at(-1) as {
    readonly type: string;
    readonly same: boolean;
    readonly stopped: boolean;
    readonly turns: readonly {
      readonly turn: number;
      readonly result: string;
      readonly why?: string;
      readonly parting?: { readonly what: string; readonly expected: string; readonly came: string };
    }[];
    readonly notes: readonly string[];
  };
  return { events: lines.slice(0, -1) as { id: string; msg: { type: string } }[], summary };
}
