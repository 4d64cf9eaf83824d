import type { Clock, Random, Scope } from "../base/index.js";
import { type Config, findGitRoot, readProjectDocs } from "../config/index.js";
import {
  GUESSED_WINDOW,
  type Model,
  type ModelRequest,
  modelInfo,
  openModel,
  type SettledSettings,
  settleModelSettings,
} from "../model/index.js";
import {
  type EventMsg,
  type MessageItem,
  type ModelInfo,
  type ResponseItem,
  type TokenUsage,
  textOf,
  userMessage,
} from "../protocol/index.js";
import { adopt } from "./adoption.js";
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
import { OFFERED, TOOLS } from "./tools/registry.js";
import { userShell } from "./tools/shell-command.js";
import type { Tool, ToolCall, ToolContext } from "./tools/tool.js";
import { toolNameOf } from "./tools/tool-names.js";
import { viewImage } from "./tools/view-image.js";
import type { StopRecord, Turn } from "./turn.js";
import { tellUndos } from "./undo-words.js";
import { compactLimit, TokenMeter } from "./usage.js";
import { hasStructuredCall, wasRead, withWrittenCalls } from "./written-calls.js";

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
  /** The model's server has given calls as calls. */
  #seesCalls: boolean;

  constructor(init: Init) {
    this.#init = init;
    this.#rules = new CommandRules(init.config);
    const { clock, random, version, doubles } = init;
    this.#tools = doubles?.tools(TOOLS) ?? TOOLS;
    this.model = doubles?.model ?? openModel(init.config.provider, { clock, random, userAgent: `belay/${version}` });
    this.history.append(init.restored);
    this.#seesCalls = hasStructuredCall(init.restored);
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

  /** What is known of a model; the settings count first. */
  modelInfo(name: string): ModelInfo {
    return modelInfo(name, this.#init.config.models);
  }

  /** Of the turn's model, as set or known; a guess is none. */
  contextWindow(turn: Turn): number | undefined {
    return this.#init.config.contextWindow ?? this.modelInfo(turn.settings.model).contextWindow;
  }

  /** The window, or a guess where nothing is known of the model. */
  assumedWindow(turn: Turn): number {
    return this.contextWindow(turn) ?? GUESSED_WINDOW;
  }

  /** Whether the next request may take more than it should, so that room has to be made first, as far as a summary makes any. */
  isNearlyFull(turn: Turn): boolean {
    if (!this.history.hasAnswers) return false;
    const window = this.assumedWindow(turn);
    return (
      this.meter.inContext > compactLimit(this.#init.config.autoCompactTokenLimit, { window, floor: this.meter.floor })
    );
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
    const fresh = [...warnings, ...this.#settled(turn).notes].filter((warning) => !this.#warned.has(warning));
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
    this.meter.compacted(replacement);
    // Before it: who reads the record backwards ends there.
    this.recordUsage(turn);
    this.#init.recorder.compacted(replacement);
  }

  request(turn: Turn): ModelRequest {
    const { settings } = turn;
    const info = this.modelInfo(settings.model);
    const custom = this.#takesCustomTools(settings.model);
    const { effort, verbosity, serviceTier } = this.#settled(turn);
    const offered = OFFERED.filter((tool) => tool !== viewImage || info.takesImages !== false);
    return {
      model: settings.model,
      info,
      instructions: this.#init.config.instructionsFile?.text ?? BASE_INSTRUCTIONS,
      input: this.history.items,
      tools: offered.map((tool) => (custom && tool.customSpec) || tool.spec),
      conversationId: this.#init.id,
      effort,
      summary: settings.summary,
      verbosity,
      serviceTier,
      outputSchema: settings.outputSchema,
    };
  }

  /** What is sent of the settings that not every model takes. */
  #settled({ settings: { model, effort } }: Turn): SettledSettings {
    const { verbosity, serviceTier, provider } = this.#init.config;
    const info = this.modelInfo(model);
    return settleModelSettings({ info, model, effort, verbosity, serviceTier, wire: provider.wireApi });
  }

  /** The items of a response as the history takes them. */
  adopt({ settings }: Turn, items: readonly ResponseItem[]): ResponseItem[] {
    const { config, random } = this.#init;
    const { id: provider, wireApi } = config.provider;
    const known = new Set(this.#tools.keys());
    const makeId = () => Buffer.from(random(12)).toString("hex");
    this.#seesCalls ||= hasStructuredCall(items);
    // An answer in JSON that was asked for may look like a call.
    const reads = wireApi === "chat" && !this.#seesCalls && settings.outputSchema === undefined;
    const readBefore = (text: string) => wasRead(this.history.items, text);
    const whole = reads ? withWrittenCalls(items, { known, makeId, wasRead: readBefore }) : items;
    return adopt(whole, {
      maker: { provider, model: settings.model },
      hasCall: (callId) => this.history.hasCall(callId),
      makeCallId: () => `call_${makeId()}`,
      toolNameOf: (name) => toolNameOf(name, known),
    });
  }

  /** Puts items in the place of the history that are the same but for what a server refused; on record too. */
  amendHistory(turn: Turn, items: readonly ResponseItem[]): void {
    this.history.replace(items);
    this.meter.reset(items);
    this.recordUsage(turn);
    this.#init.recorder.amended(items);
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

  /** What is known of a model's free text tools holds at its maker's own address; elsewhere the settings have to say so. */
  #takesCustomTools(model: string): boolean {
    const { provider, models } = this.#init.config;
    if (provider.wireApi !== "responses") return false;
    return models[model]?.takesCustomTools ?? (provider.id === "openai" && modelInfo(model).takesCustomTools === true);
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
