import type { Config } from "../../config/index.js";
import { modelInfo, settleModelSettings } from "../../model/index.js";
import type { EventMsg, TerminalMsg } from "../../protocol/index.js";
import type { FrontDeps } from "../host/index.js";
import { makeStyle, sanitise, wantsColor } from "../host/index.js";
import { excerptLines, linesOf, shortenLine } from "./format.js";
import { HumanLines } from "./human.js";
import { ThreadEvents } from "./json-items.js";
import type { ExecArgs } from "./run-flags.js";
import type { ThreadEvent } from "./thread-events.js";

/** Shows one turn: on stdout what programs read, on stderr what people read. */
export interface Presenter {
  /** Before the first event. */
  begin(prompt: string): void;
  /** A promise while the reader is too slow. */
  take(msg: EventMsg): void | Promise<void>;
  /** The terminal event; `failure` fails a turn that completed. */
  end(msg: TerminalMsg, failure: string | undefined): void;
  /** A line of our own. */
  notice(text: string): void;
}

const PROMPT_LINES = 12;
const LINE_CHARACTERS = 400;

export function createPresenter(args: Pick<ExecArgs, "json" | "color">, deps: FrontDeps, shown: Shown): Presenter {
  return args.json ? jsonPresenter(deps) : humanPresenter(args, deps, shown);
}

/** What the header tells. */
export interface Shown {
  readonly config: Pick<
    Config,
    | "cwd"
    | "model"
    | "models"
    | "provider"
    | "approvalPolicy"
    | "sandboxPolicy"
    | "effort"
    | "summary"
    | "verbosity"
    | "serviceTier"
  >;
  readonly conversationId: string;
}

function jsonPresenter({ stdout, stderr }: FrontDeps): Presenter {
  const thread = new ThreadEvents();
  const print = (events: readonly ThreadEvent[]): void | Promise<void> => {
    if (events.length === 0) return undefined;
    return stdout.write(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  };
  return {
    begin() {},
    take: (msg) => print(thread.take(msg)),
    end(msg, failure) {
      void print(thread.end(msg, failure));
    },
    notice(text) {
      void stderr.write(`belay: ${sanitise(text)}\n`);
    },
  };
}

function humanPresenter({ color }: Pick<ExecArgs, "color">, deps: FrontDeps, shown: Shown): Presenter {
  const { stdout, stderr, env } = deps;
  const style = makeStyle(wantsColor(color, { env, isTTY: stderr.isTTY }));
  const lines = new HumanLines({ style, cwd: shown.config.cwd, here: deps.cwd });
  return {
    begin(prompt) {
      const short = excerptLines(linesOf(sanitise(prompt)), PROMPT_LINES).map((line) =>
        shortenLine(line, LINE_CHARACTERS),
      );
      const entries = headerOf(shown).map(([key, value]) => `${style.bold(`${key}:`)} ${sanitise(value)}`);
      const rule = style.dim("--------");
      const text = [`Belay ${deps.version}`, rule, ...entries, rule, style.cyan("you"), ...short];
      void stderr.write(`${text.join("\n")}\n`);
    },
    take(msg) {
      const text = lines.take(msg);
      return text === "" ? undefined : stderr.write(text);
    },
    end(msg, failure) {
      void stderr.write(lines.end(msg));
      if (failure !== undefined) void stderr.write(`${style.red(`error: ${sanitise(failure)}`)}\n`);
      if (msg.type !== "task_complete" || msg.failed === true) return;
      const final = msg.last_agent_message ?? "";
      if (final !== "") void stdout.write(`${stdout.isTTY ? sanitise(final) : final}\n`);
    },
    notice(text) {
      void stderr.write(`${style.yellow(`belay: ${sanitise(text)}`)}\n`);
    },
  };
}

function headerOf({ config, conversationId }: Shown): readonly (readonly [string, string])[] {
  const { sandboxPolicy: sandbox, summary, model, models } = config;
  // What is asked of the model, not what was set: that may be more than it takes.
  const info = modelInfo(model, models);
  const { effort, serviceTier } = settleModelSettings({ ...config, info, wire: config.provider.wireApi });
  const network = sandbox.mode === "workspace-write" && sandbox.network_access ? " (network allowed)" : "";
  return [
    ["workdir", config.cwd],
    ["model", model],
    ["provider", config.provider.id],
    ["approval", config.approvalPolicy],
    ["sandbox", `${sandbox.mode}${network}`],
    ...(effort === undefined ? [] : ([["reasoning effort", effort]] as const)),
    ...(serviceTier === undefined ? [] : ([["service tier", serviceTier]] as const)),
    ...(summary === undefined ? [] : ([["reasoning summaries", summary]] as const)),
    ["conversation", conversationId],
  ];
}
