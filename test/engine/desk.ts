import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Config } from "../../src/config/index.js";
import type { Event, EventOf } from "../../src/protocol/index.js";
import { call, type ModelServer, type Step, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, type Talk } from "../support/talk.js";

/** A conversation whose model makes one call a turn. */
export interface Desk {
  readonly server: ModelServer;
  readonly talk: Talk;
  /** What its commands have in their environment. */
  readonly mark: string;
  /** One call in a turn of its own; what the model was told. */
  use(name: string, args: object): Promise<string>;
  /** All output that the model was told of terminals so far, however it was spread over its calls. */
  told(): string;
  /** Resolves once the terminals have printed so much, whoever was told. */
  shown(output: string): Promise<void>;
  /** Starts a command that runs on; its id. */
  open(cmd: string, args?: object): Promise<number>;
  /** Begins a turn with one response of the model, and returns its id. */
  begin(...steps: readonly Step[]): string;
  /** The answer to an op about terminals. */
  ask(op: "list" | "clean"): Promise<EventOf<"background_terminals_response">>;
  ends(): readonly Event[];
}

let desks = 0;

interface DeskOptions {
  readonly overrides?: Partial<Config>;
  readonly skip?: string;
}

/** A test at a desk of its own; then everything is closed, and checked are the events and that nothing of it lives. */
export function deskTest(name: string, run: (desk: Desk) => Promise<void>, options: DeskOptions = {}): void {
  const { overrides = {}, ...rest } = options;
  test(name, { timeout: 50_000, ...rest }, async () => {
    const desk = await openDesk(overrides);
    let passed = false;
    try {
      await run(desk);
      passed = true;
    } finally {
      await desk.talk.close();
      const left = living(desk.mark);
      // A test that failed must not leave a server that keeps the run from ending, nor be hidden by what that says.
      await desk.server.close().catch((error: unknown) => {
        if (passed) throw error;
      });
      if (passed) checkStopContract(desk.talk.events);
      assert.deepEqual(left, []);
    }
  });
}

async function openDesk(overrides: Partial<Config>): Promise<Desk> {
  desks += 1;
  const mark = `BELAY_TEST_DESK=${process.pid}.${desks}`;
  const [name = "", value = ""] = mark.split("=");
  const commandEnv = { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: "/", SHELL: "/bin/sh", [name]: value };
  return deskOf(await openTalk({ commandEnv, ...overrides }), mark);
}

function deskOf({ server, talk }: { server: ModelServer; talk: Talk }, mark: string): Desk {
  let calls = 0;
  let told = "";
  let shown = "";
  const watchers = new Set<() => void>();
  talk.conversation.subscribe(({ msg }) => {
    if (msg.type !== "exec_command_output_delta") return;
    shown = `${shown}${Buffer.from(msg.chunk)}`.slice(-10_000);
    for (const look of [...watchers]) look();
  });
  const use: Desk["use"] = async (name, args) => {
    calls += 1;
    const id = `use-${calls}`;
    server.enqueue([call(name, args, id)], text("done"));
    const turn = talk.say("go");
    await talk.end(turn);
    const output = server.requests.at(-1)?.outputOf(id);
    assert.ok(output !== undefined, `no output of ${id}`);
    told += output.includes("\nOutput:\n") ? printed(output) : "";
    return output;
  };
  return {
    server,
    talk,
    mark,
    use,
    told: () => told,
    shown: (output) =>
      new Promise((resolve) => {
        const look = () => {
          if (!shown.includes(output)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    open: async (cmd, args = {}) => {
      const output = await use("exec_command", { cmd, login: false, yield_time_ms: 250, ...args });
      return sessionOf(output);
    },
    begin: (...steps) => {
      server.enqueue(steps);
      return talk.say("go");
    },
    ask: async (what) => {
      const id = talk.conversation.submit({ type: `${what}_background_terminals` });
      const { msg } = await talk.answer(id);
      assert.ok(msg.type === "background_terminals_response");
      return msg;
    },
    ends: () => talk.events.filter(({ msg }) => msg.type === "exec_command_end"),
  };
}

/** The id in what the model was told of a command that runs on. */
export function sessionOf(output: string): number {
  const id = /^Process running with session ID (\d+)$/m.exec(output)?.[1];
  assert.ok(id !== undefined, `no session ID in: ${output}`);
  return Number(id);
}

/** The output part of what the model was told. */
export function printed(output: string): string {
  return output.slice(output.indexOf("\nOutput:\n") + "\nOutput:\n".length);
}

/** The processes that have the mark in their environment. */
export function living(mark: string): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(mark);
    } catch {
      // It ended, or is another user's.
      return false;
    }
  });
}
