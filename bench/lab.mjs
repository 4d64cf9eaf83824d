// What the cases work with: a model server, a home folder for each program, the programs. All in one temporary folder,
// removed at the end.
import { fork } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endAllRuns } from "./accounting.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PROMPT = "say hello";
/** Codex puts no links into a home below /tmp, and its start is another one then. */
const BASE = "/var/tmp";

/**
 * `node`: the Node that runs Belay; `codex`: the peer's native binary, or undefined; `codexMcp`: one of the versions that
 * have the conversation API (up to 0.153), or undefined.
 */
export async function openLab({ node, codex, codexMcp }) {
  const folder = mkdtempSync(join(BASE, "belay-bench-"));
  const server = await startServer();
  const work = join(folder, "work");
  mkdirSync(work);
  // A copy: a build in the middle of a run must not change what is measured.
  cpSync(here("../dist"), join(folder, "dist"), { recursive: true });
  const belay = [node, join(folder, "dist", "belay.cjs")];
  const programs = {
    belay: program(belay, { home: join(folder, "belay"), work }),
    ...(codex === undefined ? {} : { codex: program([codex], { home: join(folder, "codex"), work }) }),
  };
  const servers = {
    belay: { program: programs.belay, words: ["mcp-server"] },
    ...(codexMcp === undefined
      ? {}
      : { codex: { program: program([codexMcp], { home: join(folder, "codex-mcp"), work }), words: ["mcp"] } }),
  };
  let runs = 0;
  return {
    node,
    work,
    server,
    programs,
    /** Those that have the conversation API, and how they start it. */
    servers,
    bare: { name: "bare", argv: (url) => [node, here("bare-client.mjs"), url, PROMPT], env: plainEnv(folder) },
    /** The names of the programs that run turns: `belay`, and `codex` where there is one. */
    names: Object.keys(programs),
    nextRun: () => `run${++runs}`,
    async close() {
      await endAllRuns();
      server.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** How to start one program: what both have in common is the same config.toml and the same options. */
function program(command, { home, work }) {
  mkdirSync(home);
  return {
    command,
    work,
    env: { ...plainEnv(home), CODEX_HOME: home },
    /** The argv of one headless turn against this model URL, in a new session or a recorded one. */
    exec(url, resume) {
      this.configure(url);
      if (resume !== undefined) return [...command, "exec", "resume", "--skip-git-repo-check", resume, PROMPT];
      return [...command, "exec", "--skip-git-repo-check", "-s", "danger-full-access", PROMPT];
    },
    configure(url) {
      writeFileSync(join(home, "config.toml"), configOf(url));
    },
  };
}

function configOf(url) {
  return `model = "bench-model"
model_provider = "bench"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.bench]
name = "bench"
base_url = "${url}"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`;
}

/** A small environment: what the user of this machine has set must not be part of the figures. */
function plainEnv(home) {
  const { PATH, LANG, TZ, TMPDIR } = process.env;
  const env = { PATH, LANG, TZ, TMPDIR, HOME: home, SHELL: "/bin/bash", USER: "bench", LOGNAME: "bench", TERM: "dumb" };
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}

async function startServer() {
  const child = fork(here("model-server.mjs"), { stdio: "inherit" });
  const messages = [];
  const waiting = new Set();
  child.on("message", (message) => {
    messages.push(message);
    for (const look of waiting) look();
  });
  const find = (wanted) =>
    messages.find((message) => Object.entries(wanted).every(([key, value]) => message[key] === value));
  const message = (wanted, limitMs = 30_000) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = find(wanted);
        if (found === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`the model server saw no ${JSON.stringify(wanted)}`));
      }, limitMs);
      waiting.add(look);
      look();
    });
  const { port } = await message({ type: "listening" });
  return {
    /** The base URL of a run that follows a script. */
    url: (script, run) => `http://127.0.0.1:${port}/${script}/${run}`,
    /** The first message that has these fields, also one that came already. */
    message,
    /** All requests of a run, in order. */
    requests: (run) => messages.filter((message) => message.type === "request" && message.run === run),
    async prepare(what) {
      child.send(what);
      await message({ type: "ready" });
    },
    close: () => child.disconnect(),
  };
}

/** The first of these paths that is a file. */
export function firstExisting(paths) {
  return paths.find((path) => path !== undefined && path !== "" && existsSync(path));
}
