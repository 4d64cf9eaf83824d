import { type Event, encodeEvent } from "../../protocol/index.js";
import type { WholeRecord } from "../../rollout/index.js";
import { type FrontDeps, makeStyle, sanitise, wantsColor } from "../host/index.js";
import { shortDiff } from "./comparison.js";
import type { Parting } from "./facts.js";
import type { ReplayArgs } from "./index.js";
import type { ScriptedTurn } from "./script.js";

/** What became of one turn. */
export type TurnResult =
  | { readonly result: "same" | "passed_over"; readonly why?: string }
  | { readonly result: "parted"; readonly parting: Parting };

/** What a replay tells while it goes on, and at its end. */
export interface Report {
  begin(session: { readonly id: string; readonly turnCount: number; readonly by: string }): void;
  /** A promise while the reader is too slow. */
  event(event: Event): void | Promise<void>;
  /** The same. */
  turn(turn: ScriptedTurn, result: TurnResult): void | Promise<void>;
  /** Something people should know. */
  note(text: string): void;
  end(end: { readonly stopped: boolean }): void;
}

/** Of a text in the JSON summary. */
const JSON_CHARACTERS = 20_000;
const TITLE_CHARACTERS = 60;
/** Of a note, and of what a parting is about: names in them are the record's. */
const NOTE_CHARACTERS = 1000;

/** Lines for people on stdout, or events and a summary as JSON lines; notes go to stderr. */
export function createReport(args: ReplayArgs, deps: FrontDeps): Report {
  const report = args.json ? jsonReport(args, deps) : humanReport(args, deps);
  return {
    ...report,
    note: (text) => {
      const clipped = text.slice(0, NOTE_CHARACTERS);
      report.note(clipped);
      void deps.stderr.write(`belay: ${sanitise(clipped)}\n`);
    },
  };
}

function humanReport({ tools }: ReplayArgs, { stdout, env }: FrontDeps): Report {
  const style = makeStyle(wantsColor("auto", { env, isTTY: stdout.isTTY }));
  const say = (text: string) => void stdout.write(`${text}\n`);
  const counts = { same: 0, parted: 0, passed_over: 0 };
  let firstParted: number | undefined;
  return {
    begin: ({ id, turnCount, by }) => {
      const how = tools === "mock" ? "outputs of tools come from the record" : "tools run again, in a copy";
      const who = `session ${id}, ${by}`.slice(0, NOTE_CHARACTERS);
      say(sanitise(`${who}, ${counted(turnCount, "turn")}; ${how}`));
    },
    event: () => undefined,
    turn: (turn, result) => {
      counts[result.result] += 1;
      const head = `turn ${turn.n}  ${words(result, style)}  ${sanitise(titleOf(turn))}`;
      if (result.result === "parted") firstParted ??= turn.n;
      return stdout.write(`${[head, ...detailsOf(result, style).map((line) => `  ${line}`)].join("\n")}\n`);
    },
    note: () => {},
    end: ({ stopped }) => {
      const passed = counts.passed_over === 0 ? "" : `, ${counts.passed_over} passed over`;
      const tail = `${counts.same} of ${counted(counts.same + counts.parted, "turn")} the same${passed}`;
      if (stopped) say(`stopped: ${tail}`);
      else if (firstParted === undefined) say(style.green(`the same: ${tail}`));
      else say(style.red(`parted at turn ${firstParted}: ${tail}`));
    },
  };
}

type Style = ReturnType<typeof makeStyle>;

function detailsOf(result: TurnResult, style: Style): string[] {
  if (result.result !== "parted") return result.why === undefined ? [] : [result.why];
  const { what } = result.parting;
  const diff = shortDiff(result.parting).map((line) => colour(sanitise(line), style));
  return [`at the ${sanitise(what.slice(0, NOTE_CHARACTERS))} (- recorded, + replayed)`, ...diff];
}

function words({ result }: TurnResult, style: Style): string {
  if (result === "same") return style.green("same  ");
  return result === "parted" ? style.red("parted") : style.dim("passed");
}

function colour(line: string, style: Style): string {
  if (line.startsWith("-")) return style.red(line);
  return line.startsWith("+") ? style.green(line) : line;
}

function titleOf({ start, text, cues, calls }: ScriptedTurn): string {
  const answers = cues.filter(({ kind }) => kind === "answer").length;
  const said = start.kind === "input" ? text : start.kind === "none" ? "" : `(${start.kind})`;
  const title = said.length > TITLE_CHARACTERS ? `${said.slice(0, TITLE_CHARACTERS)}…` : said;
  return `${title} [${counted(answers, "answer")}, ${counted(calls.size, "call")}]`.trim();
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function jsonReport({ tools }: ReplayArgs, { stdout }: FrontDeps): Report {
  const turns: object[] = [];
  const notes: string[] = [];
  let session: string | undefined;
  let same = true;
  return {
    begin: ({ id }) => {
      session = id;
    },
    event: (event) => stdout.write(`${encodeEvent(event)}\n`),
    turn: ({ n }, result) => {
      if (result.result !== "parted") {
        turns.push({ turn: n, ...result });
        return;
      }
      same = false;
      const { what, expected, came } = result.parting;
      const parting = { what, expected: expected.slice(0, JSON_CHARACTERS), came: came.slice(0, JSON_CHARACTERS) };
      turns.push({ turn: n, result: "parted", parting });
    },
    note: (text) => void notes.push(text),
    end: ({ stopped }) => {
      const line = { type: "replay_complete", session, tools, same: same && !stopped, stopped, turns, notes };
      void stdout.write(`${JSON.stringify(line)}\n`);
    },
  };
}

/** What of the record could not be read, for people. */
export function damageNotes({ damage, reordered }: WholeRecord): string[] {
  const { skipped, missingBlobs, missingBase } = damage;
  const bytes = skipped.reduce((sum, part) => sum + part.bytes, 0);
  const [first] = skipped;
  return [
    ...(first === undefined
      ? []
      : [
          `${counted(skipped.length, "part")} of the record (${bytes} bytes) could not be read and were skipped, the first at byte ${first.at}: ${first.why}`,
        ]),
    ...(reordered ? ["lines of the record had changed places, and were put in order"] : []),
    ...(missingBlobs === 0
      ? []
      : [
          `${counted(missingBlobs, "large text")} of the record are not here: belay sessions export puts them into one file`,
        ]),
    ...(missingBase === undefined
      ? []
      : [`session ${missingBase}, which this one was forked from, is not here: its turns are missing`]),
  ];
}
