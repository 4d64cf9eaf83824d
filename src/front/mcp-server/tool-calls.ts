import * as v from "valibot";
import { Scope } from "../../base/index.js";
import type { Conversation, InputOp, OpenedConversation } from "../../engine/index.js";
import { decoder } from "../../protocol/index.js";
import { type Peer, type RequestContext, RpcError } from "../../rpc/index.js";
import { reopen, settingsFor } from "../api/index.js";
import type { Client } from "./handshake.js";
import type { McpDeps } from "./mount.js";
import { nearArguments, nearCall } from "./near-arguments.js";
import { errorResult, type ToolResult } from "./results.js";
import { ToolTurn } from "./tool-turn.js";
import { anyObject, type CodexArguments, codexArguments, type ReplyArguments, replyArguments, TOOLS } from "./tools.js";

/** Conversations that calls have started and that are kept open for replies; past it the one longest unused is closed. */
const OPEN_LIMIT = 500;

const callParams = v.object({
  name: v.string(),
  arguments: v.optional(v.nullable(anyObject)),
  _meta: v.optional(v.nullable(v.object({ progressToken: v.optional(v.union([v.string(), v.number()])) }))),
});

type CallParams = v.InferOutput<typeof callParams>;

const decodeCall = decoder(callParams);
const decodeCodex = decoder(codexArguments);
const decodeReply = decoder(replyArguments);

/** `tools/list` and `tools/call`. Whatever is wrong with a call of a tool is a result that says so, as MCP wants it. */
export class ToolCalls {
  readonly #peer: Peer;
  readonly #client: Client;
  readonly #deps: McpDeps;
  readonly #scope = Scope.root("tool calls");
  /** Those that calls have started, the one used last at the end. */
  readonly #opened = new Map<string, Conversation>();
  readonly #busy = new Set<Conversation>();
  /** Recorded ones that are being opened, by id. */
  readonly #opening = new Map<string, Promise<OpenedConversation | undefined>>();
  #closing: string | undefined;

  constructor(peer: Peer, client: Client, deps: McpDeps) {
    this.#peer = peer;
    this.#client = client;
    this.#deps = deps;
  }

  mount(): void {
    this.#peer.handle("tools/list", {
      decode: (params) => ({ ok: true, value: params }),
      run: () => ({ tools: TOOLS }),
    });
    this.#peer.handle("tools/call", {
      decode: (params) => decodeCall(nearCall(params)),
      run: (params, context) => this.#call(params, context),
    });
  }

  /** From now on no call starts a turn. */
  refuse(why: string): void {
    this.#closing = why;
  }

  async close(): Promise<void> {
    await this.#scope.end();
  }

  #call(params: CallParams, context: RequestContext): Promise<ToolResult> | ToolResult {
    const { name } = params;
    if (name !== "codex" && name !== "codex-reply") return errorResult(`unknown tool: ${name.slice(0, 100)}`);
    if (params.arguments == null) return errorResult(`${name} needs arguments, and of these at least: prompt`);
    const near = nearArguments(name === "codex" ? codexArguments : replyArguments, params.arguments);
    if (!near.ok) return errorResult(`${name}: ${near.message}`);
    const named = { ...params, arguments: near.value };
    if (name === "codex") {
      const args = decodeCodex(near.value);
      return args.ok ? this.#start(args.value, named, context) : errorResult(`codex: ${args.message}`);
    }
    const args = decodeReply(near.value);
    return args.ok ? this.#reply(args.value, named, context) : errorResult(`codex-reply: ${args.message}`);
  }

  /** A new conversation and its first turn, whose id is that of the request, as Codex has it. */
  async #start(args: CodexArguments, params: CallParams, context: RequestContext): Promise<ToolResult> {
    const settings = await settingsFor(settingsAsked(args), this.#deps);
    if (this.#closing !== undefined) return errorResult(`No conversation was started: ${this.#closing}.`);
    context.signal.throwIfAborted();
    if (!settings.ok) return errorResult(settings.message);
    for (const warning of settings.config.warnings) this.#client.log("warning", warning);
    const conversation = this.#deps.engine.start(settings.config);
    this.#client.log("info", `conversation ${conversation.id} started in ${settings.config.cwd}`);
    return this.#run({ conversation, prompt: args.prompt, turnId: String(context.id) }, params, context);
  }

  /** The next turn. Nothing is waited for before the input is queued. */
  #reply(args: ReplyArguments, params: CallParams, context: RequestContext): Promise<ToolResult> | ToolResult {
    const names = [args.threadId, args.conversationId, args.sessionId].filter((name) => name != null);
    const [id] = names;
    if (id === undefined) return errorResult("codex-reply: threadId: it is missing");
    if (names.some((name) => name !== id)) {
      return errorResult("codex-reply: threadId, conversationId and sessionId name different conversations");
    }
    const conversation = this.#deps.engine.find(id);
    if (conversation === undefined) return this.#replyToRecorded(id, args, { params, context });
    return this.#run({ conversation, prompt: args.prompt, turnId: undefined }, params, context);
  }

  /** The same, for a conversation of an earlier process. */
  async #replyToRecorded(
    id: string,
    { prompt }: ReplyArguments,
    { params, context }: { readonly params: CallParams; readonly context: RequestContext },
  ): Promise<ToolResult> {
    const opened = await this.#reopen(id);
    if (this.#closing !== undefined) return errorResult(`The conversation was not gone on with: ${this.#closing}.`, id);
    if (typeof opened === "string") return errorResult(opened, id);
    context.signal.throwIfAborted();
    return this.#run({ conversation: opened, prompt, turnId: undefined }, params, context);
  }

  /** Why not, for people, where it can't be had. Two replies that come at once open it once. */
  async #reopen(id: string): Promise<Conversation | string> {
    const opening = this.#opening.get(id) ?? this.#scope.spawn(`reopen ${id}`, () => reopen(id, this.#deps));
    this.#opening.set(id, opening);
    try {
      const opened = await opening;
      if (opened === undefined) return `conversation not found: ${id}`;
      if (!opened.ok) return opened.message;
      this.#client.log("info", `conversation ${id} was recorded by an earlier process, and goes on`);
      return opened.conversation;
    } catch (error) {
      // The server ends meanwhile, which the caller tells; or settings that can't be read: a result that says so.
      if (this.#closing !== undefined || error instanceof RpcError) return (error as Error).message;
      throw error;
    } finally {
      this.#opening.delete(id);
    }
  }

  async #run(
    turn: { readonly conversation: Conversation; readonly prompt: string; readonly turnId: string | undefined },
    params: CallParams,
    context: RequestContext,
  ): Promise<ToolResult> {
    const { conversation, prompt, turnId } = turn;
    this.#keep(conversation);
    const run = new ToolTurn({
      peer: this.#peer,
      client: this.#client,
      conversation,
      context,
      progressToken: params._meta?.progressToken,
      notes: ignoredNote(params),
      closing: () => this.#closing,
    });
    const op: InputOp = { type: "user_input", items: [{ type: "text", text: prompt }] };
    this.#busy.add(conversation);
    const result = await run.run(op, turnId);
    this.#busy.delete(conversation);
    return result;
  }

  /** Remembers the conversation as the one used last, and lets go of the one that waits longest when there are too many. */
  #keep(conversation: Conversation): void {
    this.#opened.delete(conversation.id);
    this.#opened.set(conversation.id, conversation);
    if (this.#opened.size <= OPEN_LIMIT) return;
    const idle = [...this.#opened.values()].find((one) => one !== conversation && !this.#busy.has(one));
    if (idle === undefined) return;
    this.#opened.delete(idle.id);
    this.#client.log("notice", `conversation ${idle.id} was closed: more than ${OPEN_LIMIT} are open`);
    void this.#scope.spawn(`close ${idle.id}`, () => idle.close());
  }
}

/** What the arguments ask for, by the names of the conversation API. */
function settingsAsked({ model, profile, cwd, sandbox, config, ...args }: CodexArguments) {
  return {
    ...{ model, profile, cwd, sandbox, config },
    approvalPolicy: args["approval-policy"],
    baseInstructions: args["base-instructions"],
    developerInstructions: args["developer-instructions"],
    compactPrompt: args["compact-prompt"],
  };
}

/** Arguments that mean nothing here are told, lest a wrong spelling be taken for a setting. */
function ignoredNote({ name, arguments: args }: CallParams): string[] {
  const { entries } = name === "codex" ? codexArguments : replyArguments;
  const ignored = Object.keys(args ?? {}).filter((key) => !Object.hasOwn(entries, key));
  return ignored.length === 0
    ? []
    : [`Arguments that ${name} does not know, and that were ignored: ${ignored.join(", ")}`];
}
