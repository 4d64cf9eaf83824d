import type { Clock, Scope } from "../base/index.js";
import { Cancelled } from "../base/index.js";
import {
  type CallItem,
  type CallOutcome,
  type CallOutput,
  type CallOutputItem,
  type EventMsg,
  outputOf,
} from "../protocol/index.js";
import { OFFERED } from "./tools/registry.js";
import type { Tool, ToolCall, ToolContext, ToolOutput } from "./tools/tool.js";
import { unknownToolText } from "./tools/tool-names.js";

interface Entry {
  readonly item: CallItem;
  readonly call: ToolCall;
  state: "not_started" | "running" | "done" | "cut";
  startedAt: number;
  output: CallOutput | undefined;
  recorded: boolean;
}

/** What running calls takes from the turn. */
export interface CallDeps {
  readonly scope: Scope;
  readonly clock: Clock;
  readonly tools: ReadonlyMap<string, Tool>;
  contextFor(call: ToolCall, scope: Scope): ToolContext;
  emit(msg: EventMsg): Promise<void> | undefined;
  /** Puts outputs into the history; called in call order. */
  record(outputs: readonly CallOutputItem[]): void;
}

/** Every tool call of one turn, what state it is in, and the only place where one is started. */
export class Calls {
  readonly #deps: CallDeps;
  readonly #entries: Entry[] = [];
  #sealed = false;

  constructor(deps: CallDeps) {
    this.#deps = deps;
  }

  /**
   * Runs the calls of one response: beside each other as far as their tools allow, outputs recorded in call order.
   * Throws `Cancelled` when the turn is stopped; calls not started by then never start.
   */
  async run(items: readonly CallItem[]): Promise<void> {
    const entries = items.map((item) => newEntry(item));
    this.#entries.push(...entries);
    let beside: Promise<void>[] = [];
    for (const entry of entries) {
      const tool = this.#deps.tools.get(entry.call.name);
      const parallel = tool === undefined || tool.parallel(entry.call);
      if (!parallel) {
        await Promise.all(beside);
        beside = [];
      }
      const running = this.#runOne(entry, tool);
      beside.push(running);
      if (!parallel) await running;
    }
    await Promise.all(beside);
    this.#deps.scope.signal.throwIfAborted();
  }

  /** What each call came to. */
  outcomes(): CallOutcome[] {
    return this.#entries.map(({ call, state }) => ({
      call_id: call.callId,
      name: call.name,
      outcome: state === "done" ? "done" : state === "not_started" ? "not_started" : "cut",
    }));
  }

  /** Ends the bookkeeping: every call without an output is given one that says what happened to it. */
  seal(why: string): void {
    this.#sealed = true;
    const now = this.#deps.clock.monotonic();
    for (const entry of this.#entries) {
      if (entry.output !== undefined) continue;
      entry.output =
        entry.state === "not_started"
          ? `not started: ${why} before this call`
          : `${why} after ${seconds(now - entry.startedAt)}; the call had not ended and may have had effects`;
      if (entry.state === "running") entry.state = "cut";
    }
    this.#recordReady();
  }

  async #runOne(entry: Entry, tool: Tool | undefined): Promise<void> {
    if (this.#deps.scope.signal.aborted) return;
    entry.state = "running";
    entry.startedAt = this.#deps.clock.monotonic();
    const output = await this.#dispatch(entry.call, tool);
    if (this.#sealed) return;
    if (output.status === "cut") {
      entry.state = "cut";
      const after = seconds(this.#deps.clock.monotonic() - entry.startedAt);
      entry.output = `aborted by user after ${after}${output.output === "" ? "" : `\n${output.output}`}`;
    } else {
      entry.state = "done";
      entry.output = output.output;
    }
    this.#recordReady();
  }

  async #dispatch(call: ToolCall, tool: Tool | undefined): Promise<ToolOutput> {
    if (tool === undefined) {
      const known = new Set(OFFERED.map((tool) => tool.name));
      return this.#announce(call, { status: "failed", output: unknownToolText(call.name, known) });
    }
    const scope = this.#deps.scope.child(`call ${call.callId}`);
    try {
      const context = this.#deps.contextFor(call, scope);
      return this.#announce(call, await scope.spawn(call.name, () => tool.run(call, context)));
    } catch (error) {
      if (error instanceof Cancelled) return { status: "cut", output: "" };
      // A bug of a tool must not end the turn: the model and the user are told, and the turn goes on.
      return this.#announce(call, { status: "failed", output: `${call.name} failed: ${String(error)}` });
    } finally {
      await scope.end();
    }
  }

  /** A call that failed before it did anything has no events of its own: one event tells of it. */
  #announce(call: ToolCall, output: ToolOutput): ToolOutput {
    if (output.status !== "failed") return output;
    void this.#deps.emit({
      type: "background_event",
      message: `${call.name}: ${output.output}`,
      call: {
        call_id: call.callId,
        name: call.name,
        arguments: call.arguments,
        status: output.declined === true ? "declined" : "failed",
        ...(output.command === undefined ? {} : { command: [...output.command] }),
      },
    });
    return output;
  }

  #recordReady(): void {
    for (const entry of this.#entries) {
      if (entry.recorded) continue;
      if (entry.output === undefined) return;
      entry.recorded = true;
      this.#deps.record([outputOf(entry.item, entry.output)]);
    }
  }
}

function newEntry(item: CallItem): Entry {
  const text = item.type === "function_call" ? item.arguments : item.input;
  const call = { callId: item.call_id, name: item.name, arguments: text };
  return { item, call, state: "not_started", startedAt: 0, output: undefined, recorded: false };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`;
}
