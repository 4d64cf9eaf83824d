import {
  type CallItem,
  type CallOutput,
  isCall,
  isCallOutput,
  type ResponseItem,
  textOf,
} from "../../protocol/index.js";
import type { ModelRequest } from "../types.js";

/** One call the script has made since the user last spoke, and what came of it. */
export interface Act {
  readonly tool: string;
  /** The script of `exec_command`. */
  readonly cmd: string | undefined;
  /** As the model is told. */
  readonly output: string;
  /** Undefined when the command did not run to its end: refused, not started, killed, cut. */
  readonly exitCode: number | undefined;
}

/** What the script takes from a request. */
export interface Conversation {
  /** The latest environment message names a folder that `belay demo` made. */
  readonly inDemoProject: boolean;
  /** Whether a function tool of this name is offered. */
  readonly offers: (tool: string) => boolean;
  readonly acts: readonly Act[];
  /** Calls of the whole conversation. */
  readonly callCount: number;
}

const ENVIRONMENT = "<environment_context>";

/** The folders of `belay demo` are named so, wherever the system keeps its temporary files. */
const DEMO_FOLDER = /^Current working directory: .*\bbelay-demo-\w+/m;

/** The first line of what a model is told of a command that ran to its end. */
const EXIT_CODE = /^Exit code: (\d+)$/m;

export function readConversation({ input, tools }: ModelRequest): Conversation {
  const environment = input.filter(isEnvironment).at(-1);
  const start = input.findLastIndex((item) => userText(item) !== undefined && !isEnvironment(item));
  const outputs = new Map(input.filter(isCallOutput).map((item) => [item.call_id, plainText(item.output)]));
  const functions = new Set(tools.filter((tool) => tool.type === "function").map((tool) => tool.name));
  return {
    inDemoProject: environment !== undefined && DEMO_FOLDER.test(userText(environment) ?? ""),
    offers: (tool) => functions.has(tool),
    acts: input
      .slice(start + 1)
      .filter(isCall)
      .map((call) => toAct(call, outputs.get(call.call_id) ?? "")),
    callCount: input.filter(isCall).length,
  };
}

function toAct(call: CallItem, output: string): Act {
  const exit = EXIT_CODE.exec(output);
  return {
    tool: call.name,
    cmd: call.type === "function_call" ? cmdOf(call.arguments) : undefined,
    output,
    exitCode: exit === null ? undefined : Number(exit[1]),
  };
}

function cmdOf(text: string): string | undefined {
  try {
    const { cmd } = JSON.parse(text) as { readonly cmd?: unknown };
    return typeof cmd === "string" ? cmd : undefined;
  } catch {
    // A call of another model, before the user switched to the script, may hold anything.
    return undefined;
  }
}

function isEnvironment(item: ResponseItem): boolean {
  return userText(item)?.startsWith(ENVIRONMENT) === true;
}

function userText(item: ResponseItem): string | undefined {
  return item.type === "message" && item.role === "user" ? textOf(item) : undefined;
}

function plainText(output: CallOutput): string {
  if (typeof output === "string") return output;
  return output.map((part) => ("text" in part ? part.text : "")).join("\n");
}
