import { LOST_OUTPUTS, type Tool, type ToolCall, type ToolContext, type ToolOutput } from "../../engine/index.js";
import { isRecord } from "../../protocol/index.js";
import { outputText } from "./facts.js";
import type { MovedFolder } from "./moved-folder.js";
import type { Prompter } from "./prompter.js";

/** `run`: calls of tools that Belay has are made again; the folder of the record is `moved`. */
export type ToolMode = { readonly kind: "mock" } | { readonly kind: "run"; readonly moved: MovedFolder };

/** Tools that give the outputs of the record, or run again, under the names of ours and all that the record calls. */
export function toolDoubles(
  own: ReadonlyMap<string, Tool>,
  { prompter, mode, names }: { readonly prompter: Prompter; readonly mode: ToolMode; readonly names: Iterable<string> },
): ReadonlyMap<string, Tool> {
  const terminals = new Map<string, string>();
  const all = new Set([...own.keys(), ...names]);
  return new Map([...all].map((name) => [name, double(name, own.get(name), { prompter, mode, terminals })] as const));
}

interface Stage {
  readonly prompter: Prompter;
  readonly mode: ToolMode;
  /** The numbers that terminals of the record have here. */
  readonly terminals: Map<string, string>;
}

function double(name: string, own: Tool | undefined, stage: Stage): Tool {
  const { prompter, mode } = stage;
  return {
    name,
    spec: own?.spec ?? { type: "function", name, description: "of another program", parameters: {} },
    parallel: (call) => prompter.call(call.callId)?.outcome !== "not_started" && (own?.parallel(call) ?? true),
    run: async (call, context) => {
      const scripted = prompter.call(call.callId);
      if (scripted === undefined) {
        prompter.depart({ what: "a call", expected: "no such call", came: `${name} ${call.arguments}` });
        return { status: "done", output: LOST_OUTPUTS.lost };
      }
      if (scripted.outcome !== "done") {
        const output = scripted.output === undefined ? "" : outputText(scripted.output);
        // The engine puts its own words in front of what there is of an output.
        return cut(output.split("\n").slice(1).join("\n"), stage, context);
      }
      const recorded = scripted.output ?? LOST_OUTPUTS.lost;
      const done: ToolOutput =
        mode.kind === "run" && own !== undefined && !DECLINED.test(outputText(recorded))
          ? await runAgain(own, { call, context, recorded: outputText(recorded), moved: mode.moved }, stage)
          : { status: "done", output: recorded };
      if (prompter.wasLastStarted(call.callId)) await cut("", stage, context);
      return done;
    },
  };
}

/** What was refused at the time is not asked for again. */
const DECLINED = /^(?:exec command rejected|patch rejected|the command was not run|rejected by user)/;

async function cut(output: string, { prompter }: Stage, { signal }: ToolContext): Promise<ToolOutput> {
  // It rejects once the turn is stopped: that is how the call comes to its end.
  await prompter.stopHere(signal).catch(() => undefined);
  return { status: "cut", output };
}

interface Again {
  readonly call: ToolCall;
  readonly context: ToolContext;
  /** What it gave at the time. */
  readonly recorded: string;
  readonly moved: MovedFolder;
}

const TERMINAL = /\bsession[ _](?:ID|id) (\d+)/;

async function runAgain(own: Tool, { call, context, recorded, moved }: Again, stage: Stage): Promise<ToolOutput> {
  const output = await own.run({ ...call, arguments: moveArguments(call.arguments, moved, stage.terminals) }, context);
  const told = typeof output.output === "string" ? moved.back(output.output) : undefined;
  if (told === undefined || output.status === "cut") return output;
  const [then, now] = [TERMINAL.exec(recorded)?.[1], TERMINAL.exec(told)?.[1]];
  if (then !== undefined && now !== undefined) stage.terminals.set(then, now);
  return { ...output, output: told };
}

/** Paths of the record's folder and numbers of its terminals become those of this run; JSON stays JSON. */
function moveArguments(text: string, moved: MovedFolder, terminals: ReadonlyMap<string, string>): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A patch, or nothing that the tool will understand either.
    return moved.here(text);
  }
  return JSON.stringify(
    moveIn(value, (key, one) => (key === "session_id" ? (terminals.get(one) ?? one) : moved.here(one))),
  );
}

function moveIn(value: unknown, move: (key: string, text: string) => string, key = ""): unknown {
  if (typeof value === "string") return move(key, value);
  if (typeof value === "number" && key === "session_id") return Number(move(key, String(value)));
  if (Array.isArray(value)) return value.map((one) => moveIn(one, move));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, moveIn(one, move, name)]));
}
