import type { Clock, Random, Scope } from "../base/index.js";
import { type Config, findGitRoot, readProjectDocs } from "../config/index.js";
import { type Model, type ModelRequest, openModel } from "../model/index.js";
import {
  type EventMsg,
  isCall,
  type MessageItem,
  type Provider,
  type ResponseItem,
  type TokenUsage,
  textOf,
  userMessage,
} from "../protocol/index.js";
import type { Approvals } from "./approvals.js";
import type { CallDeps } from "./calls.js";
import type { ChangeKeeper } from "./change-keeper.js";
import { CommandRules } from "./command-rules.js";
import {
  abortMessage,
  DOCS_START,
  environmentContext,
  partialMessage,
  projectDocsMessage,
  terminalName,
} from "./context.js";
import type { Doubles } from "./doubles.js";
import { History } from "./history.js";
import { BASE_INSTRUCTIONS } from "./instructions.js";
import type { Recorder } from "./recorder.js";
import type { ConversationLevel } from "./sandbox-levels.js";
import type { Terminals } from "./terminals.js";
import { DEFAULT_TIMEOUT_MS } from "./tools/command.js";
import { TOOLS } from "./tools/registry.js";
import { userShell } from "./tools/shell-command.js";
import type { Tool, ToolCall, ToolContext } from "./tools/tool.js";
import type { StopRecord, Turn } from "./turn.js";
import { tellUndos } from "./undo-words.js";
import { compactLimit, contextWindowOf, TokenMeter } from "./usage.js";

interface Init {
  readonly id: string;
  readonly config: Config;
  readonly recorder: Recorder;
  readonly approvals: Approvals;
  readonly level: ConversationLevel;
  readonly changes: ChangeKeeper;
  readonly terminals: Terminals;
  /** Tells of something that belongs to no turn. */
  tell(msg: EventMsg): Promise<void> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** Of a resumed conversation: well-formed, and on record. */
  readonly restored: readonly ResponseItem[];
  /** The tokens of it that are on record. */
  readonly restoredUsage: TokenUsage | undefined;
  /** Undefined but for a replay. */
  readonly doubles: Doubles | undefined;
}

/** The side of a conversation that faces its model: what it was told, how much that is, and the way to it. */
export class Conversing {
  readonly history = new History();
  readonly meter: TokenMeter;
  readonly model: Model;
  readonly #init: Init;
  readonly #rules: CommandRules;
  readonly #tools: ReadonlyMap<string, Tool>;
  /** The context texts the history holds, by kind: a text is given again only when it changed. */
  readonly #told = new Map<string, string>();
  readonly #warned = new Set<string>();

  constructor(init: Init) {
    this.#init = init;
    this.#rules = new CommandRules(init.config);
    const { clock, random, version, doubles } = init;
    this.#tools = doubles?.tools(TOOLS) ?? TOOLS;
    this.model = doubles?.model ?? openModel(init.config.provider, { clock, random, userAgent: `belay/${version}` });
    this.history.append(init.restored);
    this.meter = new TokenMeter(init.restoredUsage);
    this.meter.add(init.restored);
    for (const [kind, text] of contextIn(init.restored)) this.#told.set(kind, text);
  }

  get showsReasoning(): boolean {
    return !this.#init.config.hideAgentReasoning;
  }

  get showsRawReasoning(): boolean {
    return this.showsReasoning && this.#init.config.showRawAgentReasoning;
  }

  get compactPrompt(): string | undefined {
    return this.#init.config.compactPrompt;
  }

  contextWindow(turn: Turn): number | undefined {
    return this.#init.config.contextWindow ?? contextWindowOf(turn.settings.model);
  }

  compactLimit(turn: Turn): number | undefined {
    return compactLimit(this.#init.config.autoCompactTokenLimit, this.contextWindow(turn));
  }

  /** Puts items into the history and on record; `submission`: what a user's message came from. */
  record(items: readonly ResponseItem[], submission?: string): void {
    this.history.append(items);
    this.meter.add(items);
    this.#init.recorder.items(items, submission);
  }

  /** Puts on record how many tokens all requests took, when that is more than what is there. */
  recordUsage(turn: Turn): void {
    const { last, total } = this.meter;
    if (last !== undefined) this.#init.recorder.usage({ last, total, window: this.contextWindow(turn) });
  }

  /** What the user should know of the record since the last time; see `Recorder`. */
  recordNotice(): string | undefined {
    return this.#init.recorder.takeNotice();
  }

  /** The names of the terminals that run, for the model. */
  get terminals(): readonly string[] {
    return this.#init.terminals.infos().map(terminalName);
  }

  /** Why no request can be made: the key that the provider needs is not there. */
  get missingKey(): string | undefined {
    const { missingKey, provider } = this.#init.config;
    if (missingKey === undefined) return undefined;
    const how = missingKey.instructions ?? `set it and start again`;
    return `provider ${provider.id} needs a key: the environment variable ${missingKey.envKey} is not set (${how})`;
  }

  /** Tells the model where it is and what the project says, as far as that is new to it; what the user should know of it. */
  recordContext(turn: Turn): readonly string[] {
    const { items, warnings } = this.#context(turn);
    this.record(items);
    const fresh = warnings.filter((warning) => !this.#warned.has(warning));
    for (const warning of fresh) this.#warned.add(warning);
    return fresh;
  }

  /** Tells the model what was undone since it was told last. Never throws: then the next turn tells it. */
  async tellUndos(): Promise<void> {
    const { config, id, recorder } = this.#init;
    try {
      await tellUndos({ home: config.home, conversation: id }, (notes) => {
        this.record(notes);
        return recorder.flush();
      });
    } catch {
      // A home that can't be read or written: the notes stay where they are.
    }
  }

  /** Puts the context and `items` in the place of the whole history. */
  replaceHistory(turn: Turn, items: readonly ResponseItem[]): void {
    this.#told.clear();
    const replacement = [...this.#context(turn).items, ...items];
    this.history.replace(replacement);
    this.meter.reset(replacement);
    // Before it: who reads the record backwards ends there.
    this.recordUsage(turn);
    this.#init.recorder.compacted(replacement);
  }

  request(turn: Turn): ModelRequest {
    const { settings } = turn;
    const custom = takesCustomTools(this.#init.config.provider, settings.model);
    return {
      model: settings.model,
      instructions: this.#init.config.instructionsFile?.text ?? BASE_INSTRUCTIONS,
      input: this.history.items,
      tools: [...TOOLS.values()].map((tool) => (custom && tool.customSpec) || tool.spec),
      conversationId: this.#init.id,
      effort: settings.effort,
      summary: settings.summary,
      outputSchema: settings.outputSchema,
    };
  }

  /** Some servers number the calls of each response from zero: an id that was used before gets a suffix. */
  withUniqueCallIds(items: readonly ResponseItem[]): ResponseItem[] {
    const seen = new Set<string>();
    return items.map((item) => {
      if (!isCall(item)) return item;
      let id = item.call_id;
      for (let n = 2; seen.has(id) || this.history.hasCall(id); n += 1) id = `${item.call_id}_${n}`;
      seen.add(id);
      return id === item.call_id ? item : { ...item, call_id: id };
    });
  }

  /** The turn may come to change files. */
  expectChanges(turn: Turn): void {
    this.#init.changes.expect(turn);
  }

  callDeps(turn: Turn): CallDeps {
    return {
      scope: turn.scope,
      clock: this.#init.clock,
      tools: this.#tools,
      contextFor: (call, scope) => this.#toolContext(turn, call, scope),
      emit: (msg) => turn.emit(msg),
      record: (outputs) => this.record(outputs),
    };
  }

  /** After a stop or failure: what was streamed is kept once, and the model is told what happened. */
  settle(turn: Turn, end: StopRecord): void {
    if (end.status === "completed") return;
    const { partial } = turn.ledger;
    if (partial !== "") this.record([partialMessage(partial)]);
    if (end.status !== "failed") this.record([abortMessage(end, partial)]);
  }

  close(): void {
    this.model.close();
    this.#init.recorder.close();
  }

  #context(turn: Turn): { readonly items: MessageItem[]; readonly warnings: readonly string[] } {
    const { config, clock } = this.#init;
    const { cwd } = turn.settings;
    const docs = readProjectDocs({
      home: config.home,
      cwd,
      maxBytes: config.projectDocMaxBytes,
      fallbackNames: config.projectDocFallbackNames,
    });
    const shell = userShell(config.commandEnv);
    const texts = [
      ["developer", config.developerInstructions],
      ["docs", projectDocsMessage(docs)],
      ["environment", environmentContext(turn.settings, shell, new Date(clock.now()))],
    ] as const;
    const fresh = texts.filter(([kind, text]) => text !== undefined && this.#told.get(kind) !== text);
    const items = fresh.map(([kind, text = ""]): MessageItem => {
      this.#told.set(kind, text);
      return kind === "developer" ? { ...userMessage(text), role: "developer" } : userMessage(text);
    });
    return { items, warnings: docs.warnings };
  }

  #toolContext(turn: Turn, call: ToolCall, scope: Scope): ToolContext {
    const { config, approvals, level, terminals, changes, clock } = this.#init;
    return {
      callId: call.callId,
      turnId: turn.id,
      scope,
      signal: scope.signal,
      settings: turn.settings,
      env: config.commandEnv,
      commandTimeoutMs: config.commandTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      outputTokens: config.toolOutputTokenLimit,
      sandboxLevel: () => level.forCommands(turn.settings.cwd),
      home: config.home,
      approvals,
      rules: this.#rules,
      clock,
      terminals,
      ptyProgram: () => level.ptyProgram(),
      emit: (msg) => turn.emit(msg),
      emitBeyond: (msg) => (turn.hasEnded ? this.#init.tell(msg) : turn.emit(msg)),
      approve: async (request) => {
        // What a person is asked about must be on record when the answer has effects.
        await this.#init.recorder.flush();
        const waiter = { callId: call.callId, turnId: turn.id };
        const decision = await approvals.request(waiter, scope.signal, () => void turn.emit(request));
        if (decision === "abort") turn.stop("interrupted");
        return decision;
      },
      recordProcess: (process) => turn.ledger.processes.set(`${call.callId} ${process.pid}`, process),
      undoably: (area, act) => changes.undoably({ turn, callId: call.callId, area, signal: scope.signal }, act),
      recordChanges: async (files) => {
        turn.ledger.diff.add(files);
        const diff = await turn.ledger.diff.render(findGitRoot(turn.settings.cwd));
        if (diff !== undefined) void turn.emit({ type: "turn_diff", unified_diff: diff });
      },
    };
  }
}

/** The context texts that a history holds, by kind; the last of each kind counts. */
function contextIn(items: readonly ResponseItem[]): [kind: string, text: string][] {
  return items.flatMap((item): [string, string][] => {
    if (item.type !== "message") return [];
    const text = textOf(item);
    if (item.role === "developer") return [["developer", text]];
    if (item.role !== "user") return [];
    if (text.startsWith(DOCS_START)) return [["docs", text]];
    return text.startsWith("<environment_context>") ? [["environment", text]] : [];
  });
}

/** OpenAI's own newer models take free text held to a grammar; elsewhere that can't be known. */
function takesCustomTools(provider: Provider, model: string): boolean {
  return provider.id === "openai" && provider.wireApi === "responses" && /^(gpt-[5-9]|codex)/.test(model);
}
