import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../src/config/index.js";
import { type Conversation, type Conversations, createConversations, type ResumeInit } from "../../src/engine/index.js";
import {
  type Event,
  type EventMsg,
  type EventOf,
  isTerminal,
  type Provider,
  type TerminalMsg,
} from "../../src/protocol/index.js";
import { type ModelServer, startModelServer } from "./model-server.js";
import { Lookout } from "./waiting.js";

/** A folder of the test's own, removed by `dispose`. */
export function scratch(): { readonly path: string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), "belay-test-"));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

/** A configuration as the config room would load it: full access, nobody asked. */
export function testConfig(init: { provider: Provider; cwd: string; home: string }): Config {
  return {
    home: init.home,
    cwd: init.cwd,
    model: "mock-model",
    provider: init.provider,
    openaiAuth: false,
    missingKey: undefined,
    approvalPolicy: "never",
    sandboxPolicy: { mode: "danger-full-access" },
    projectTrust: undefined,
    effort: undefined,
    verbosity: undefined,
    serviceTier: undefined,
    models: {},
    summary: undefined,
    contextWindow: undefined,
    autoCompactTokenLimit: undefined,
    toolOutputTokenLimit: 10_000,
    hideAgentReasoning: false,
    showRawAgentReasoning: false,
    projectDocMaxBytes: 32_768,
    projectDocFallbackNames: [],
    instructionsFile: undefined,
    developerInstructions: undefined,
    compactPrompt: undefined,
    containFullAccess: true,
    keepBackgroundProcesses: false,
    allowPartialSandbox: false,
    commandTimeoutMs: undefined,
    sessionLimits: { maxBytes: undefined, keepDays: undefined },
    commandEnv: { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: init.home, SHELL: "/bin/sh" },
    sources: [],
    projectFiles: [],
    warnings: [],
  };
}

/** A conversation under test, all its events, and ways to wait for one. */
export interface Talk {
  readonly conversation: Conversation;
  readonly events: readonly Event[];
  readonly cwd: string;
  readonly home: string;
  /** Starts a turn with a text. */
  say(text: string): string;
  /** The first event, past or to come, that fits; fails after 20 s. */
  until<T extends EventMsg["type"]>(type: T, fits?: (msg: EventOf<T>, event: Event) => boolean): Promise<EventOf<T>>;
  /** The first event, past or to come, that belongs to a submission. */
  answer(id: string): Promise<Event>;
  /** The terminal event of a turn. */
  end(turnId: string): Promise<TerminalMsg>;
  /** What the turn's events are called, deltas in a row as one. */
  types(turnId: string): string[];
  /** Closes the conversation and removes its folders. */
  close(): Promise<void>;
}

/** A conversation with a model server of its own. */
export async function openTalk(overrides: Partial<Config> = {}): Promise<{ server: ModelServer; talk: Talk }> {
  const server = await startModelServer();
  return { server, talk: startTalk(server.provider(), overrides) };
}

export function startTalk(provider: Provider, overrides: Partial<Config> = {}): Talk {
  const stage = openStage(provider, overrides);
  return talkOf(stage, stage.engine.start(stage.config));
}

/** The same, going on with a recorded session of `home`, or with a fork of one; throws with the reason when it can't be opened. */
export async function resumeTalk(
  provider: Provider,
  init: {
    readonly home: string;
    readonly source: string;
    readonly chosen?: ResumeInit["chosen"];
    readonly fork?: true;
    readonly atTurn?: number;
  },
  overrides: Partial<Config> = {},
): Promise<Talk> {
  const stage = openStage(provider, { home: init.home, ...overrides });
  const asked = {
    source: init.source,
    config: stage.config,
    ...(init.chosen === undefined ? {} : { chosen: init.chosen }),
  };
  const opened = await (init.fork === true
    ? stage.engine.fork({ ...asked, atTurn: init.atTurn })
    : stage.engine.resume(asked));
  if (opened.ok) return talkOf(stage, opened.conversation);
  await stage.close();
  throw new Error(`${opened.reason}: ${opened.message}`);
}

interface Stage {
  readonly engine: Conversations;
  readonly config: Config;
  close(): Promise<void>;
}

/** An engine of its own, and the folders it works with. */
function openStage(provider: Provider, overrides: Partial<Config>): Stage {
  const folder = scratch();
  const home = scratch();
  const config = { ...testConfig({ provider, cwd: folder.path, home: home.path }), ...overrides };
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const engine = createConversations({ clock, random: (n) => randomBytes(n), version: "0.0.0-test" });
  const close = async () => {
    await engine.close();
    folder.dispose();
    home.dispose();
  };
  return { engine, config, close };
}

function talkOf({ config, close }: Stage, conversation: Conversation): Talk {
  const events: Event[] = [];
  const lookout = new Lookout(() => events.map((event) => `${event.id} ${event.msg.type}`).join(", "));
  conversation.subscribe((event) => {
    events.push(event);
    lookout.look();
  });
  const waitFor = <T>(what: string, find: () => T | undefined) => lookout.until({ what, find });
  return {
    conversation,
    events,
    cwd: config.cwd,
    home: config.home,
    say: (text) => conversation.submit({ type: "user_input", items: [{ type: "text", text }] }),
    until: <T extends EventMsg["type"]>(type: T, fits: (msg: EventOf<T>, event: Event) => boolean = () => true) =>
      waitFor(type, () => {
        const found = events.find((event) => event.msg.type === type && fits(event.msg as EventOf<T>, event));
        return found?.msg as EventOf<T> | undefined;
      }),
    answer: (id) => waitFor(`event of ${id}`, () => events.find((event) => event.id === id)),
    end: (turnId) =>
      waitFor(`end of turn ${turnId}`, () => {
        const found = events.find((event) => event.id === turnId && isTerminal(event.msg));
        return found?.msg as TerminalMsg | undefined;
      }),
    types: (turnId) => {
      const types = events.filter((event) => event.id === turnId).map((event) => event.msg.type);
      return types.filter((type, at) => !(type.endsWith("_delta") && types[at - 1] === type));
    },
    close,
  };
}
