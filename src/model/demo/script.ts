import type { Act, Conversation } from "./conversation.js";

/** What the script says and does next; without calls, it is the end of the turn. */
export interface Reply {
  readonly text: string;
  readonly calls: readonly { readonly tool: string; readonly args: object }[];
}

const LIST = "ls";
const SHOW = "cat package.json booking.mjs test.mjs";
const SOURCE = "booking.mjs";
/** The only command the script runs as a test: Node, by name or by path, on this one file. */
const TEST_COMMAND = /"test": *("(?:[^"\\]|\\.)*")/;
const NODE_ON_TEST = /^(node|"[^"]+") test\.mjs$/;
/** A failed check of the test file, by its name. */
const FAILED_CHECK = /^FAIL {2}(.+)$/gm;
/** The bug: days that only touch are taken for days that overlap. */
const BUG = /^( *return a\.arrive) <= (b\.leave && b\.arrive) <= (a\.leave;)$/m;

const PLAN = ["Read the files and run the test", "Fix what the test shows", "Run the test again"];

/** The next step of the demo, decided from nothing but the conversation. */
export function decide(conversation: Conversation): Reply {
  const { inDemoProject, offers } = conversation;
  if (!inDemoProject) return say(NOT_A_MODEL);
  if (!offers("exec_command") || !offers("apply_patch")) {
    return say(
      "I am the script of Belay's demo, and without the tools exec_command and apply_patch there is nothing I can do.",
    );
  }
  const acts = conversation.acts.filter((act) => act.tool !== "update_plan");
  const files = acts.find((act) => act.cmd === SHOW);
  if (files === undefined) return withPlan(conversation, begin());
  const command = testCommandIn(files.output);
  if (files.exitCode !== 0 || command === undefined) return say(giveUp("reading the files", files));
  const runs = acts.filter((other) => other.cmd === command);
  const patch = acts.find((other) => other.tool === "apply_patch");
  const [first, second] = runs;
  if (first === undefined)
    return withPlan(conversation, runTest(command, "A module, its test, and how to run it. Now the test."));
  if (patch === undefined) return withPlan(conversation, diagnose({ files, run: first }));
  if (!patch.output.startsWith("Success")) return say(giveUp("the patch", patch));
  if (second === undefined)
    return withPlan(conversation, { ...runTest(command, "Patched. The same test again:"), done: 2 });
  return withPlan(conversation, sumUp(second));
}

/** A step; `done`: how many steps of the plan are done by now. */
interface Step extends Reply {
  readonly done: number | undefined;
}

function begin(): Step {
  return {
    text: "I am a script that is built into Belay, not a model; what I run and change here is real. I'll read the files, run the test, fix what it shows, and run it again.",
    calls: [run(LIST), run(SHOW)],
    done: 0,
  };
}

function runTest(command: string, text: string): Step {
  return { text, calls: [run(command)], done: undefined };
}

function diagnose({ files, run: first }: { readonly files: Act; readonly run: Act }): Step {
  if (first.exitCode === undefined) return last(giveUp("the test", first));
  if (first.exitCode === 0)
    return last("The test passes already, so there is nothing to fix. I leave the files as they are.");
  const failed = [...first.output.matchAll(FAILED_CHECK)].map((match) => match[1]!);
  const bug = BUG.exec(files.output);
  if (bug === null || failed.length === 0)
    return last(`${giveUp("the test", first)} It is not the failure that I know how to fix.`);
  const [line, returned, middle, rest] = bug as unknown as readonly [string, string, string, string];
  const fixed = `${returned} < ${middle} < ${rest}`;
  return {
    text: [
      `${count(failed.length, "check")} failed: ${failed.map((name) => `"${name}"`).join(", ")}.`,
      `The bug is in \`overlaps\` in ${SOURCE}: it compares with \`<=\`, so two stays that only share the day on which one guest leaves and the next arrives count as a clash. Days that touch do not overlap: it has to be \`<\`, twice.`,
    ].join(" "),
    calls: [{ tool: "apply_patch", args: { input: patchOf(line, fixed) } }],
    done: 1,
  };
}

function patchOf(line: string, fixed: string): string {
  return [
    "*** Begin Patch",
    `*** Update File: ${SOURCE}`,
    "@@ export function overlaps(a, b) {",
    `-${line}`,
    `+${fixed}`,
    " }",
    "*** End Patch",
    "",
  ].join("\n");
}

function sumUp(second: Act): Step {
  if (second.exitCode !== 0)
    return last(`${giveUp("the second run of the test", second)} The patch is in place, but I don't call this fixed.`);
  const verdict = lastLine(second.output);
  return {
    text: `Fixed: \`overlaps\` in ${SOURCE} took a stay that begins on the day another one ends for a clash; it now compares with \`<\`. The test that failed passes (${verdict}). Nothing else was changed.`,
    calls: [],
    done: PLAN.length,
  };
}

/** Adds the plan, where that tool is offered: beside the step's calls, or in a reply of its own before the last text. */
function withPlan(conversation: Conversation, step: Step): Reply {
  const { text, calls, done } = step;
  if (done === undefined || !conversation.offers("update_plan")) return { text, calls };
  const told = conversation.acts.filter((other) => other.tool === "update_plan").length;
  const plan = { tool: "update_plan", args: { plan: planAt(done) } };
  if (calls.length > 0) return { text, calls: [plan, ...calls] };
  return told > done ? { text, calls } : { text: "", calls: [plan] };
}

function planAt(done: number): object[] {
  return PLAN.map((step, index) => ({
    step,
    status: index < done ? "completed" : index === done ? "in_progress" : "pending",
  }));
}

function testCommandIn(files: string): string | undefined {
  const found = TEST_COMMAND.exec(files)?.[1];
  if (found === undefined) return undefined;
  const command = JSON.parse(found) as string;
  return NODE_ON_TEST.test(command) ? command : undefined;
}

function run(cmd: string): { readonly tool: string; readonly args: object } {
  return { tool: "exec_command", args: { cmd, login: false } };
}

function say(text: string): Reply {
  return { text, calls: [] };
}

function last(text: string): Step {
  return { text, calls: [], done: undefined };
}

function giveUp(what: string, { output, exitCode }: Act): string {
  const came = exitCode === undefined ? firstLine(output) : `exit code ${exitCode}: ${lastLine(output)}`;
  return `I stop here: ${what} did not go as my script expects (${came.slice(0, 300)}). A model would think of something; I am only the script of Belay's demo.`;
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function count(n: number, noun: string): string {
  return n === 1 ? `One ${noun}` : `${n} ${noun}s`;
}

const NOT_A_MODEL = `I can't answer that: I am a script that is built into Belay for \`belay demo\`, not a model, and I know only the project which that command makes.

To plug in a real model:
- OpenAI: set OPENAI_API_KEY and leave out \`model_provider = "demo"\`.
- Any OpenAI-compatible service: \`model_provider = "mine"\` and a table \`[model_providers.mine]\` with base_url and env_key in config.toml.
- A model on this machine, with Ollama or LM Studio: \`belay exec --oss "..."\`.`;
