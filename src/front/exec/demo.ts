import { join } from "node:path";
import { type ColorChoice, type FrontDeps, makeStyle, type Style, wantsColor } from "../host/index.js";
import { type DemoProject, diffDemoProject, makeDemoProject } from "./demo-project.js";
import { runExec } from "./exec.js";
import type { ExecArgs } from "./run-flags.js";

export interface DemoArgs {
  readonly json: boolean;
  /** Default `auto`. */
  readonly color?: ColorChoice;
}

const FAILED_EXIT_CODE = 1;

const PROMPT = "The test in this project fails. Find out why, fix it, and show that it passes.";

/**
 * Runs one turn of `belay exec` in a throw-away project, with the embedded script for a model, then shows what changed and
 * how to plug in a real one. What `exec` does not print itself goes to stderr. Resolves with the exit code of the turn.
 */
export async function runDemo(args: DemoArgs, deps: FrontDeps): Promise<number> {
  const { env, stderr } = deps;
  const say = (text: string) => void stderr.write(`${text}\n`);
  const style = makeStyle(wantsColor(args.color ?? "auto", { env, isTTY: stderr.isTTY }));
  say(introduction(style));
  const project = await makeProject(env);
  if (typeof project === "string") {
    say(`belay: the project can't be made: ${project}`);
    return FAILED_EXIT_CODE;
  }
  if (project.withoutGit !== undefined)
    say(`The project is a plain folder, not a git repository: ${project.withoutGit}.\n`);
  const code = await runExec(execArgs(args, project), isolated(deps, project));
  say(`\n${style.bold("What changed")}\n${await changes(project, { deps, style })}`);
  say(closing(project, { style, configFile: configFileOf(env) }));
  return code;
}

/** The project, or why there is none. */
async function makeProject(env: FrontDeps["env"]): Promise<DemoProject | string> {
  try {
    return await makeDemoProject({ env, node: process.execPath });
  } catch (error) {
    // A folder for temporary files that is full, missing or read-only is the user's to know.
    return (error as Error).message;
  }
}

/** The whole run is given here: nothing of the user's configuration, input or folders takes part in it. */
function execArgs({ json, color }: DemoArgs, { folder }: DemoProject): ExecArgs {
  return {
    prompt: PROMPT,
    model: "demo",
    profile: undefined,
    cwd: folder,
    // The script runs two reading commands and one test file, all of them ours, in a folder made for them.
    sandbox: "danger-full-access",
    overrides: ['model_provider="demo"'],
    images: [],
    lastMessageFile: undefined,
    schemaFile: undefined,
    json,
    color: color ?? "auto",
    skipGitRepoCheck: true,
    requireSandbox: false,
    deadlineMs: undefined,
    oss: false,
    bypass: false,
    session: undefined,
  };
}

function isolated(deps: FrontDeps, { folder, home }: DemoProject): FrontDeps {
  return {
    ...deps,
    cwd: folder,
    env: { ...deps.env, BELAY_HOME: home },
    // A terminal is not read when there is a prompt.
    stdin: { kind: "terminal", async *[Symbol.asyncIterator]() {} },
  };
}

async function changes(
  project: DemoProject,
  { deps, style }: { readonly deps: FrontDeps; readonly style: Style },
): Promise<string> {
  try {
    const diff = await diffDemoProject(project, { env: deps.env });
    return diff === "" ? "Nothing." : colourDiff(diff.trimEnd(), style);
  } catch (error) {
    // The folder is anybody's by now; the turn's own outcome stands all the same.
    return `It can't be shown: ${(error as Error).message}`;
  }
}

function colourDiff(diff: string, style: Style): string {
  const colourLine = (line: string) => {
    if (/^(diff|index|---|\+\+\+) /.test(line)) return style.bold(line);
    if (line.startsWith("+")) return style.green(line);
    if (line.startsWith("-")) return style.red(line);
    return line.startsWith("@@") ? style.cyan(line) : line;
  };
  return diff.split("\n").map(colourLine).join("\n");
}

function introduction(style: Style): string {
  return `${style.bold("This is a demo: the model is a script built into Belay.")}
No network and no key are used. The rest is real: the engine and its events, the commands, the patch,
and the project, a small one with a bug, made for this run in a folder for temporary files.
`;
}

/** Where a user's own settings would be read from. */
function configFileOf(env: FrontDeps["env"]): string {
  const home = [env.BELAY_HOME, env.CODEX_HOME].find((path) => path !== undefined && path !== "");
  return home === undefined ? "~/.belay/config.toml" : join(home, "config.toml");
}

function closing(
  { folder, home }: DemoProject,
  { style, configFile }: { readonly style: Style; readonly configFile: string },
): string {
  return `
${style.bold("Have a look")}
  cd ${folder}
  BELAY_HOME=${home} belay undo
The second line takes the change back, as belay undo does in a project of your own.
The record of the session is in ${home}.

${style.bold("Now with a real model")}
1. OpenAI:
     OPENAI_API_KEY=... belay exec "what does this project do?"
2. Any OpenAI-compatible service, by these lines in ${configFile}:
     model = "its-model"
     model_provider = "mine"
     [model_providers.mine]
     base_url = "https://models.example.com/v1"
     env_key = "MINE_API_KEY"
   and wire_api = "chat" as well, if it speaks Chat Completions and not Responses.
3. A model on this machine, with Ollama or LM Studio:
     belay exec --oss "what does this project do?"`;
}
